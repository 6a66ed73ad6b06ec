"""One settlement, one person, one answer: repeats, conflicts, and the pause after spoofs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from yibao_face.daemon.core.encounter import Answer, Cause
from yibao_face.daemon.core.scene.detail import texts
from yibao_face.daemon.core.scene.event import HIS_KINDS, Event, Kind

SPOOFS = frozenset({Cause.SPOOF_FLAT, Cause.SPOOF_SIZE, Cause.SPOOF_SHAPE, Cause.SPOOF_RIGID})


@dataclass(frozen=True, slots=True)
class RepeatPolicy:
    """``repeat_ms``: how long a pass answers the same call again (Q18)."""

    repeat_ms: int


@dataclass(frozen=True, slots=True)
class LockPolicy:
    """``spoofs`` within ``window_ms`` pause a person for ``lock_ms``; 0 spoofs: never."""

    spoofs: int
    window_ms: int
    lock_ms: int


def earlier_answer(
    events: Sequence[Event], persons: AbstractSet[str], now_ms: int, policy: RepeatPolicy
) -> Event | Cause | None:
    """What an earlier call of the same settlement means for this one.

    ``events``: of one (institution, deal_no), as written. ``persons``: digests this call names.
    The first person called for owns the number: another is ``DEAL_TAKEN``. An answer that let
    somebody go on is given again; a refusal is not, so that the patient may try once more.
    """
    calls = [e for e in events if e.kind in HIS_KINDS and e.cause is not Cause.DEAL_TAKEN]
    let_go = [e for e in calls if e.answer is not Answer.FAIL]
    # Whoever passed owns it too: a first call may have named two persons by its two numbers.
    if any(persons.isdisjoint(_named(e)) for e in (*calls[:1], *let_go)):
        return Cause.DEAL_TAKEN
    since = now_ms - policy.repeat_ms
    # A clock set back must not make an answer of "tomorrow" good for ever: both sides are bounded.
    recent = (e for e in reversed(let_go) if since <= e.at_ms <= now_ms + policy.repeat_ms)
    return next(recent, None)


def recent_spoofs(events: Iterable[Event], now_ms: int, policy: LockPolicy) -> int:
    """Spoofs of a person within the window, by his ``events``.

    A pass or a staff member's release clears what came before, as it does for the pause.
    """
    spoofs: list[int] = []
    for event in events:
        if event.kind is Kind.RELEASE or event.passed:
            spoofs = []
        elif event.cause in SPOOFS:
            spoofs.append(event.at_ms)
    return sum(now_ms - at <= policy.window_ms for at in spoofs)


def locked_until_ms(events: Iterable[Event], policy: LockPolicy) -> int | None:
    """Until when a person is paused by the spoofs in his ``events``; ``None``: never was.

    A pass or a staff member's release clears what came before. Refusals while paused do not
    prolong it.
    """
    spoofs: list[int] = []
    until: int | None = None
    for event in events:
        if event.kind is Kind.RELEASE or event.passed:
            spoofs, until = [], None
        elif event.cause in SPOOFS and policy.spoofs:
            spoofs = [at for at in spoofs if event.at_ms - at <= policy.window_ms]
            spoofs.append(event.at_ms)
            if len(spoofs) >= policy.spoofs:
                spoofs, until = [], event.at_ms + policy.lock_ms
    return until


def _named(event: Event) -> set[str]:
    """The digests a call named, however it named them."""
    return {event.person, *texts(event.detail.get("numbers"))}
