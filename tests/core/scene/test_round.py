"""Rounds: one check a day per inpatient, and the tasks of the centre in their window."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scene_events import (
    DAY1,
    DAY2,
    DAY3,
    HOSPITAL,
    OTHER_HOSPITAL,
    STAY,
    event,
    ms,
    passed,
    review,
    special,
    ward,
)

from yibao_face.daemon.core.encounter import Answer, Cause
from yibao_face.daemon.core.scene.detail import CHINA, MAX_MS
from yibao_face.daemon.core.scene.event import CHECK_KINDS, Event, Kind
from yibao_face.daemon.core.scene.round import (
    MAX_TARGETS,
    DayState,
    RoundTask,
    Scope,
    TaskError,
    TaskState,
    TaskTarget,
    day_states,
    parse_task,
    task_progress,
    tasks,
)
from yibao_face.daemon.core.scene.ward import roster

CUTOFF = time(18)
ADMITTED = ward(Kind.ADMISSION, ms(DAY1), "p1")
REFUSED: dict[str, Any] = {"answer": Answer.FAIL, "cause": Cause.OTHER_PERSON}
EXEMPT: dict[str, Any] = {"answer": Answer.NOT_NEEDED, "cause": Cause.POLICY_EXEMPT}
RAW: dict[str, Any] = {
    "task": "T1",
    "institution": HOSPITAL,
    "scope": "hospital",
    "departments": [],
    "persons": [],
    "from_ms": ms(DAY2, "10:00"),
    "until_ms": ms(DAY2, "12:00"),
}
TASK = parse_task(RAW)
PERSON_TASK = replace(TASK, scope=Scope.PERSON, persons=("p1",))


def at(day: date, clock: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), CHINA)


NOON = at(DAY2, "12:00")


def states(events: list[Event], day: date = DAY2, now: datetime = NOON) -> dict[str, DayState]:
    return {d.inpatient.person: d.state for d in day_states(events, day, now, CUTOFF)}


@pytest.mark.parametrize("kind", sorted(CHECK_KINDS - {Kind.ADMISSION, Kind.DISCHARGE}))
def test_a_pass_of_any_check_kind_is_the_check_of_the_day(kind: Kind) -> None:
    check = passed(kind, ms(DAY2, "09:00"), "p1", detail=STAY.detail())
    later = passed(kind, ms(DAY2, "10:00"), "p1", detail=STAY.detail())

    found = day_states([ADMITTED, check, later], DAY2, NOON, CUTOFF)
    assert [(DayState.CHECKED, ms(DAY2, "09:00"))] == [(d.state, d.at_ms) for d in found]


@pytest.mark.parametrize(
    "other",
    [
        passed(Kind.ROUND, ms(DAY1, "09:00"), "p1"),
        passed(Kind.ROUND, ms(DAY3, "09:00"), "p1"),
        passed(Kind.ROUND, ms(DAY2, "09:00"), "p2"),
        passed(Kind.ROUND, ms(DAY2, "09:00"), "p1", **REFUSED),
        passed(Kind.ROUND, ms(DAY2, "09:00"), "p1", **EXEMPT),
        passed(Kind.SETTLEMENT, ms(DAY2, "09:00"), "p1", cause=Cause.MATCHED_AGENT),
        passed(Kind.ROUND, ms(DAY2, "09:00"), "p1", institution=OTHER_HOSPITAL),
        passed(Kind.ATTENDANCE, ms(DAY2, "09:00"), "p1", cause=Cause.SIGNED_IN),
    ],
    ids=[
        "day-before",
        "day-after",
        "another-person",
        "refused",
        "not-needed",
        "agent",
        "another-hospital",
        "attendance",
    ],
)
def test_anything_else_is_no_check_of_the_day(other: Event) -> None:
    events = sorted([ADMITTED, other], key=lambda e: e.at_ms)

    assert {"p1": DayState.DUE} == states(events)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (at(DAY1, "23:00"), DayState.DUE),
        (at(DAY2, "17:59"), DayState.DUE),
        (at(DAY2, "18:00"), DayState.OVERDUE),
        (at(DAY3, "00:00"), DayState.OVERDUE),
        (datetime(2025, 3, 2, 9, 59, tzinfo=timezone.utc), DayState.DUE),  # noqa: UP017  # 17:59
        (datetime(2025, 3, 2, 10, 0, tzinfo=timezone.utc), DayState.OVERDUE),  # noqa: UP017  # 18:00
    ],
)
def test_a_missing_check_is_overdue_from_the_cut_off_on(now: datetime, expected: DayState) -> None:
    assert {"p1": expected} == states([ADMITTED], DAY2, now)


def test_a_now_without_a_zone_is_no_moment() -> None:
    with pytest.raises(ValueError, match="time zone"):
        day_states([], DAY2, datetime(2025, 3, 2, 12), CUTOFF)  # noqa: DTZ001  # that is the test


def test_the_admission_is_the_check_of_its_day() -> None:
    assert {"p1": DayState.CHECKED} == states([ADMITTED], DAY1)


def test_an_admission_nobody_looked_at_leaves_the_check_due() -> None:
    admitted = ward(Kind.ADMISSION, ms(DAY2), "p1", **EXEMPT)

    assert {"p1": DayState.DUE} == states([admitted])


@pytest.mark.parametrize(
    ("given", "expected"),
    [({}, DayState.CHECKED), (EXEMPT, DayState.OVERDUE)],
    ids=["face", "not-needed"],
)
def test_the_discharge_is_the_check_of_its_day_if_a_face_was_seen(
    given: dict[str, Any], expected: DayState
) -> None:
    events = [ADMITTED, ward(Kind.DISCHARGE, ms(DAY2), "p1", **given)]

    assert {"p1": expected} == states(events, DAY2, at(DAY3, "08:00"))
    assert {} == states(events, DAY3, at(DAY3, "08:00"))


def test_who_is_admitted_later_is_not_of_this_day() -> None:
    assert {} == states([ward(Kind.ADMISSION, ms(DAY3), "p1")], DAY2)


@pytest.mark.parametrize(
    ("approved", "expected"),
    [(None, DayState.EXCUSED), (True, DayState.EXCUSED), (False, DayState.OVERDUE)],
    ids=["pending", "approved", "rejected"],
)
def test_a_patient_on_leave_is_not_overdue(approved: bool | None, expected: DayState) -> None:
    leave = special(ms(DAY1, "09:00"), "p1", "on-leave", until=DAY2)
    events = [ADMITTED, leave]
    if approved is not None:
        events.append(review(ms(DAY2), leave.id, approved))

    assert {"p1": expected} == states(events, DAY2, at(DAY2, "20:00"))
    assert {"p1": DayState.OVERDUE} == states(events, DAY3, at(DAY3, "20:00"))


def test_a_registration_in_another_hospital_excuses_nobody_here() -> None:
    elsewhere = special(ms(DAY2), "p1", "in-treatment", institution=OTHER_HOSPITAL)

    assert {"p1": DayState.DUE} == states([ADMITTED, elsewhere])


def test_a_check_counts_for_more_than_an_excuse() -> None:
    events = [
        ADMITTED,
        special(ms(DAY2), "p1", "on-leave"),
        passed(Kind.ROUND, ms(DAY2, "11:00"), "p1"),
    ]

    assert {"p1": DayState.CHECKED} == states(events)


def test_the_day_is_listed_by_ward_department_and_bed() -> None:
    places = [("二病区", "01"), ("一病区", "02"), ("一病区", "01")]
    events = [
        ward(Kind.ADMISSION, ms(DAY1), f"p{n}", replace(STAY, ward=name, bed=bed))
        for n, (name, bed) in enumerate(places)
    ]

    assert ["p2", "p1", "p0"] == list(states(events))


def test_a_task_reads_back_from_its_record() -> None:
    task = replace(TASK, scope=Scope.DEPARTMENT, departments=("骨科",))
    kept = event(Kind.ROUND_TASK, ms(DAY1), detail={**task.detail(), "document_sha256": "x"})

    assert [task] == tasks([kept])


def test_the_last_record_of_a_task_wins() -> None:
    later = replace(TASK, until_ms=TASK.until_ms + 1)
    other = replace(TASK, id="T2")
    records = [event(Kind.ROUND_TASK, ms(DAY1), detail=t.detail()) for t in (TASK, other, later)]

    assert [later, other] == tasks(records)


def test_a_refused_task_is_none() -> None:
    refused = event(Kind.ROUND_TASK, 0, detail=TASK.detail(), cause=Cause.BAD_REQUEST)

    assert [] == tasks([refused])


def test_a_task_that_cannot_be_read_does_not_vanish() -> None:
    with pytest.raises(TaskError, match="scope"):
        tasks([event(Kind.ROUND_TASK, 0, detail={"task": "T1"})])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"task": ""}, "^task "),
        ({"task": None}, "^task "),
        ({"task": "t" * 129}, "^task "),
        ({"task": "a\n"}, "^task "),
        ({"institution": 1}, "^institution "),
        ({"scope": "ward"}, "^scope "),
        ({"scope": None}, "^scope "),
        ({"scope": ["hospital"]}, "^scope "),
        ({"scope": "department"}, "^departments "),
        ({"scope": "person"}, "^persons "),
        ({"departments": ["骨科"]}, "^departments "),
        ({"persons": ["p1"]}, "^persons "),
        ({"scope": "person", "persons": "p1"}, "^persons "),
        ({"scope": "person", "persons": [1]}, "^persons "),
        ({"scope": "person", "persons": ["p"] * (MAX_TARGETS + 1)}, "^persons "),
        ({"scope": "department", "departments": [" "]}, "^departments "),
        ({"from_ms": None}, "^from_ms "),
        ({"from_ms": True}, "^from_ms "),
        ({"from_ms": "1"}, "^from_ms "),
        ({"from_ms": 0}, "^from_ms "),
        ({"until_ms": 1.5}, "^until_ms "),
        ({"until_ms": MAX_MS + 1}, "^until_ms "),
        ({"until_ms": RAW["from_ms"]}, "^until_ms "),
        ({"extra": 1}, "other than departments"),
    ],
)
def test_a_task_that_is_wrong_names_the_key(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(TaskError, match=message):
        parse_task({**RAW, **changed})


@pytest.mark.parametrize("raw", [None, [], "task", 1])
def test_a_task_is_an_object(raw: object) -> None:
    with pytest.raises(TaskError, match="object"):
        parse_task(raw)


JSON = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(max_size=3))


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from([*RAW, "x"]), JSON))
def test_whatever_the_centre_sends_is_a_task_or_an_error(changed: dict[str, Any]) -> None:
    try:
        task = parse_task({**RAW, **changed})
    except TaskError:
        return

    assert task == parse_task({**task.detail(), "institution": task.institution})
    assert 0 < task.from_ms < task.until_ms


def test_names_given_twice_are_one_target() -> None:
    task = parse_task({**RAW, "scope": "person", "persons": ["p1", "p2", "p1"]})

    assert ("p1", "p2") == task.persons


def progress(
    events: list[Event], clock: str, task: RoundTask = TASK, day: date = DAY2
) -> list[TaskTarget]:
    ordered = sorted(events, key=lambda e: e.at_ms)
    return task_progress(task, ordered, ms(day, clock))


def check(clock: str, **given: Any) -> Event:
    return passed(Kind.ROUND, ms(DAY2, clock), "p1", **given)


@pytest.mark.parametrize(
    ("events", "clock", "expected"),
    [
        ([], "09:00", TaskTarget("p1", TaskState.PENDING, None, 3 * 3_600_000)),
        ([], "11:59", TaskTarget("p1", TaskState.PENDING, None, 60_000)),
        ([], "12:00", TaskTarget("p1", TaskState.PENDING, None, 0)),
        ([], "12:01", TaskTarget("p1", TaskState.MISSED)),
        ([check("09:59")], "11:59", TaskTarget("p1", TaskState.PENDING, None, 60_000)),
        ([check("10:00")], "11:00", TaskTarget("p1", TaskState.DONE, ms(DAY2, "10:00"))),
        ([check("11:00")], "11:00", TaskTarget("p1", TaskState.DONE, ms(DAY2, "11:00"))),
        ([check("12:00")], "13:00", TaskTarget("p1", TaskState.DONE, ms(DAY2, "12:00"))),
        ([check("12:01")], "13:00", TaskTarget("p1", TaskState.LATE, ms(DAY2, "12:01"))),
        ([check("12:05")], "12:01", TaskTarget("p1", TaskState.MISSED)),
        (
            [check("09:00"), check("11:00"), check("12:30")],
            "13:00",
            TaskTarget("p1", TaskState.DONE, ms(DAY2, "11:00")),
        ),
        ([check("11:00", **REFUSED)], "13:00", TaskTarget("p1", TaskState.MISSED)),
        ([check("11:00", cause=Cause.MATCHED_AGENT)], "13:00", TaskTarget("p1", TaskState.MISSED)),
        ([check("11:00", institution="H9")], "13:00", TaskTarget("p1", TaskState.MISSED)),
        (
            [special(ms(DAY2, "11:00"), "p1", "in-treatment")],
            "13:00",
            TaskTarget("p1", TaskState.DONE, ms(DAY2, "11:00")),
        ),
        (
            [special(ms(DAY2, "12:30"), "p1", "in-treatment")],
            "13:00",
            TaskTarget("p1", TaskState.LATE, ms(DAY2, "12:30")),
        ),
        (
            [special(ms(DAY2, "09:00"), "p1", "in-treatment")],
            "13:00",
            TaskTarget("p1", TaskState.MISSED),
        ),
        (
            [special(ms(DAY1, "09:00"), "p1", "on-leave", until=DAY2)],
            "11:00",
            TaskTarget("p1", TaskState.DONE, ms(DAY2, "10:00")),
        ),
        (
            [special(ms(DAY1, "09:00"), "p1", "on-leave", until=DAY2)],
            "09:00",
            TaskTarget("p1", TaskState.PENDING, None, 3 * 3_600_000),
        ),
        (
            [special(ms(DAY1, "09:00"), "p1", "on-leave", until=DAY1)],
            "13:00",
            TaskTarget("p1", TaskState.MISSED),
        ),
    ],
)
@pytest.mark.parametrize("task", [TASK, PERSON_TASK], ids=["hospital", "person"])
def test_a_target_is_done_late_missed_or_pending(
    events: list[Event], clock: str, expected: TaskTarget, task: RoundTask
) -> None:
    assert [expected] == progress([ADMITTED, *events], clock, task)


def test_a_rejected_registration_does_no_task() -> None:
    made = special(ms(DAY2, "11:00"), "p1", "in-treatment")
    events = [ADMITTED, made, review(ms(DAY2, "13:00"), made.id, False)]

    assert [TaskTarget("p1", TaskState.MISSED)] == progress(events, "14:00")


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (TASK, {"p1", "p2", "enters", "leaves"}),
        (replace(TASK, scope=Scope.DEPARTMENT, departments=("内科",)), {"p2"}),
        (replace(TASK, scope=Scope.DEPARTMENT, departments=("D2", "儿科")), {"p2"}),
        (replace(TASK, scope=Scope.DEPARTMENT, departments=("儿科",)), set[str]()),
        (replace(TASK, institution=OTHER_HOSPITAL), {"elsewhere"}),
    ],
    ids=["hospital", "department", "department-number", "empty", "another-hospital"],
)
def test_targets_are_who_was_in_while_the_window_was_open(
    task: RoundTask, expected: set[str]
) -> None:
    inner = replace(STAY, department="内科", department_no="D2")
    events = [
        ADMITTED,
        ward(Kind.ADMISSION, ms(DAY1), "p2", inner),
        ward(Kind.ADMISSION, ms(DAY1), "elsewhere", institution=OTHER_HOSPITAL),
        ward(Kind.ADMISSION, ms(DAY1), "left"),
        ward(Kind.DISCHARGE, ms(DAY2, "10:00"), "left"),
        ward(Kind.ADMISSION, ms(DAY1), "leaves"),
        ward(Kind.DISCHARGE, ms(DAY2, "10:30"), "leaves"),
        ward(Kind.ADMISSION, ms(DAY2, "11:00"), "enters"),
        ward(Kind.ADMISSION, ms(DAY2, "12:30"), "too-late"),
    ]

    assert expected == {target.person for target in progress(events, "13:00", task)}


def test_who_moved_into_the_department_meanwhile_is_a_target_too() -> None:
    moved = ward(Kind.BED_CHANGE, ms(DAY2, "11:00"), "p1", replace(STAY, department="内科"))
    from_here, to_there = (
        replace(TASK, scope=Scope.DEPARTMENT, departments=(name,)) for name in ("骨科", "内科")
    )

    for task in (from_here, to_there):
        assert ["p1"] == [target.person for target in progress([ADMITTED, moved], "13:00", task)]


def test_persons_who_are_no_inpatients_are_named_as_such_in_the_order_of_the_task() -> None:
    task = replace(PERSON_TASK, persons=("p9", "p1"))
    events = [ADMITTED, passed(Kind.ROUND, ms(DAY2, "11:00"), "p9")]

    found = [(target.person, target.state) for target in progress(events, "11:30", task)]
    assert [("p9", TaskState.NOT_IN_HOSPITAL), ("p1", TaskState.PENDING)] == found


PERSONS = st.sampled_from(["p1", "p2", "p3"])
MOMENTS = st.integers(0, 71).map(lambda hour: ms(DAY1, "00:00") + hour * 3_600_000)
KINDS = st.sampled_from(
    [Kind.ADMISSION, Kind.BED_CHANGE, Kind.STAY, Kind.DISCHARGE, Kind.ROUND, Kind.SETTLEMENT]
)
LOGS = st.lists(
    st.builds(ward, KINDS, MOMENTS, PERSONS, answer=st.sampled_from(Answer))
    | st.builds(special, MOMENTS, PERSONS, st.sampled_from(["on-leave", "in-treatment"])),
    max_size=15,
).map(lambda events: sorted(events, key=lambda e: e.at_ms))


@settings(max_examples=200, deadline=None)
@given(LOGS, st.integers(0, 2))
def test_every_inpatient_of_a_day_has_exactly_one_state(log: list[Event], after: int) -> None:
    day = DAY1 + timedelta(days=after)
    found = [d.inpatient.person for d in day_states(log, day, at(DAY3, "12:00"), CUTOFF)]

    cuts = [n for n in range(len(log) + 1) if n == len(log) or log[n].day >= day]
    rosters = [roster(log[:n]) for n in cuts if n == 0 or log[n - 1].day <= day]
    assert len(found) == len(set(found))
    assert set(found) == {person for inside in rosters for person in inside}


@settings(max_examples=200, deadline=None)
@given(LOGS, MOMENTS)
def test_a_target_keeps_being_done_and_is_missed_or_late_only_after_the_window(
    log: list[Event], now_ms: int
) -> None:
    before = {t.person: t for t in task_progress(TASK, log, now_ms)}
    later = {t.person: t for t in task_progress(TASK, log, ms(DAY3, "23:59"))}

    for person, target in before.items():
        if target.state is TaskState.DONE:
            assert target == later[person]
        if target.state in (TaskState.MISSED, TaskState.LATE):
            assert now_ms > TASK.until_ms
            assert later[person].state in (TaskState.MISSED, TaskState.LATE)
        assert (target.state is TaskState.PENDING) or target.left_ms == 0
