"""The ward: what exp_content says, what a call becomes, who lies where."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scene_events import DAY1, DAY2, DAY3, HOSPITAL, OTHER_HOSPITAL, STAY, event, ms, ward

from yibao_face.daemon.core.encounter import Answer, Cause
from yibao_face.daemon.core.scene.event import Event, Kind
from yibao_face.daemon.core.scene.ward import (
    MAX_CHARS,
    Inpatient,
    Stay,
    movement,
    parse_stay,
    presences,
    roster,
    stay_of,
)

SENT = {"PatWard": "一病区", "Dep": "骨科", "DepNo": "D1", "BedID": "01", "insho_stas": 1}
LYING = Inpatient("p1", HOSPITAL, DAY1, STAY, 0)
PROPERTY = settings(max_examples=200, deadline=None)


def place(**changed: Any) -> Stay:
    return Stay(**{**STAY.detail(), **changed})


@pytest.mark.parametrize(
    ("changed", "expected", "problems"),
    [
        ({}, STAY, ()),
        ({"insho_stas": "1"}, STAY, ()),
        ({"insho_stas": " 0 "}, place(in_hospital=False), ()),
        ({"insho_stas": 0}, place(in_hospital=False), ()),
        ({"insho_stas": None}, place(in_hospital=None), ("insho-stas",)),
        ({"insho_stas": True}, place(in_hospital=None), ("insho-stas",)),
        ({"insho_stas": Decimal("1.0")}, place(in_hospital=None), ("insho-stas",)),
        ({"insho_stas": 2}, place(in_hospital=None), ("insho-stas",)),
        ({"insho_stas": "在院"}, place(in_hospital=None), ("insho-stas",)),
        ({"INSHO_STAS": 0}, place(in_hospital=None), ("insho-stas",)),
        ({"PatWard": ""}, place(ward=""), ("ward-missing",)),
        ({"PatWard": None}, place(ward=""), ("ward-missing",)),
        ({"Dep": "  "}, place(department=""), ("department-missing",)),
        ({"DepNo": ""}, place(department_no=""), ()),
        ({"BedID": ""}, place(bed=""), ("bed-missing",)),
        ({"BedID": 36}, place(bed="36"), ()),
        ({"BedID": True}, place(bed=""), ("bed-wrong-type",)),
        ({"BedID": Decimal("3.5")}, place(bed=""), ("bed-wrong-type",)),
        ({"BedID": ["01"]}, place(bed=""), ("bed-wrong-type",)),
        ({"bedid": "02"}, place(bed=""), ("bed-twice",)),
        ({"PatWard": "a\x00"}, place(ward=""), ("ward-control-character",)),
        ({"PatWard": "\ud800"}, place(ward=""), ("ward-control-character",)),
        ({"PatWard": "区" * 100}, place(ward="区" * 100), ()),
        ({"PatWard": "区" * 101}, place(ward="区" * 100), ("ward-too-long",)),
        ({"DiagnosisText": "x"}, STAY, ()),
    ],
)
def test_a_wrong_value_is_named_and_the_rest_is_kept(
    changed: dict[str, Any], expected: Stay, problems: tuple[str, ...]
) -> None:
    assert (expected, problems) == parse_stay({**SENT, **changed})


def test_keys_are_read_in_any_case() -> None:
    shouted = {f" {key.upper()} ": value for key, value in SENT.items()}

    assert (STAY, ()) == parse_stay(shouted)


@pytest.mark.parametrize("expansion", [{}, {"DiagnosisText": "x"}])
def test_without_any_key_of_a_stay_there_is_none(expansion: dict[str, Any]) -> None:
    assert (None, ("stay-missing",)) == parse_stay(expansion)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=130),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@PROPERTY
@given(st.dictionaries(st.sampled_from([*SENT, "bedid", "DEP", "x"]) | st.text(), JSON))
def test_whatever_is_sent_is_read_within_bounds(expansion: dict[str, Any]) -> None:
    stay, problems = parse_stay(expansion)

    assert len(problems) == len(set(problems))
    if stay is not None:
        texts = (stay.ward, stay.department, stay.department_no, stay.bed)
        assert max(map(len, texts)) <= MAX_CHARS
        assert ("insho-stas" in problems) == (stay.in_hospital is None)
        assert stay == stay_of(event(Kind.STAY, 0, detail=stay.detail()))


@pytest.mark.parametrize(
    ("current", "stay", "expected"),
    [
        (None, STAY, Kind.ADMISSION),
        (None, place(in_hospital=None), Kind.STAY),
        (None, place(in_hospital=False), Kind.DISCHARGE),
        (LYING, STAY, Kind.STAY),
        (LYING, place(bed="02"), Kind.BED_CHANGE),
        (LYING, place(ward="二病区"), Kind.BED_CHANGE),
        (LYING, place(department="内科"), Kind.BED_CHANGE),
        (LYING, place(department_no="D9"), Kind.STAY),
        (LYING, place(bed=""), Kind.STAY),
        (LYING, place(bed="02", in_hospital=None), Kind.STAY),
        (LYING, place(bed="02", in_hospital=False), Kind.DISCHARGE),
    ],
)
def test_a_call_is_what_it_changes(current: Inpatient | None, stay: Stay, expected: Kind) -> None:
    assert expected is movement(current, stay)


def test_an_admitted_patient_is_on_the_roster() -> None:
    assert {"p1": LYING} == roster([ward(Kind.ADMISSION, ms(DAY1), "p1")])


@pytest.mark.parametrize(
    ("answer", "cause", "expected"),
    [
        (Answer.PASS, Cause.MATCHED_SELF, {"p1"}),
        (Answer.NOT_NEEDED, Cause.POLICY_EXEMPT, {"p1"}),
        (Answer.FAIL, Cause.OTHER_PERSON, set[str]()),
    ],
)
def test_a_refused_admission_admits_nobody(
    answer: Answer, cause: Cause, expected: set[str]
) -> None:
    call = ward(Kind.ADMISSION, ms(DAY1), "p1", answer=answer, cause=cause)

    assert expected == set(roster([call]))


def test_a_refused_discharge_discharges_nobody() -> None:
    events = [
        ward(Kind.ADMISSION, ms(DAY1), "p1"),
        ward(Kind.DISCHARGE, ms(DAY2), "p1", answer=Answer.FAIL, cause=Cause.NO_FACE),
    ]

    assert {"p1"} == set(roster(events))


def test_a_readmission_starts_anew() -> None:
    events = [
        ward(Kind.ADMISSION, ms(DAY1), "p1"),
        ward(Kind.BED_CHANGE, ms(DAY1, "09:00"), "p1", place(bed="02")),
        ward(Kind.DISCHARGE, ms(DAY2), "p1"),
        ward(Kind.ADMISSION, ms(DAY3), "p1", place(bed="07")),
    ]

    assert {"p1": Inpatient("p1", HOSPITAL, DAY3, place(bed="07"), 0)} == roster(events)


def test_a_second_admission_of_an_inpatient_is_a_move() -> None:
    events = [
        ward(Kind.ADMISSION, ms(DAY1), "p1"),
        ward(Kind.ADMISSION, ms(DAY2), "p1", place(bed="02")),
    ]

    assert {"p1": Inpatient("p1", HOSPITAL, DAY1, place(bed="02"), 1)} == roster(events)


@pytest.mark.parametrize(
    ("told", "expected", "moves"),
    [
        (place(bed=""), STAY, 0),
        (Stay("", "", "", "", True), STAY, 0),
        (Stay("", "", "", "05", True), place(bed="05"), 1),
        (Stay("二病区", "", "", "", True), place(ward="二病区", bed=""), 1),
        (
            Stay("", "内科", "", "", True),
            place(department="内科", department_no="", bed=""),
            1,
        ),
        (place(in_hospital=None), STAY, 0),
    ],
    ids=["no-bed", "nothing", "bed-only", "ward-only", "department-only", "no-status"],
)
def test_what_a_call_does_not_tell_stays_unless_it_went_with_the_old_place(
    told: Stay, expected: Stay, moves: int
) -> None:
    events = [ward(Kind.ADMISSION, ms(DAY1), "p1"), ward(Kind.STAY, ms(DAY2), "p1", told)]

    assert {"p1": Inpatient("p1", HOSPITAL, DAY1, expected, moves)} == roster(events)


@pytest.mark.parametrize(
    ("kind", "in_hospital", "expected"),
    [
        (Kind.STAY, None, set[str]()),
        (Kind.STAY, True, {"p1"}),
        (Kind.BED_CHANGE, True, {"p1"}),
        (Kind.DISCHARGE, False, set[str]()),
        (Kind.SETTLEMENT, True, set[str]()),
    ],
)
def test_who_was_never_admitted_is_in_only_when_the_call_says_so(
    kind: Kind, in_hospital: bool | None, expected: set[str]
) -> None:
    call = ward(kind, ms(DAY1), "p1", place(in_hospital=in_hospital))

    assert expected == set(roster([call]))


def test_another_hospital_can_admit_but_not_discharge() -> None:
    first = ward(Kind.ADMISSION, ms(DAY1), "p1")
    leaves = ward(Kind.DISCHARGE, ms(DAY2), "p1", institution=OTHER_HOSPITAL)
    enters = ward(Kind.ADMISSION, ms(DAY3), "p1", institution=OTHER_HOSPITAL)

    assert HOSPITAL == roster([first, leaves])["p1"].institution
    assert OTHER_HOSPITAL == roster([first, leaves, enters])["p1"].institution


def test_presences_hold_everybody_who_was_in_for_a_moment_of_a_day() -> None:
    before = [
        ward(Kind.ADMISSION, ms(DAY1), "left-before"),
        ward(Kind.DISCHARGE, ms(DAY1, "09:00"), "left-before"),
        ward(Kind.ADMISSION, ms(DAY1), "leaves-today"),
    ]
    during = [
        ward(Kind.DISCHARGE, ms(DAY2), "leaves-today"),
        ward(Kind.ADMISSION, ms(DAY2), "one-day"),
        ward(Kind.BED_CHANGE, ms(DAY2, "09:00"), "one-day", place(bed="02")),
        ward(Kind.DISCHARGE, ms(DAY2, "10:00"), "one-day"),
    ]

    seen = presences(before, during)

    assert {"leaves-today", "one-day"} == set(seen)
    assert ["01", "02"] == [state.stay.bed for state in seen["one-day"]]


CALLS = st.lists(
    st.builds(
        ward,
        st.sampled_from([Kind.ADMISSION, Kind.BED_CHANGE, Kind.STAY, Kind.DISCHARGE]),
        st.integers(0, 10).map(lambda hour: ms(DAY1) + hour * 3_600_000),
        st.sampled_from(["p1", "p2"]),
        st.sampled_from([STAY, place(bed="02"), place(in_hospital=None)]),
        answer=st.sampled_from(Answer),
    ),
    max_size=12,
).map(lambda calls: sorted(calls, key=lambda call: call.at_ms))


@PROPERTY
@given(CALLS)
def test_nobody_is_on_the_roster_after_a_discharge_that_was_answered(calls: list[Event]) -> None:
    inside = roster(calls)

    for person in ("p1", "p2"):
        own = [c for c in calls if c.person == person and c.answer is not Answer.FAIL]
        if own and own[-1].kind is Kind.DISCHARGE:
            assert person not in inside
    assert all(inpatient.stay.in_hospital is not False for inpatient in inside.values())


@PROPERTY
@given(CALLS, st.integers(0, 12))
def test_presences_are_the_rosters_after_each_event(calls: list[Event], cut: int) -> None:
    seen = set(presences(calls[:cut], calls[cut:]))

    ends = range(min(cut, len(calls)), len(calls) + 1)
    assert {person for end in ends for person in roster(calls[:end])} == seen
