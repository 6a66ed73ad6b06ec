"""What the record log tells about one thing that happened, as the scenes look at it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum, unique
from typing import Any

from yibao_face.daemon.core.encounter import Answer, Cause


@unique
class Kind(StrEnum):
    """The record types: stable, stored, sent to the centre."""

    SETTLEMENT = "settlement"
    ADMISSION = "admission"
    BED_CHANGE = "bed-change"
    STAY = "stay"
    DISCHARGE = "discharge"
    ROUND = "round"
    ROUND_TASK = "round-task"
    SPECIAL = "special"
    REVIEW = "review"
    TREATMENT_IN = "treatment-in"
    TREATMENT_OUT = "treatment-out"
    TREATMENT_MAKEUP = "treatment-makeup"
    TREATMENT_DATA = "treatment-data"
    ATTENDANCE = "attendance"
    ATTENDANCE_MAKEUP = "attendance-makeup"
    AGENT = "agent"
    RELEASE = "release"
    SETTLED = "settled"
    ROSTER = "roster"
    POLICY = "policy"
    DOCUMENT = "document"
    REVOCATION = "revocation"
    CLOCK = "clock"
    ALARM = "alarm"
    LOGIN = "login"
    ERASURE = "erasure"


# What a HIS call through ``zjHisFunCall`` / ``POST /stdcashFaceAuth`` may become.
HIS_KINDS = frozenset(
    {Kind.SETTLEMENT, Kind.ADMISSION, Kind.BED_CHANGE, Kind.STAY, Kind.DISCHARGE}
)
# What a check of an inpatient may be recorded as (S0-50); `is_check` leaves an agent's face out.
CHECK_KINDS = HIS_KINDS | {Kind.ROUND, Kind.TREATMENT_IN, Kind.TREATMENT_OUT}


@dataclass(frozen=True, slots=True)
class Event:
    """One record without its sealed part.

    ``at_ms``: Unix milliseconds. ``day``: the date in China then. ``person``: keyed digest, empty
    where nobody is meant. ``answer``: whether it let somebody pass, whatever the interface's code.
    ``detail``: facts of the kind, as JSON; see the module of each scene.
    """

    id: str
    kind: Kind
    at_ms: int
    day: date
    institution: str
    person: str
    answer: Answer
    cause: Cause
    deal_no: str = ""
    certificate_no: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def passed(self) -> bool:
        """Whether a living face was matched (code 2 is no pass: nobody looked)."""
        return self.answer is Answer.PASS

    def text(self, key: str) -> str:
        """A text of ``detail``; empty where there is none."""
        value = self.detail.get(key, "")
        return value if isinstance(value, str) else ""


def of_kind(events: Iterable[Event], *kinds: Kind) -> list[Event]:
    """The events of ``kinds``, in the order given."""
    return [event for event in events if event.kind in kinds]
