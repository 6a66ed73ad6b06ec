"""``yibao-face models``: install, list and verify the networks."""

from __future__ import annotations

import argparse
from importlib.util import find_spec

from yibao_face.daemon.cli.common import CliError, Commands, command, config_of, say
from yibao_face.daemon.wiring import weight_store
from yibao_face.models.api import ModelError
from yibao_face.models.weights.install import install
from yibao_face.models.weights.manifest import ModelEntry
from yibao_face.models.weights.store import WeightStore


def add(commands: Commands) -> None:
    """Register the command."""
    parser = command(commands, "models", "install, list or verify the networks / 算法模型")
    parser.add_argument("action", choices=("install", "list", "verify"))
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Do ``action``; exit code 1 when a model is missing or altered."""
    config = config_of(given)
    store = weight_store(config)
    if given.action == "install":
        if find_spec("onnx") is None:
            raise CliError("converting the networks needs onnx: pip install 'yibao-face[convert]'")
        install(store, config.downloads, say)
        say(f"{len(store.manifest.models)} models in {store.folder}")
        return 0
    states = {entry.id: _state(store, entry) for entry in store.manifest.models}
    for entry in store.manifest.models:
        _tell(entry, states[entry.id], details=given.action == "list")
    return 0 if all(state == "ok" for state in states.values()) else 1


def _state(store: WeightStore, entry: ModelEntry) -> str:
    try:
        store.verify(entry)
    except ModelError as exc:
        return str(exc)
    return "ok"


def _tell(entry: ModelEntry, state: str, *, details: bool) -> None:
    say(f"{entry.id:18} {entry.role:15} {state}")
    if not details:
        return
    say(f"  source {entry.member} sha256 {entry.sha256}")
    say(f"  licence {entry.licence} · {entry.origin}")
    for name, limit in entry.thresholds.items():
        say(f"  {name} {limit.value}: {limit.calibrated_on}")
