"""Heads of simulated persons: a mesh, its shape targets and face units, its 468 landmarks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from yibao_face.models.api import ModelAlteredError, ModelMissingError
from yibao_face.models.simulator.mesh.asset import FILE, RECIPE, UNREADABLE, read_compiled
from yibao_face.models.simulator.raster import Floats, Indices
from yibao_face.models.weights.store import WeightStore

_PARTS = frozenset(
    ["cheek", "chin", "ears", "eyebrows", "eyes", "forehead", "head", "mouth", "nose"]
)
# These move the whole feature or age the head, which the macros already do.
_NOT_A_DETAIL = re.compile("head-(trans|scale-depth|age)|mouth-trans|nose-trans-(in|out|up|down)")
# Three of five as the pharmacies' customers are, the others so that no rule fits only them.
_ANCESTRIES = ("asian", "asian", "asian", "caucasian", "african")
# Nobody waits before the camera with an open mouth; it is what a challenge asks for.
_NOT_AT_REST = frozenset(["jawOpen", "mouthClose", "tongueOut"])
_DETAILS = 60
_DETAIL_SIGMA = 0.35
_SIZE_SIGMA = 0.025
_YOUNG, _OLD = 0.33, 0.66


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """A head at rest: (n, 3) mm, origin between the eyes, x to its left, y up, z forward."""

    vertices: Floats
    group: dict[str, str]


class HeadModel:
    """Makes persons, and moves their faces."""

    def __init__(self, arrays: dict[str, npt.NDArray[Any]]) -> None:
        self._rest: Floats = arrays["vertices"].astype(np.float32)
        self.triangles: Indices = arrays["triangles"].astype(np.intp)
        self._eyes = [arrays[name].astype(np.intp) for name in ("left_eye", "right_eye")]
        self._corners = arrays["landmark_corners"].astype(np.intp)
        self._weights = arrays["landmark_weights"].astype(np.float32)[:, :, None]
        starts = [0, *arrays["ends"].tolist()]
        # Places in the flattened vertices: one-dimensional, they are added five times as fast.
        places = (arrays["at"].astype(np.intp)[:, None] * 3 + np.arange(3)).reshape(-1)
        by = arrays["by"].reshape(-1)
        self._targets = {
            str(name): (places[3 * low : 3 * high], by[3 * low : 3 * high])
            for name, low, high in zip(arrays["names"], starts, starts[1:], strict=False)
        }
        self._details = [name for name in self._targets if _is_detail(name)]
        units = [name.split("/")[1] for name in self._targets if name.startswith("faceunits/")]
        self.resting_units = [unit for unit in units if unit not in _NOT_AT_REST]

    @property
    def average_mm(self) -> Floats:
        """The (468, 3) landmarks of the head everybody's shape is a change of."""
        return self.landmarks(self._rest)

    def person(self, rng: np.random.Generator, *, detail: float = 1.0) -> Person:
        """A random adult. ``detail``: 1 as people differ, less for a smoothed likeness."""
        ancestry = str(rng.choice(_ANCESTRIES))
        male = float(1 / (1 + np.exp(-8 * (rng.random() - 0.5))))
        age = float(rng.beta(1.2, 1.6))
        vertices = self._rest.copy()
        for name, weight in _macros(ancestry, male, age, float(rng.uniform(-1, 1))):
            self._add(vertices, f"macrodetails/{name}", weight)
        for name in rng.choice(self._details, _DETAILS, replace=False):
            self._add(vertices, str(name), detail * abs(float(rng.normal(0, _DETAIL_SIGMA))))
        size = float(rng.normal(1, _SIZE_SIGMA))
        middle = (vertices[self._eyes[0]].mean(0) + vertices[self._eyes[1]].mean(0)) / 2
        group = {
            "ancestry": ancestry,
            "age": _band(age),
            "sex": "male" if male > 0.5 else "female",
        }
        return Person(((vertices - middle) * np.float32(size)).astype(np.float32), group)

    def moved(self, vertices: Floats, units: dict[str, float]) -> Floats:
        """A face with ARKit face units (``jawOpen``…) at 0..1 of their reach."""
        changed = vertices.copy()
        for name, weight in units.items():
            self._add(changed, f"faceunits/{name}", weight)
        return changed

    def landmarks(self, vertices: Floats) -> Floats:
        """The (468, 3) landmarks on a head's surface."""
        return np.asarray((vertices[self._corners] * self._weights).sum(1), np.float32)

    def _add(self, vertices: Floats, name: str, weight: float) -> None:
        if name in self._targets:  # macros that leave the head alone were not kept
            at, by = self._targets[name]
            vertices.reshape(-1)[at] += np.float32(weight) * by


def load_head_model(store: WeightStore) -> HeadModel:
    """The compiled head in the folder of ``store``.

    ``ModelMissingError`` unless ``install_head`` of this version made it, ``ModelAlteredError``
    for a file that cannot be read.
    """
    path = store.folder / FILE
    if not path.is_file():
        raise ModelMissingError(f"simulator head: no {FILE}, install it first")
    try:
        recipe, arrays = read_compiled(path)
        if recipe != RECIPE:
            raise ModelMissingError(f"simulator head: {FILE} is of recipe {recipe}")
        return HeadModel(arrays)
    except UNREADABLE as exc:
        raise ModelAlteredError(f"simulator head: {FILE} cannot be read") from exc


def _is_detail(name: str) -> bool:
    folder, shape = name.split("/")
    return folder in _PARTS and not _NOT_A_DETAIL.search(shape)


def _macros(ancestry: str, male: float, age: float, weight: float) -> list[tuple[str, float]]:
    """Shape targets of sex, age, ancestry and weight (-1 thin .. 1 heavy), with their shares."""
    heavy = "maxweight" if weight > 0 else "minweight"
    shares: list[tuple[str, float]] = []
    for sex, of_sex in (("female", 1 - male), ("male", male)):
        for years, of_age in (("young", 1 - age), ("old", age)):
            body = f"universal-{sex}-{years}-averagemuscle"
            share = of_sex * of_age
            shares.append((f"{ancestry}-{sex}-{years}", share))
            shares.append((f"{body}-averageweight", share * (1 - abs(weight))))
            shares.append((f"{body}-{heavy}", share * abs(weight)))
    return shares


def _band(age: float) -> str:
    if age < _YOUNG:
        return "young"
    return "middle" if age < _OLD else "old"
