"""The four special registrations, their evidence and the review of each (S0-52)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum, unique

from yibao_face.daemon.core.scene.detail import date_in, is_sha256, recorded, texts
from yibao_face.daemon.core.scene.event import Event, Kind

MAX_LEAVE = timedelta(days=30)


@unique
class Case(StrEnum):
    """Why an inpatient cannot show the face today: stable, stored, named by the policy."""

    TRANSFERRED = "transferred"
    IN_TREATMENT = "in-treatment"
    FACE_UNRECOGNISED = "face-unrecognised"
    ON_LEAVE = "on-leave"


TITLES = {
    Case.TRANSFERRED: "已转科/转院",
    Case.IN_TREATMENT: "治疗中",
    Case.FACE_UNRECOGNISED: "人脸无法识别",
    Case.ON_LEAVE: "请假",
}
# What the photo of each case must show.
EVIDENCE = {
    Case.TRANSFERRED: "请拍摄转科/转院凭证",
    Case.IN_TREATMENT: "请拍摄HIS内治疗开单信息",
    Case.FACE_UNRECOGNISED: "请拍摄本人手持证件照",
    Case.ON_LEAVE: "请拍摄患者请假条",
}


@unique
class Review(StrEnum):
    """What the regulator said so far."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Registration:
    """One special registration. ``since``..``until``: days covered, both included.

    ``id``: of its record. ``photos``: SHA-256 of each. ``staff``, ``reviewer``: who signed.
    """

    id: str
    person: str
    institution: str
    at_ms: int
    case: Case
    since: date
    until: date
    photos: tuple[str, ...]
    staff: str
    review: Review = Review.PENDING
    reviewer: str = ""

    def covers(self, day: date) -> bool:
        """Whether it stands for ``day``: a rejected one stands for none."""
        return self.review is not Review.REJECTED and self.since <= day <= self.until


def registrations(events: Iterable[Event]) -> list[Registration]:
    """All registrations in their order; the last review of each wins.

    A record without a known case, its days or a photo registers nothing. A review that does not
    plainly approve rejects.
    """
    listed = recorded(events, Kind.SPECIAL, Kind.REVIEW)
    reviews = {event.text("of"): event for event in listed if event.kind is Kind.REVIEW}
    found = (_registration(e, reviews.get(e.id)) for e in listed if e.kind is Kind.SPECIAL)
    return [registration for registration in found if registration is not None]


def covering(events: Iterable[Event], person: str, day: date) -> list[Registration]:
    """What excuses ``person`` on ``day``: registrations of that day that are not rejected."""
    return [r for r in registrations(events) if r.person == person and r.covers(day)]


def queue(events: Iterable[Event]) -> list[Registration]:
    """What waits for review, oldest first."""
    waiting = [r for r in registrations(events) if r.review is Review.PENDING]
    return sorted(waiting, key=lambda r: r.at_ms)


def is_own(registration: Registration, reviewer: str) -> bool:
    """Whether ``reviewer`` made it: a staff number is the same in either case of its letters."""
    return registration.staff.strip().casefold() == reviewer.strip().casefold()


def check_registration(
    case: str, since: date, until: date, photos: Sequence[str], today: date
) -> str | None:
    """The problem of a registration about to be made, as a stable word; ``None``: none.

    A leave may last from today or later to 30 days ahead; every other case is of today only.
    """
    if case not in TITLES:
        return "case-unknown"
    if not photos:
        return "photo-missing"
    if not all(is_sha256(photo) for photo in photos):
        return "photo-digest"
    if case == Case.ON_LEAVE:
        return _leave_problem(since, until, today)
    return None if since == until == today else "today-only"


def _leave_problem(since: date, until: date, today: date) -> str | None:
    if until < since:
        return "until-before-from"
    if since < today:
        return "from-past"
    return "until-too-far" if until > today + MAX_LEAVE else None


def _registration(event: Event, review: Event | None) -> Registration | None:
    case, photos = event.text("case"), texts(event.detail.get("photos"))
    since, until = (date_in(event.detail.get(key)) for key in ("from", "until"))
    if case not in TITLES or not photos or since is None or until is None or until < since:
        return None
    return Registration(
        event.id,
        event.person,
        event.institution,
        event.at_ms,
        Case(case),
        since,
        until,
        photos,
        event.text("staff"),
        _verdict(review),
        review.text("reviewer") if review else "",
    )


def _verdict(review: Event | None) -> Review:
    if review is None:
        return Review.PENDING
    return Review.APPROVED if review.detail.get("approved") is True else Review.REJECTED
