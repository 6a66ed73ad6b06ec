"""The manifest says where every network is from; the store gives only what was installed."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from yibao_face.daemon.core.encounter import Cause
from yibao_face.models.api import ModelAlteredError, ModelError, ModelMissingError
from yibao_face.models.liveness.relief import Relief
from yibao_face.models.weights.manifest import ModelEntry, load_manifest
from yibao_face.models.weights.store import RECEIPT, WeightStore

MANIFEST = load_manifest()
MODELS = {entry.id: entry for entry in MANIFEST.models}
ROLES = {"detector", "embedder", "landmarker", "canonical-face"}
SHA256 = re.compile(r"[0-9a-f]{64}")


@pytest.fixture(params=["detector", "canonical-face"])
def entry(request: pytest.FixtureRequest) -> ModelEntry:
    return MANIFEST.by_role(request.param)


def receipt_of(store: WeightStore) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads((store.folder / RECEIPT).read_text("utf-8"))
    return found


def note(store: WeightStore, receipt: object) -> None:
    (store.folder / RECEIPT).write_text(json.dumps(receipt), "utf-8")


def test_the_manifest_has_every_role_once() -> None:
    assert ROLES == {entry.role for entry in MANIFEST.models}
    assert len(MANIFEST.models) == len(ROLES)
    assert len(MANIFEST.models) == len({entry.file for entry in MANIFEST.models})
    assert all(MANIFEST.by_role(role).role == role for role in ROLES)


def test_a_role_nobody_has_is_missing() -> None:
    with pytest.raises(ModelMissingError, match="palm-reader"):
        MANIFEST.by_role("palm-reader")


@pytest.mark.parametrize("model", MODELS)
def test_every_network_tells_its_origin_and_licence(model: str) -> None:
    entry = MODELS[model]

    assert SHA256.fullmatch(entry.sha256)
    assert entry.licence in {"MIT", "Apache-2.0", "BSD-3-Clause"}
    assert all((entry.origin, entry.input, entry.member, entry.convert))
    assert Path(entry.file).name == entry.file


def test_every_source_is_used_and_every_used_one_is_there() -> None:
    assert set(MANIFEST.sources) == {entry.source for entry in MANIFEST.models}


@pytest.mark.parametrize("name", MANIFEST.sources)
def test_every_source_is_one_pinned_file(name: str) -> None:
    source = MANIFEST.sources[name]

    assert SHA256.fullmatch(source.sha256)
    assert source.file.startswith(f"{source.package}-{source.version}")
    assert Path(source.file).name == source.file
    assert source.kind in {"wheel", "sdist"}


def test_every_threshold_tells_what_it_was_calibrated_on() -> None:
    limits = [limit for entry in MANIFEST.models for limit in entry.thresholds.values()]

    assert limits
    assert all(0.0 < limit.value < 1.0 for limit in limits)
    assert all(len(limit.calibrated_on) > 20 for limit in limits)
    assert len(MANIFEST.liveness.calibrated_on) > 20


def test_only_the_embedder_is_calibrated_and_each_row_has_pairs_enough() -> None:
    embedder = MANIFEST.by_role("embedder")

    assert [embedder] == [entry for entry in MANIFEST.models if entry.match]
    assert embedder.match is not None
    assert (embedder.id, embedder.sha256) == (
        embedder.match.model_id,
        embedder.match.model_sha256,
    )
    assert len(embedder.match.calibrated_on) > 20
    rows = embedder.match.rows
    assert len(rows) == len({(row.template, row.probe, row.far) for row in rows})
    assert all(row.impostor_pairs * row.far >= 1 for row in rows)
    assert all(0 <= row.missed < 0.1 * row.genuine_pairs for row in rows)


def test_a_rarer_false_accept_needs_more_likeness() -> None:
    match = MANIFEST.by_role("embedder").match
    assert match is not None

    for pictures in {(row.template, row.probe) for row in match.rows}:
        rows = [r for r in match.rows if (r.template, r.probe) == pictures]
        by_far = sorted(rows, key=lambda row: row.far, reverse=True)
        assert [r.value for r in by_far] == sorted(r.value for r in rows)


def test_every_converted_network_has_a_golden_vector() -> None:
    for entry in MANIFEST.models:
        assert (entry.golden is None) is (entry.convert == "none")
        if entry.golden is not None:
            assert 0.0 < entry.golden.rtol <= 0.01
            assert min(len(head) for head in entry.golden.head.values()) >= 4


def test_every_gate_is_about_a_feature_and_has_a_cause() -> None:
    liveness = MANIFEST.liveness
    gates = [*liveness.depth.reading, *liveness.depth.attack]

    assert {gate.feature for gate in gates} <= {field.name for field in fields(Relief)}
    assert {gate.cause for gate in gates} <= {cause.value for cause in Cause}
    assert all(gate.low < gate.high for gate in gates)
    assert liveness.frames >= 3
    assert 1 <= liveness.attack_frames <= liveness.frames


@pytest.mark.parametrize("model", MODELS)
def test_every_installed_network_verifies(installed: WeightStore, model: str) -> None:
    entry = MODELS[model]

    installed.verify(entry)

    written = receipt_of(installed)[model]
    assert hashlib.sha256(installed.read(entry)).hexdigest() == written["sha256"]
    assert entry.sha256 == written["source"]
    assert (entry.id, entry.sha256) == (installed.stamp(entry).id, installed.stamp(entry).sha256)


def test_the_landmarker_is_carried_unchanged(installed: WeightStore) -> None:
    entry = MANIFEST.by_role("landmarker")

    data = installed.path(entry).read_bytes()

    assert entry.sha256 == hashlib.sha256(data).hexdigest()


def test_one_changed_byte_is_noticed(store: WeightStore, entry: ModelEntry) -> None:
    good = store.read(entry)
    rng = np.random.default_rng(1)

    for at in {0, len(good) - 1, *rng.integers(0, len(good), 20).tolist()}:
        data = bytearray(good)
        data[at] ^= 1 << int(rng.integers(8))
        store.path(entry).write_bytes(data)
        with pytest.raises(ModelAlteredError, match=entry.id):
            store.read(entry)


@pytest.mark.parametrize("cut", [0, 1, -1])
def test_another_length_is_noticed(store: WeightStore, entry: ModelEntry, cut: int) -> None:
    good = store.read(entry)
    store.path(entry).write_bytes(good + b"\0" if cut == 0 else good[:cut])

    with pytest.raises(ModelAlteredError, match=entry.id):
        store.read(entry)


def test_a_missing_file_is_missing(store: WeightStore, entry: ModelEntry) -> None:
    store.path(entry).unlink()

    with pytest.raises(ModelMissingError, match=entry.id):
        store.read(entry)


def test_without_a_receipt_nothing_is_installed(store: WeightStore, entry: ModelEntry) -> None:
    (store.folder / RECEIPT).unlink()

    with pytest.raises(ModelMissingError):
        store.read(entry)


def test_a_receipt_that_does_not_know_the_file_is_not_enough(
    store: WeightStore, entry: ModelEntry
) -> None:
    receipt = receipt_of(store)
    del receipt[entry.id]
    note(store, receipt)

    with pytest.raises(ModelMissingError, match=entry.id):
        store.read(entry)


@pytest.mark.parametrize(
    ("field", "error"), [("source", ModelMissingError), ("sha256", ModelAlteredError)]
)
@pytest.mark.parametrize("value", ["0" * 64, "", None])
def test_a_receipt_of_something_else_is_noticed(
    store: WeightStore, entry: ModelEntry, field: str, error: type[ModelError], value: str | None
) -> None:
    receipt = receipt_of(store)
    note(store, {**receipt, entry.id: {**receipt[entry.id], field: value}})

    with pytest.raises(error, match=entry.id):
        store.read(entry)
