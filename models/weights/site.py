"""An embedder of the site's own: checked, licence accepted by name, calibrated before it counts.

Beside the networks of the manifest lie ``site-ID.json``, ``site-ID.onnx`` and, once calibrated,
``thresholds-ID.json``; the last may also be there for the manifest's own embedder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from yibao_face.models.api import ModelError
from yibao_face.models.engine import Network
from yibao_face.models.weights.manifest import Manifest, ModelEntry
from yibao_face.models.weights.sheet import SheetError, entry_of
from yibao_face.models.weights.store import WeightStore
from yibao_face.models.weights.threshold import MatchTable, ThresholdError, as_json, table_of

# A settlement is decided at this false accept rate and no other.
MATCH_FAR = 1e-5
NO_THRESHOLDS = "no thresholds: calibrate first"


class SiteModelError(ModelError):
    """A model or thresholds of the site cannot be used; the message names which and why."""


def choose(manifest: Manifest, folder: Path, wanted: str) -> Manifest:
    """``manifest`` with the embedder ``wanted`` (empty: its own) and the thresholds of the site.

    Raises ``SiteModelError`` for a model that is not there, or has no threshold at ``MATCH_FAR``.
    """
    own = manifest.by_role("embedder")
    entry = wanted_entry(own, folder, wanted)
    match_table(entry)
    return replace(manifest, models=tuple(entry if m is own else m for m in manifest.models))


def wanted_entry(own: ModelEntry, folder: Path, wanted: str) -> ModelEntry:
    """The embedder ``wanted`` (empty: ``own``) with the site's thresholds, if it has any."""
    return calibrated(folder, own if wanted in ("", own.id) else site_entry(folder, wanted))


def match_table(entry: ModelEntry) -> MatchTable:
    """The calibration of ``entry``; ``SiteModelError`` unless it settles at ``MATCH_FAR``."""
    if entry.match is None:
        raise SiteModelError(f"{entry.id} cannot be selected: {NO_THRESHOLDS}")
    try:
        _check_use(entry.match)
    except ThresholdError as exc:
        raise SiteModelError(f"{entry.id} cannot be selected: {exc}") from exc
    return entry.match


def add(store: WeightStore, file: Path, accepted_by: str, accepted_at: str) -> ModelEntry:
    """Take in the model that ``file`` describes; whoever accepted its licence is kept with it.

    Raises ``SiteModelError`` or ``ModelAlteredError``, and then nothing is kept.
    """
    if not accepted_by.strip():
        raise SiteModelError(f"{file.name}: nobody accepted the licence")
    taken = {"accepted_by": accepted_by.strip(), "accepted_at": accepted_at}
    raw = {**_parsed(_read(file), file.name), **taken}
    entry = _entry(raw, file.name)
    if entry.id in {model.id for model in store.manifest.models}:
        raise SiteModelError(f"{file.name}: {entry.id} is the name of a model we carry")
    data = _read(file.parent / entry.member)
    found = hashlib.sha256(data).hexdigest()
    if found != entry.sha256:
        raise SiteModelError(f"{entry.member}: sha256 {found[:12]}…, not {entry.sha256[:12]}…")
    _check_shape(entry, data)
    store.write(entry, data)
    _write(_entry_path(store.folder, entry.id), raw)
    try:
        calibrated(store.folder, entry)
    except SiteModelError:  # of the network that had this name before
        _thresholds_path(store.folder, entry.id).unlink()
    return entry


def put_thresholds(store: WeightStore, file: Path) -> MatchTable:
    """Keep the thresholds in ``file`` for the model they name.

    Raises ``SiteModelError``, and then those there were stay.
    """
    table = _table(_parsed(_read(file), file.name), file.name)
    own = store.manifest.by_role("embedder")
    entry = own if table.model_id == own.id else site_entry(store.folder, table.model_id)
    _check_owner(table, entry, file.name)
    try:
        _check_use(table)
    except ThresholdError as exc:
        raise SiteModelError(f"{file.name}: {exc}") from exc
    _write(_thresholds_path(store.folder, entry.id), as_json(table))
    return table


def site_entry(folder: Path, model_id: str) -> ModelEntry:
    """The model the site put in under ``model_id``; ``SiteModelError`` when there is none."""
    # Looked up among what is there, so that no name leads out of the folder.
    if model_id not in site_ids(folder):
        raise SiteModelError(f"{model_id or 'a model without a name'} is not installed")
    path = _entry_path(folder, model_id)
    entry = _entry(_parsed(_read(path), path.name), path.name)
    if entry.id != model_id:
        raise SiteModelError(f"{path.name} is about {entry.id}")
    return entry


def site_ids(folder: Path) -> list[str]:
    """Names of the models the site put in."""
    return sorted(path.stem.removeprefix("site-") for path in folder.glob("site-*.json"))


def calibrated(folder: Path, entry: ModelEntry) -> ModelEntry:
    """``entry`` with the thresholds the site installed for it, where it did."""
    path = _thresholds_path(folder, entry.id)
    if not path.is_file():
        return entry
    table = _table(_parsed(_read(path), path.name), path.name)
    _check_owner(table, entry, path.name)
    return replace(entry, match=table)


def _entry(raw: Mapping[str, Any], name: str) -> ModelEntry:
    try:
        entry = entry_of(raw)
    except SheetError as exc:
        raise SiteModelError(f"{name}: {exc}") from exc
    limits = raw.get("thresholds")
    if not limits:
        return entry
    table = _table(limits, name)
    _check_owner(table, entry, name)
    return replace(entry, match=table)


def _check_shape(entry: ModelEntry, data: bytes) -> None:
    network, feed = Network(entry.member, data), entry.feed
    if network.input_name != feed.name:
        raise SiteModelError(f"{entry.member}: input is {network.input_name}, not {feed.name}")
    [found, *_] = network.run(np.zeros((1, 3, 112, 112), np.float32)).values()
    if found.shape != (1, feed.dim):
        raise SiteModelError(f"{entry.member}: gives {found.shape}, not (1, {feed.dim})")


def _check_owner(table: MatchTable, entry: ModelEntry, name: str) -> None:
    if (table.model_id, table.model_sha256) != (entry.id, entry.sha256):
        whose = f"{table.model_id} {table.model_sha256[:12]}…"
        raise SiteModelError(f"{name}: thresholds of {whose}, not of {entry.id} as installed")


def _check_use(table: MatchTable) -> None:
    limit = table.limit(1, 1, MATCH_FAR)
    pairs = [row.impostor_pairs for row in table.rows if (row.template, row.probe) == (1, 1)]
    if min(pairs) * MATCH_FAR < 1:
        raise ThresholdError(f"{min(pairs)} impostor pairs are too few for FAR {MATCH_FAR:g}")
    if limit <= 0:
        raise ThresholdError(f"threshold {limit} parts nobody")


def _table(raw: Any, name: str) -> MatchTable:
    try:
        return table_of(raw)
    except (ThresholdError, OverflowError) as exc:
        raise SiteModelError(f"{name}: {exc}") from exc


def _parsed(data: bytes, name: str) -> dict[str, Any]:
    try:
        raw: Any = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as exc:
        raise SiteModelError(f"{name} is no JSON, or only a part of it") from exc
    if not isinstance(raw, dict):
        raise SiteModelError(f"{name} holds no object")
    return cast(dict[str, Any], raw)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise SiteModelError(f"{path.name} cannot be read: {exc.strerror}") from exc


def _write(path: Path, body: Mapping[str, Any]) -> None:
    part = path.with_suffix(".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(body, ensure_ascii=False, indent=1), "utf-8")
        part.replace(path)
    except OSError as exc:
        raise SiteModelError(f"{path.name} cannot be written: {exc.strerror}") from exc


def _entry_path(folder: Path, model_id: str) -> Path:
    return folder / f"site-{model_id}.json"


def _thresholds_path(folder: Path, model_id: str) -> Path:
    return folder / f"thresholds-{model_id}.json"
