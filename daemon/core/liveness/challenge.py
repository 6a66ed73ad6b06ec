"""The liveness challenge: when somebody is asked to move, what, and whether it was done.

It is aimed at what a passive look cannot tell from a head: rigid masks and mannequins, whose chin
stays where it is. It does not stop a mask that moves with the face of its wearer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum, unique
from math import isfinite, nan
from statistics import median

from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.gate import LivenessPolicy
from yibao_face.daemon.core.quality import Limits
from yibao_face.daemon.core.scene.special import Case


@unique
class Action(StrEnum):
    """What a person may be asked to do. Left and right are those of the person."""

    MOUTH = "mouth"
    TURN_LEFT = "turn-left"
    TURN_RIGHT = "turn-right"
    BLINK = "blink"


PROMPTS = {
    Action.MOUTH: "请张大嘴，保持片刻",
    Action.TURN_LEFT: "请慢慢向左转头",
    Action.TURN_RIGHT: "请慢慢向右转头",
    Action.BLINK: "请眨一下眼",
}


@unique
class When(StrEnum):
    """Who is asked. Each includes the ones before it."""

    NEVER = "never"
    AFTER_REJECT = "after-reject"
    ABOVE_AMOUNT = "above-amount"
    ALWAYS = "always"


# Frames that may lack a reading between those of one window: a jaw that dropped is steep, and
# often half unseen. What condemns must be seen without a break.
_GAPS, _ATTACK_GAPS = 20, 3
# So many windows are waited for both measures of the jaw; after that one is enough.
_PATIENCE = 3
# Median of so many frames tells a turn; the jaw, measured more roughly, needs ``window``.
_TURN_FRAMES = 3
# How a try may end that is followed by another.
ASKED_AGAIN = (Cause.ACTION_NOT_DONE, Cause.DEPTH_POOR)
# +1: the nose goes to the right of an unmirrored picture, to the person's left (models.landmark).
_SIGN = {Action.TURN_LEFT: 1.0, Action.TURN_RIGHT: -1.0}
# Gates calibrated on shut mouths and faces turned by 20° at the most: what the action itself
# changes says nothing about an attack. Every other gate goes on holding: depth of the whole
# (``gain1``), size, and what lies around it.
_SHAPE = frozenset({"corr1", "gain2", "corr2", "gain3", "corr3", "rest_gain", "procrustes_mm"})
_ALTERED = {
    Action.MOUTH: _SHAPE,
    Action.TURN_LEFT: _SHAPE,
    Action.TURN_RIGHT: _SHAPE,
    Action.BLINK: frozenset[str](),
}
_TURN_MAX_YAW_DEG = 45.0
# cos 45°: so much nearer the eyes of a turned face come together.
_TURN_EYE_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class ChallengePolicy:
    """When, what and how much.

    ``min_amount_fen``: of ``above-amount``, that amount included. ``mask_proof``: with depth the
    mouth is always asked for, as nothing else proves anything against a rigid mask. ``jaw_mm``:
    growth of nose to chin, median of ``window`` frames. ``mouth_rise``: opening in the landmarks,
    in eye distances, that with a growth below ``rigid_mm`` is a mask; ``mouth_least``: without it
    the mouth is shut. ``seconds``: per action. ``tries``: of each action. ``ValueError``: a policy
    nobody could meet, or everybody.
    """

    when: When = When.AFTER_REJECT
    min_amount_fen: int = 0
    actions: tuple[Action, ...] = tuple(Action)
    mask_proof: bool = True
    jaw_mm: float = 10.0
    rigid_mm: float = 5.0
    mouth_rise: float = 0.25
    mouth_least: float = 0.1
    turn_deg: float = 12.0
    blink_shut: float = 0.5
    blink_open: float = 0.3
    window: int = 5
    seconds: float = 6.0
    tries: int = 2

    def __post_init__(self) -> None:
        if not self.actions or (self.mask_proof and Action.MOUTH not in self.actions):
            raise ValueError("actions lack the mouth, which alone proves something against masks")
        # `not >` rather than `<=`: a limit that is no number limits nothing.
        jaw = (self.rigid_mm, self.jaw_mm - self.rigid_mm)
        lips = (self.mouth_least, self.mouth_rise - self.mouth_least)
        if not all(value > 0 for value in (*jaw, *lips, self.turn_deg, self.seconds)):
            raise ValueError("limits of the challenge are not above 0, or not in their order")
        if not self.blink_open < self.blink_shut or min(self.window, self.tries) < 1:
            raise ValueError("blink_open, window or tries of the challenge cannot be")


@dataclass(frozen=True, slots=True)
class Measures:
    """One frame. ``chin_mm``: nose to chin, ``edge_mm``: nose to the lower edge of the jaw.

    ``mouth_ratio``: lip gap in eye distances. ``blink``: 0 open .. 1 shut. NaN: not read.
    """

    chin_mm: float = nan
    edge_mm: float = nan
    mouth_ratio: float = nan
    yaw_deg: float = nan
    blink: float = nan


@dataclass(frozen=True, slots=True)
class Done:
    """The action was done. ``change``: mm, degrees or blink, by which it is known."""

    action: Action
    change: float


def needed(
    policy: ChallengePolicy,
    amount_fen: int | None,
    earlier_rejects: int,
    camera_needs_it: bool,
    exempt: bool = False,
) -> bool:
    """Whether this person is asked to move.

    ``amount_fen``: ``None`` or 0 where the call does not say, which asks as a large one does.
    ``earlier_rejects``: of this person, lately. ``exempt``: cannot do it (special registration);
    where the camera proves nothing without (``camera_needs_it``) that does not help.
    """
    if camera_needs_it:
        return True
    if exempt or policy.when is When.NEVER:
        return False
    if policy.when is When.ALWAYS or earlier_rejects > 0:
        return True
    unknown = amount_fen is None or amount_fen <= 0
    return policy.when is When.ABOVE_AMOUNT and (
        unknown or (amount_fen or 0) >= policy.min_amount_fen
    )


def is_exempt(cases: Collection[str]) -> bool:
    """Whether special registrations of these ``cases``, valid today, spare a person the challenge.

    Only the one of a face that cannot be recognised: the others say that nobody is here.
    """
    return Case.FACE_UNRECOGNISED in cases


def chosen(
    policy: ChallengePolicy, random: Callable[[int], int], *, depth: bool, count: int = 1
) -> tuple[Action, ...] | Cause:
    """``count`` different actions of those that prove something with this camera.

    ``random(n)``: 0..n-1. ``depth``: whether the camera has depth. Fewer where fewer are allowed;
    ``NO_DEPTH_CAMERA`` where none is.
    """
    allowed = [action for action in Action if action in policy.actions]
    # Without depth an open mouth is a picture of one.
    usable = [a for a in allowed if depth or a is not Action.MOUTH]
    first = [Action.MOUTH] if depth and policy.mask_proof else []
    rest = [action for action in usable if action not in first]
    drawn = first + [
        rest.pop(random(len(rest))) for _ in range(min(count - len(first), len(rest)))
    ]
    return tuple(drawn) if drawn else Cause.NO_DEPTH_CAMERA


def has_baseline(action: Action, before: Sequence[Measures], policy: ChallengePolicy) -> bool:
    """Whether ``before`` says enough to tell a change from."""
    rest = _rest(before, policy)
    if action is Action.MOUTH:
        known = isfinite(rest.chin_mm), isfinite(rest.edge_mm)
        waited = len(before) >= _PATIENCE * policy.window
        return isfinite(rest.mouth_ratio) and (any(known) if waited else all(known))
    return isfinite(rest.blink if action is Action.BLINK else rest.yaw_deg)


def judge_action(
    action: Action,
    before: Sequence[Measures],
    during: Sequence[Measures],
    policy: ChallengePolicy,
    *,
    over: bool = False,
) -> Done | Cause | None:
    """Whether ``action`` was done in the frames so far; ``None`` while it may still be.

    ``before``: frames before it was asked for. ``over``: the time is: ``DEPTH_POOR`` where the jaw
    could hardly be read, else ``ACTION_NOT_DONE``. ``SPOOF_RIGID``: the mouth opened and the jaw
    did not move. A reading that is no number is never part of a proof.
    """
    rest = _rest(before, policy)
    found: Done | Cause | None = None
    if action is Action.MOUTH:
        found = _mouth(rest, during, policy)
    elif action is Action.BLINK:
        found = _blink(rest.blink, during, policy)
    else:
        found = _turn(action, rest.yaw_deg, during, policy)
    return _undone(action, during, policy) if found is None and over else found


def _undone(action: Action, during: Sequence[Measures], policy: ChallengePolicy) -> Cause:
    read = sum(isfinite(frame.chin_mm) or isfinite(frame.edge_mm) for frame in during)
    unread = action is Action.MOUTH and read < policy.window
    return Cause.DEPTH_POOR if unread else Cause.ACTION_NOT_DONE


def steady(policy: LivenessPolicy, action: Action) -> LivenessPolicy:
    """The gates that go on holding while ``action`` is done."""
    kept = tuple(gate for gate in policy.attack if gate.feature not in _ALTERED[action])
    return replace(policy, attack=kept)


def eased(limits: Limits, action: Action) -> Limits:
    """What a usable frame is while ``action`` is done: a face asked to turn may be turned."""
    if action not in _SIGN:
        return limits
    return replace(
        limits,
        max_yaw_deg=max(limits.max_yaw_deg, _TURN_MAX_YAW_DEG),
        min_eye_distance_px=limits.min_eye_distance_px * _TURN_EYE_SHARE,
    )


def _rest(before: Sequence[Measures], policy: ChallengePolicy) -> Measures:
    """How the face is held at rest; NaN where too little was read."""
    least = policy.window
    return Measures(
        chin_mm=_base([frame.chin_mm for frame in before], least),
        edge_mm=_base([frame.edge_mm for frame in before], least),
        mouth_ratio=_base([frame.mouth_ratio for frame in before], least),
        yaw_deg=_base([frame.yaw_deg for frame in before], least),
        blink=_base([frame.blink for frame in before], least),
    )


def _base(values: Sequence[float], least: int) -> float:
    """Median of what could be read; NaN with fewer than ``least`` readings."""
    readings = [value for value in values if isfinite(value)]
    return median(readings) if len(readings) >= least else nan


def _mouth(
    rest: Measures, during: Sequence[Measures], policy: ChallengePolicy
) -> Done | Cause | None:
    grown: list[float] = []
    still: list[float] = []
    for frame in during:
        edge = frame.edge_mm - rest.edge_mm
        growth = _most(frame.chin_mm - rest.chin_mm, edge)
        rise = frame.mouth_ratio - rest.mouth_ratio
        # Landmarks slide over a chin that stays: where its edge is seen to stay, nothing moved.
        moved = rise >= policy.mouth_least and not edge < policy.rigid_mm
        grown.append(growth if moved else nan)
        still.append(growth if rise >= policy.mouth_rise else nan)
    if any(mm < policy.rigid_mm for mm in _medians(still, policy.window, _ATTACK_GAPS)):
        return Cause.SPOOF_RIGID
    most = max(_medians(grown, policy.window), default=nan)
    return Done(Action.MOUTH, most) if most >= policy.jaw_mm else None


def _most(*values: float) -> float:
    """The largest that is a number; NaN without one."""
    return max((value for value in values if isfinite(value)), default=nan)


def _turn(
    action: Action, base_deg: float, during: Sequence[Measures], policy: ChallengePolicy
) -> Done | None:
    turned = [_SIGN[action] * (frame.yaw_deg - base_deg) for frame in during]
    most = max(_medians(turned, _TURN_FRAMES), default=nan)
    return Done(action, most) if most >= policy.turn_deg else None


def _blink(base: float, during: Sequence[Measures], policy: ChallengePolicy) -> Done | None:
    """Open, shut, open again, in this order; ``base``: the eyes before, which must be open."""
    if not base <= policy.blink_open:
        return None
    shut = nan
    for frame in during:
        if frame.blink >= policy.blink_shut:
            shut = frame.blink
        elif frame.blink <= policy.blink_open and isfinite(shut):
            return Done(Action.BLINK, shut - base)
    return None


def _medians(values: Sequence[float], size: int, gaps: int = _GAPS) -> Iterator[float]:
    """Medians of each ``size`` readings in a row, ``gaps`` frames in between may lack one."""
    read = [at for at, value in enumerate(values) if isfinite(value)]
    for first, last in zip(read, read[size - 1 :], strict=False):
        if last - first < size + gaps:
            yield median(v for v in values[first : last + 1] if isfinite(v))
