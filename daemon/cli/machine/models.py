"""``yibao-face models``: install, list and verify the networks; put in one of the site's own."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from yibao_face.daemon.cli.common import CliError, Commands, command, config_of, say
from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config
from yibao_face.daemon.wiring import plain_store
from yibao_face.models.api import ModelError
from yibao_face.models.weights import site
from yibao_face.models.weights.install import install
from yibao_face.models.weights.manifest import ModelEntry
from yibao_face.models.weights.store import WeightStore


def add(commands: Commands) -> None:
    """Register the command."""
    parser = command(commands, "models", "install, list or verify the networks / 算法模型")
    parser.add_argument("action", choices=tuple(_ACTIONS))
    parser.add_argument("file", type=Path, nargs="?", help="for add: site-model.json, thresholds")
    parser.add_argument("--accepted-by", metavar="NAME", help="who accepts the licence of a model")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Do ``action``; exit code 1 when a model is missing or altered."""
    config = config_of(given)
    # Of the manifest alone: what the site chose may be what is to be mended here.
    store = plain_store(config)
    return _ACTIONS[given.action](given, config, store)


def _install(_given: argparse.Namespace, config: Config, store: WeightStore) -> int:
    if find_spec("onnx") is None:
        raise CliError("converting the networks needs onnx: pip install 'yibao-face[convert]'")
    install(store, config.downloads, say)
    say(f"{len(store.manifest.models)} models in {store.folder}")
    return 0


def _add(given: argparse.Namespace, _config: Config, store: WeightStore) -> int:
    if not given.accepted_by:
        raise CliError("models add needs --accepted-by NAME: who accepts the licence of the model")
    today = Clock().today().isoformat()
    entry = site.add(store, _file(given), given.accepted_by, today)
    say(f"{entry.id}: in {store.folder}, {_match(site.calibrated(store.folder, entry))}")
    return 0


def _thresholds(given: argparse.Namespace, _config: Config, store: WeightStore) -> int:
    table = site.put_thresholds(store, _file(given))
    limit = table.limit(1, 1, site.MATCH_FAR)
    say(f"{table.model_id}: match {limit} at FAR {site.MATCH_FAR:g}: {table.calibrated_on}")
    return 0


def _file(given: argparse.Namespace) -> Path:
    if given.file is None:
        raise CliError(f"models {given.action} needs a FILE")
    return Path(given.file)


def _list(given: argparse.Namespace, config: Config, store: WeightStore) -> int:
    details = given.action == "list"
    states = [_tell(store, config, entry, details) for entry in store.manifest.models]
    for model_id in site.site_ids(store.folder):
        try:
            entry = site.site_entry(store.folder, model_id)
        except ModelError as exc:
            states.append(str(exc))
            say(f"{model_id:18} {'embedder':15} {exc}")
        else:
            states.append(_tell(store, config, entry, details))
    return 0 if all(state == "ok" for state in states) else 1


def _tell(store: WeightStore, config: Config, entry: ModelEntry, details: bool) -> str:
    state = _state(store, entry)
    say(f"{entry.id:18} {entry.role:15} {state}")
    if not details:
        return state
    say(f"  source {entry.member} sha256 {entry.sha256}")
    say(f"  licence {entry.licence} · {entry.origin}")
    for name, limit in entry.thresholds.items():
        say(f"  {name} {limit.value}: {limit.calibrated_on}")
    if entry.role == "embedder":
        chosen = config.match.model or store.manifest.by_role("embedder").id
        say(f"  {_limits(store, entry)}{' · selected' if entry.id == chosen else ''}")
    return state


def _state(store: WeightStore, entry: ModelEntry) -> str:
    try:
        store.verify(entry)
    except ModelError as exc:
        return str(exc)
    return "ok"


def _limits(store: WeightStore, entry: ModelEntry) -> str:
    try:
        return _match(site.calibrated(store.folder, entry))
    except ModelError as exc:
        return str(exc)


def _match(entry: ModelEntry) -> str:
    if entry.match is None:
        return site.NO_THRESHOLDS
    table = site.match_table(entry)
    limit = table.limit(1, 1, site.MATCH_FAR)
    return f"match {limit} at FAR {site.MATCH_FAR:g}: {table.calibrated_on} ({table.date})"


_ACTIONS: dict[str, Callable[[argparse.Namespace, Config, WeightStore], int]] = {
    "install": _install,
    "list": _list,
    "verify": _list,
    "add": _add,
    "thresholds": _thresholds,
}
