"""The four special registrations: what they need, what they cover, how a review counts."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scene_events import DAY1, DAY2, DAY3, PHOTO, event, ms, review, special

from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.scene.event import Event, Kind
from yibao_face.daemon.core.scene.special import (
    EVIDENCE,
    TITLES,
    Case,
    Review,
    check_registration,
    covering,
    queue,
    registrations,
)

PROPERTY = settings(max_examples=200, deadline=None)
REVIEWS = st.lists(st.sampled_from([True, False, "true", 1, None]), max_size=4)


def test_every_case_has_its_title_and_the_evidence_it_needs() -> None:
    assert set(Case) == set(TITLES) == set(EVIDENCE)
    assert [4, 4] == [len(set(TITLES.values())), len(set(EVIDENCE.values()))]


@pytest.mark.parametrize(
    ("case", "since", "until", "photos", "expected"),
    [
        ("transferred", DAY2, DAY2, [PHOTO], None),
        ("in-treatment", DAY2, DAY2, [PHOTO, PHOTO], None),
        ("face-unrecognised", DAY2, DAY2, [PHOTO], None),
        ("on-leave", DAY2, DAY2, [PHOTO], None),
        ("on-leave", DAY3, DAY2 + timedelta(days=30), [PHOTO], None),
        ("on-leave", DAY2, DAY2 + timedelta(days=31), [PHOTO], "until-too-far"),
        ("on-leave", DAY1, DAY2, [PHOTO], "from-past"),
        ("on-leave", DAY3, DAY2, [PHOTO], "until-before-from"),
        ("in-treatment", DAY2, DAY3, [PHOTO], "today-only"),
        ("transferred", DAY1, DAY1, [PHOTO], "today-only"),
        ("face-unrecognised", DAY3, DAY3, [PHOTO], "today-only"),
        ("on-leave", DAY2, DAY2, [], "photo-missing"),
        ("on-leave", DAY2, DAY2, ["a.jpg"], "photo-digest"),
        ("on-leave", DAY2, DAY2, [PHOTO, PHOTO.upper()], "photo-digest"),
        ("holiday", DAY2, DAY2, [PHOTO], "case-unknown"),
        ("", DAY2, DAY2, [PHOTO], "case-unknown"),
    ],
)
def test_a_registration_is_checked_before_it_is_made(
    case: str, since: date, until: date, photos: list[str], expected: str | None
) -> None:
    assert expected == check_registration(case, since, until, photos, DAY2)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], Review.PENDING),
        ([True], Review.APPROVED),
        ([False], Review.REJECTED),
        ([True, False], Review.REJECTED),
        ([False, True], Review.APPROVED),
        (["true"], Review.REJECTED),
        ([None], Review.REJECTED),
    ],
)
def test_the_last_review_wins_and_only_a_plain_approval_approves(
    words: list[object], expected: Review
) -> None:
    made = special(ms(DAY1), "p1", "on-leave")
    events = [made, *(review(ms(DAY2), made.id, word) for word in words)]

    assert [expected] == [r.review for r in registrations(events)]


def test_a_review_of_another_registration_changes_nothing() -> None:
    made = special(ms(DAY1), "p1", "on-leave")

    assert [Review.PENDING] == [r.review for r in registrations([made, review(1, "x", False)])]


def test_a_registration_tells_who_signed_it() -> None:
    made = special(ms(DAY1), "p1", "on-leave", until=DAY3)
    found = registrations([made, review(ms(DAY2), made.id, True)])[0]

    assert (made.id, "p1", DAY1, DAY3) == (found.id, found.person, found.since, found.until)
    assert ((PHOTO,), "S1", "R1") == (found.photos, found.staff, found.reviewer)


@pytest.mark.parametrize(
    "broken",
    [
        {"case": "holiday"},
        {"case": 1},
        {"from": "20250301"},
        {"until": None},
        {"until": "2025-02-28"},
        {"until": "2025-02-30"},
        {"photos": []},
        {"photos": [PHOTO, 1]},
        {"photos": PHOTO},
    ],
)
def test_a_record_that_cannot_be_read_excuses_nobody(broken: dict[str, Any]) -> None:
    made = special(ms(DAY1), "p1", "on-leave", detail=broken)

    assert [] == covering([made], "p1", DAY1)


def test_a_refused_registration_excuses_nobody() -> None:
    made = special(ms(DAY1), "p1", "on-leave", cause=Cause.NOT_INPATIENT)

    assert [] == covering([made], "p1", DAY1)


@pytest.mark.parametrize(
    ("person", "day", "covered"),
    [
        ("p1", DAY1 - timedelta(days=1), False),
        ("p1", DAY1, True),
        ("p1", DAY2, True),
        ("p1", DAY3, False),
        ("p2", DAY1, False),
    ],
)
def test_a_leave_covers_its_days_and_its_person(person: str, day: date, covered: bool) -> None:
    made = special(ms(DAY1), "p1", "on-leave", until=DAY2)

    assert covered is bool(covering([made], person, day))


def test_the_queue_holds_what_waits_oldest_first() -> None:
    late, early, done = (
        special(ms(DAY3), "p1", "on-leave"),
        special(ms(DAY1), "p2", "in-treatment"),
        special(ms(DAY1), "p3", "transferred"),
    )
    events = [late, early, done, review(ms(DAY3), done.id, True)]

    assert [early.id, late.id] == [r.id for r in queue(events)]


def test_other_records_register_nothing() -> None:
    other = event(Kind.SETTLED, ms(DAY1), detail=special(0, "", "on-leave").detail)

    assert [] == registrations([other])


@PROPERTY
@given(st.lists(st.tuples(st.sampled_from(Case), REVIEWS), max_size=5))
def test_a_registration_waits_covers_or_is_rejected(
    cases: list[tuple[Case, list[object]]],
) -> None:
    events: list[Event] = []
    for case, words in cases:
        made = special(ms(DAY1), "p1", case)
        events += [made, *(review(ms(DAY1), made.id, word) for word in words)]
    found = registrations(events)

    covered = {r.id for r in covering(events, "p1", DAY1)}
    rejected = {r.id for r in found if r.review is Review.REJECTED}
    assert len(cases) == len(found)
    assert {r.id for r in found} == covered | rejected
    assert covered.isdisjoint(rejected)
    assert {r.id for r in queue(events)} <= covered
