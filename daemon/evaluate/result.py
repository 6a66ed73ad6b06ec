"""What one presentation before the engine came to: the row everything else counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum, unique
from math import isnan

LIVE = "live"


@unique
class Response(StrEnum):
    """How an encounter ended. ``NO_RESPONSE``: nothing was judged, the person is asked again."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    NO_RESPONSE = "no-response"


class EvaluateError(Exception):
    """The run cannot be carried out; the message is the one line the user reads."""


@dataclass(frozen=True, slots=True)
class Result:
    """One presentation. ``cause``: a ``Cause``, empty when accepted. ``frames``: views used.

    ``features``: medians over the frames judged, the engine's ``score`` among them; features that
    are no number are left out. ``baselines``: measures of the rules compared with, by name.
    ``origin``: file of a recorded one.
    """

    species: str
    seed: int
    sensor: str
    distance_mm: float
    group: dict[str, str]
    outcome: Response
    cause: str
    frames: int
    features: dict[str, float] = field(default_factory=dict[str, float])
    baselines: dict[str, float] = field(default_factory=dict[str, float])
    origin: str = ""


def numbers_only(features: dict[str, float]) -> dict[str, float]:
    """``features`` without those that could not be measured."""
    return {name: value for name, value in features.items() if not isnan(value)}
