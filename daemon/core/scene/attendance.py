"""Attendance of practitioners: signs of the day and the clock they trust (S0-42..45, S0-56)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum, unique

from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.scene.detail import day_of, recorded, whole
from yibao_face.daemon.core.scene.event import Event, Kind


@unique
class Sign(StrEnum):
    """What one sign means: the interface does not say, the state of the day does (Q14)."""

    IN = "in"
    OUT = "out"


_SIGNS = {Cause.SIGNED_IN: Sign.IN, Cause.SIGNED_OUT: Sign.OUT}


@dataclass(frozen=True, slots=True)
class DayRecord:
    """The signs of one practitioner on one day in China, by time.

    ``signs``: each with its Unix milliseconds, of a make-up the claimed ones. ``missing_out``:
    the last is an in; while the day lasts, that is being on duty. ``made_up``: not all by face.
    """

    person: str
    day: date
    signs: tuple[tuple[Sign, int], ...]
    missing_out: bool
    made_up: bool


def day_record(events: Iterable[Event], person: str, day: date) -> DayRecord:
    """What ``person`` signed for ``day``; a sign holds for its day only (S0-56)."""
    signs: list[tuple[Sign, int]] = []
    made_up = False
    for event in events:
        signed = _signed(event) if event.person == person else None
        if signed is not None and day_of(signed[1]) == day:
            signs.append(signed)
            made_up |= event.kind is Kind.ATTENDANCE_MAKEUP
    signs.sort(key=lambda signed: signed[1])
    missing_out = bool(signs) and signs[-1][0] is Sign.IN
    return DayRecord(person, day, tuple(signs), missing_out, made_up)


def next_sign(
    events: Iterable[Event],
    person: str,
    now_ms: int,
    duplicate_ms: int,
    wanted: Sign | None = None,
) -> Sign | Cause:
    """The sign to make now, or why none (Q14). Times: Unix milliseconds; the day is that of now.

    Without ``wanted`` the state of the day toggles. ``ALREADY_SIGNED``: the state is the wanted
    one, or nothing was wanted within ``duplicate_ms`` of the last sign; the other sign, asked for
    by its name, is no repeat. ``NOT_SIGNED_IN``: out before any in. ``CLOCK_SET_BACK``: now lies
    before the last sign, and this is no repeat of it.
    """
    record = day_record(events, person, day_of(now_ms))
    if not record.signs:
        return Cause.NOT_SIGNED_IN if wanted is Sign.OUT else Sign.IN
    last, at_ms = record.signs[-1]
    close = abs(now_ms - at_ms) < duplicate_ms
    repeat = wanted is last or (wanted is None and close)
    if now_ms < at_ms and not (repeat and close):
        return Cause.CLOCK_SET_BACK
    if repeat:
        return Cause.ALREADY_SIGNED
    return Sign.OUT if last is Sign.IN else Sign.IN


def on_duty(events: Iterable[Event], person: str, day: date) -> bool:
    """Whether ``person`` signed in on ``day`` and not out since."""
    return day_record(events, person, day).missing_out


def clock_set_back(high_water_ms: int, now_ms: int, tolerance_ms: int) -> bool:
    """Whether the clock reads more than ``tolerance_ms`` before what the log already holds."""
    return now_ms < high_water_ms - tolerance_ms


@dataclass(frozen=True, slots=True)
class Witness:
    """What is known of the clock besides itself, in Unix ms (F31).

    ``high_water_ms``: the latest time the log holds. ``floor_ms``: what the centre's clock read
    when it was heard last, 0: never. ``offset_ms``: it minus ours now, ``None``: not heard.
    """

    high_water_ms: int
    floor_ms: int = 0
    offset_ms: int | None = None


def clock_doubt(witness: Witness, now_ms: int, tolerance_ms: int, centre_ms: int) -> Cause | None:
    """Why nobody may sign by a clock that reads ``now_ms``: no day but today's can be signed for.

    ``tolerance_ms``: against the log; ``centre_ms``: against the centre, which outweighs it.
    """
    offset_ms = witness.offset_ms
    if offset_ms is not None and abs(offset_ms) > centre_ms:
        return Cause.CLOCK_SET_BACK if offset_ms > 0 else Cause.CLOCK_AHEAD
    behind_log = clock_set_back(witness.high_water_ms, now_ms, tolerance_ms)
    behind_centre = clock_set_back(witness.floor_ms, now_ms, centre_ms)
    return Cause.CLOCK_SET_BACK if behind_log or behind_centre else None


def _signed(event: Event) -> tuple[Sign, int] | None:
    if event.kind is Kind.ATTENDANCE and event.passed and event.cause in _SIGNS:
        return _SIGNS[event.cause], event.at_ms
    if not recorded([event], Kind.ATTENDANCE_MAKEUP):
        return None
    sign, at_ms = event.text("sign"), whole(event.detail.get("at_ms"))
    if at_ms is None or sign not in _SIGNS.values():
        return None
    return Sign(sign), at_ms
