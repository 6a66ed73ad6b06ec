"""Roles of the staff and what each may do: the one table every route asks."""

from __future__ import annotations

from enum import StrEnum, unique


@unique
class Role(StrEnum):
    """Stable words, stored with each account. ``MANAGER`` also administers the accounts."""

    CLERK = "clerk"
    PHARMACIST = "pharmacist"
    ENGINEER = "engineer"
    MANAGER = "manager"


@unique
class Function(StrEnum):
    """What can be done in the console."""

    ENCOUNTERS = "encounters"
    STATUS = "status"
    PREVIEW = "preview"
    COUNTER = "counter"
    AGENTS = "agents"
    SPECIAL = "special"
    REVIEW = "review"
    WARD = "ward"
    TREATMENT = "treatment"
    ATTENDANCE = "attendance"
    MAKEUP = "makeup"
    ROSTER = "roster"
    CLOCK = "clock"
    PERSONS = "persons"
    ERASE = "erase"
    QUEUE = "queue"
    RATE = "rate"
    SETTLED = "settled"
    ENGINEERING = "engineering"
    STAFF = "staff"


_C, _P, _E, _M = Role.CLERK, Role.PHARMACIST, Role.ENGINEER, Role.MANAGER
MAY: dict[Function, frozenset[Role]] = {
    Function.ENCOUNTERS: frozenset({_C, _P, _E, _M}),
    Function.STATUS: frozenset({_C, _P, _E, _M}),
    # A picture of whoever stands there: for the counter, and for whoever mends the camera.
    Function.PREVIEW: frozenset({_C, _E}),
    Function.COUNTER: frozenset({_C, _P}),
    Function.AGENTS: frozenset({_C, _P}),
    Function.SPECIAL: frozenset({_C, _P}),
    # Not who registers all day: a registration is looked at by a second pair of eyes.
    Function.REVIEW: frozenset({_P, _M}),
    Function.WARD: frozenset({_C, _M}),
    Function.TREATMENT: frozenset({_C, _M}),
    Function.ATTENDANCE: frozenset({_C, _P, _M}),
    Function.MAKEUP: frozenset({_P, _M}),
    Function.ROSTER: frozenset({_M}),
    Function.CLOCK: frozenset({_E, _M}),
    Function.PERSONS: frozenset({_C, _M}),
    # It cannot be taken back.
    Function.ERASE: frozenset({_M}),
    Function.QUEUE: frozenset({_E, _M}),
    Function.RATE: frozenset({_C, _P, _M}),
    Function.SETTLED: frozenset({_C, _M}),
    Function.ENGINEERING: frozenset({_E}),
    Function.STAFF: frozenset({_M}),
}

# The desk's acts and views by the function they belong to; ``erase`` is the console's own.
ACT_NEEDS: dict[str, Function] = {
    "round": Function.WARD,
    "task": Function.WARD,
    "treatment-in": Function.TREATMENT,
    "treatment-out": Function.TREATMENT,
    "treatment-makeup": Function.TREATMENT,
    "treatment-data": Function.TREATMENT,
    "roster": Function.ROSTER,
    "attendance-face": Function.ATTENDANCE,
    "attendance-makeup": Function.MAKEUP,
    "clock": Function.CLOCK,
    "agent": Function.AGENTS,
    "agent-revoke": Function.AGENTS,
    "special": Function.SPECIAL,
    "review": Function.REVIEW,
    "release": Function.REVIEW,
    "settled": Function.SETTLED,
    "erase": Function.ERASE,
}
VIEW_NEEDS: dict[str, Function] = {
    "ward": Function.WARD,
    "rounds": Function.WARD,
    "tasks": Function.WARD,
    "treatments": Function.TREATMENT,
    "attendance": Function.ATTENDANCE,
    "queue": Function.REVIEW,
    "agents": Function.AGENTS,
    "rate": Function.RATE,
    "findings": Function.ENCOUNTERS,
}


def may(role: Role, function: Function) -> bool:
    """Whether ``role`` may do ``function``."""
    return role in MAY[function]
