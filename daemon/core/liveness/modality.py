"""What a camera can prove and what it may therefore be used for: the table of cues."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique

from yibao_face.daemon.core.encounter import Cause


@unique
class Purpose(StrEnum):
    """What the face is checked for: public money, or a practitioner's own sign."""

    SETTLEMENT = "settlement"
    ATTENDANCE = "attendance"


@unique
class Cue(StrEnum):
    """One kind of evidence. All of a plan must hold: they are never alternatives.

    ``PLANES``: how colour and depth fit each other.
    """

    DEPTH = "depth"
    INFRARED = "infrared"
    STEREO = "stereo"
    PLANES = "planes"


@dataclass(frozen=True, slots=True)
class Modality:
    """What the frames of a camera hold.

    ``calibrated``: colour and infrared camera are two whose position to each other is known.
    """

    colour: bool
    depth: bool
    infrared: bool
    calibrated: bool = False


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a site takes upon itself: settlements without depth. None by default."""

    stereo: bool = False
    colour_only: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """``cues`` that must hold, random ``actions`` that must be done; ``audit``: weak, told so."""

    cues: frozenset[Cue]
    actions: int = 0
    audit: bool = False


def plan_for(sees: Modality, purpose: Purpose, allowed: Allowance) -> Plan | Cause:
    """How liveness is judged with this camera, or why it may not be used for ``purpose``."""
    if not sees.colour:
        return Cause.NO_DEPTH_CAMERA
    if sees.depth:
        with_depth = frozenset({Cue.DEPTH, Cue.PLANES})
        return Plan(with_depth | {Cue.INFRARED} if sees.infrared else with_depth)
    settles = purpose is Purpose.SETTLEMENT
    if sees.infrared and sees.calibrated:
        refused = settles and not allowed.stereo
        return Cause.NO_DEPTH_CAMERA if refused else Plan(frozenset({Cue.STEREO, Cue.INFRARED}), 1)
    if settles and not allowed.colour_only:
        return Cause.NO_DEPTH_CAMERA
    if sees.infrared:
        return Plan(frozenset({Cue.INFRARED}), 1, audit=True)
    return Plan(frozenset(), 2, audit=True)
