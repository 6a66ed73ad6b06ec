"""``gates.json`` as types: the limits liveness is judged by, and where they come from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class GateEntry:
    """A feature must lie in ``low``..``high``; ``cause`` names what it means when not."""

    feature: str
    low: float
    high: float
    cause: str


@dataclass(frozen=True, slots=True)
class CueEntry:
    """The gates of one cue: those that say it cannot be read, and those that say attack."""

    reading: tuple[GateEntry, ...]
    attack: tuple[GateEntry, ...]


@dataclass(frozen=True, slots=True)
class TermEntry:
    """One feature of the soft score, and how it counts."""

    feature: str
    middle: float
    spread: float
    linear: float
    magnitude: float


@dataclass(frozen=True, slots=True)
class SoftEntry:
    """A score that can only deny; ``least`` is the limit, ``trained_on`` its provenance."""

    trained_on: str
    bias: float
    least: float
    cause: str
    terms: tuple[TermEntry, ...]


@dataclass(frozen=True, slots=True)
class LivenessEntry:
    """The liveness engine: gates on ``models.liveness``, and where they come from.

    ``frames`` usable ones decide, ``attack_frames`` that fail end at once; after ``max_frames``
    nobody is looked at any longer. ``soft`` and the depth gates go together. ``planes``: how
    colour and depth fit each other.
    """

    version: str
    calibrated_on: str
    frames: int
    max_frames: int
    attack_frames: int
    depth: CueEntry
    infrared: CueEntry
    stereo: CueEntry
    planes: CueEntry
    soft: SoftEntry | None


def load_gates() -> LivenessEntry:
    """The gates that are part of this package."""
    raw = resources.files("yibao_face.models.liveness").joinpath("gates.json").read_text("utf-8")
    return entry_of(json.loads(raw))


def entry_of(body: dict[str, Any]) -> LivenessEntry:
    """Read the gates as ``gates.json`` writes them."""
    cues = {name: _cue(body[name]) for name in ("depth", "infrared", "stereo", "planes")}
    values: dict[str, Any] = {**body, **cues, "soft": _soft(body["soft"])}
    return LivenessEntry(**values)


def _cue(body: dict[str, Any]) -> CueEntry:
    reading, attack = (tuple(GateEntry(**g) for g in body[k]) for k in ("reading", "attack"))
    return CueEntry(reading, attack)


def _soft(body: dict[str, Any] | None) -> SoftEntry | None:
    if body is None:
        return None
    terms = tuple(TermEntry(**term) for term in body["terms"])
    values: dict[str, Any] = {**body, "terms": terms}
    return SoftEntry(**values)
