"""Who is spared a look: only whom a rule spares for certain, whatever the HIS left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.policy import (
    CASES,
    Group,
    Policy,
    Rule,
    Ruling,
    Visit,
    ruling,
)

PROPERTY = settings(max_examples=300, deadline=None)
CHINA = timezone(timedelta(hours=8))
SUNDAY = datetime(2026, 11, 22, 9, 30, tzinfo=CHINA)
SHOP = "P32010000001"
VISIT = Visit("41", "310", "02", "J00.x00", SHOP, Decimal("49.90"), SUNDAY)
GROUPS = {"chronic": Group(("I10", "E11"), ("14",)), "dialysis": Group(("N18",))}
CLASSES = {SHOP: "pharmacy", "H32010000001": "hospital"}
LOOK = Ruling(True, "default")


def spare(**conditions: Any) -> Rule:
    return Rule("small", False, **conditions)


def ask(**conditions: Any) -> Rule:
    return Rule("careful", True, **conditions)


def policy(*rules: Rule, **changed: Any) -> Policy:
    return Policy(1, rules, groups=GROUPS, institution_class=CLASSES, **changed)


def at(text: str) -> dict[str, Any]:
    return {"at": datetime.fromisoformat(text).replace(tzinfo=CHINA)}


def money(text: str) -> dict[str, Any]:
    return {"amount": Decimal(text)}


# what differs from VISIT, the one condition, whether it is true, false or unknown
CONDITIONS: list[tuple[dict[str, Any], dict[str, Any], bool | None]] = [
    ({}, {"med_type": ("41",)}, True),
    ({}, {"med_type": ("11", "41")}, True),
    ({}, {"med_type": ("11",)}, False),
    ({"med_type": ""}, {"med_type": ("41",)}, None),
    ({"med_type": "药店购药"}, {"med_type": ("41",)}, None),
    ({"med_type": "041"}, {"med_type": ("41",)}, None),
    ({"med_type": "0"}, {"med_type": ("41",)}, None),
    ({}, {"insutype": ("310",)}, True),
    ({}, {"insutype": ("390",)}, False),
    ({"insutype": ""}, {"insutype": ("310",)}, None),
    ({}, {"cert_type": ("02",)}, True),
    ({}, {"cert_type": ("01", "03")}, False),
    ({"cert_type": "2"}, {"cert_type": ("02",)}, None),
    ({"cert_type": ""}, {"cert_type": ("02",)}, None),
    ({}, {"institution_class": ("pharmacy",)}, True),
    ({}, {"institution_class": ("hospital",)}, False),
    ({"institution": "P9"}, {"institution_class": ("hospital",)}, None),
    ({"institution": ""}, {"institution_class": ("pharmacy",)}, None),
    ({"disease": "I10.x00"}, {"group_any": ("chronic",)}, True),
    ({"disease": "i10"}, {"group_any": ("chronic",)}, True),
    ({"disease": "J00,E11.900"}, {"group_any": ("chronic",)}, True),
    ({"disease": "J00；E11*"}, {"group_any": ("chronic",)}, True),
    ({"disease": "N18"}, {"group_any": ("chronic", "dialysis")}, True),
    ({}, {"group_any": ("chronic",)}, False),
    ({"disease": ""}, {"group_any": ("chronic",)}, None),
    ({"disease": "病种编码"}, {"group_any": ("chronic",)}, None),
    ({"disease": "高血压I10"}, {"group_any": ("chronic",)}, None),
    ({"disease": "null"}, {"group_any": ("chronic",)}, None),
    ({"disease": "000"}, {"group_any": ("chronic",)}, None),
    ({"disease": "E08-E13"}, {"group_any": ("chronic",)}, None),
    ({"disease": ",".join(["J00"] * 11)}, {"group_any": ("chronic",)}, None),
    ({"disease": "J0" + "0" * 300}, {"group_any": ("chronic",)}, None),
    ({"disease": "", "med_type": "14"}, {"group_any": ("chronic",)}, True),
    ({"med_type": ""}, {"group_any": ("chronic",)}, None),
    ({}, {"group_none": ("chronic",)}, True),
    ({"disease": "I10"}, {"group_none": ("chronic", "dialysis")}, False),
    ({"disease": "N18.0"}, {"group_none": ("chronic", "dialysis")}, False),
    ({"disease": ""}, {"group_none": ("chronic",)}, None),
    ({}, {"amount_below": Decimal(50)}, True),
    (money("50"), {"amount_below": Decimal(50)}, False),
    (money("50.00"), {"amount_from": Decimal(50)}, True),
    ({}, {"amount_from": Decimal(50)}, False),
    ({"amount": None}, {"amount_below": Decimal(50)}, None),
    ({"amount": None}, {"amount_from": Decimal(50)}, None),
    (money("0.0"), {"amount_below": Decimal(50)}, None),
    (money("-20"), {"amount_below": Decimal(50)}, None),
    (money("NaN"), {"amount_below": Decimal(50)}, None),
    (money("sNaN"), {"amount_from": Decimal(50)}, None),
    (money("Infinity"), {"amount_from": Decimal(50)}, None),
    (at("2026-11-22T08:00"), {"from_time": "08:00", "until_time": "20:00"}, True),
    (at("2026-11-22T19:59:59"), {"from_time": "08:00", "until_time": "20:00"}, True),
    (at("2026-11-22T20:00"), {"from_time": "08:00", "until_time": "20:00"}, False),
    (at("2026-11-22T23:30"), {"from_time": "22:00", "until_time": "06:00"}, True),
    (at("2026-11-22T05:59"), {"from_time": "22:00", "until_time": "06:00"}, True),
    (at("2026-11-22T06:00"), {"from_time": "22:00", "until_time": "06:00"}, False),
    (at("2026-11-22T23:59"), {"from_time": "18:00"}, True),
    (at("2026-11-22T00:00"), {"until_time": "06:00"}, True),
    ({"at": datetime(2026, 11, 22, 16, 30, tzinfo=UTC)}, {"until_time": "06:00"}, True),
    ({}, {"weekdays": (6, 7)}, True),
    ({}, {"weekdays": (1, 2, 3, 4, 5)}, False),
    ({"at": datetime(2026, 11, 22, 16, 30, tzinfo=UTC)}, {"weekdays": (1,)}, True),
]


@pytest.mark.parametrize(("changed", "condition", "truth"), CONDITIONS)
def test_a_rule_that_spares_matches_only_what_is_certainly_true(
    changed: dict[str, Any], condition: dict[str, Any], truth: bool | None
) -> None:
    found = ruling(policy(spare(**condition)), replace(VISIT, **changed))

    assert (Ruling(False, "small", Cause.POLICY_EXEMPT) if truth is True else LOOK) == found


@pytest.mark.parametrize(("changed", "condition", "truth"), CONDITIONS)
def test_a_rule_that_asks_for_a_look_matches_what_may_be_true(
    changed: dict[str, Any], condition: dict[str, Any], truth: bool | None
) -> None:
    found = ruling(policy(ask(**condition), Rule("rest", False)), replace(VISIT, **changed))

    spared = Ruling(False, "rest", Cause.POLICY_EXEMPT)
    assert (spared if truth is False else Ruling(True, "careful")) == found


def test_a_rule_without_conditions_always_matches() -> None:
    assert Ruling(False, "small", Cause.POLICY_EXEMPT) == ruling(policy(spare()), VISIT)
    assert Ruling(True, "careful") == ruling(policy(ask()), VISIT)


def test_the_first_rule_that_matches_decides() -> None:
    asked_first, spared_first = policy(ask(), spare()), policy(spare(), ask())

    assert Ruling(True, "careful") == ruling(asked_first, VISIT)
    assert Ruling(False, "small", Cause.POLICY_EXEMPT) == ruling(spared_first, VISIT)


@pytest.mark.parametrize(
    "changed", [{"med_type": "11"}, {"amount": Decimal(50)}, {"amount": None}]
)
def test_every_condition_of_a_sparing_rule_must_hold(changed: dict[str, Any]) -> None:
    both = policy(spare(med_type=("41",), amount_below=Decimal(50)))

    assert Ruling(False, "small", Cause.POLICY_EXEMPT) == ruling(both, VISIT)
    assert LOOK == ruling(both, replace(VISIT, **changed))


def test_without_a_policy_everybody_is_looked_at() -> None:
    assert Ruling(True, "no-policy") == ruling(None, VISIT, CASES)


@pytest.mark.parametrize(
    ("first", "last", "in_force"),
    [
        (None, None, True),
        (date(2026, 11, 22), None, True),
        (date(2026, 11, 23), None, False),
        (None, date(2026, 11, 22), True),
        (None, date(2026, 11, 21), False),
        (date(2026, 1, 1), date(2026, 12, 31), True),
    ],
)
def test_outside_its_days_a_policy_spares_nobody(
    first: date | None, last: date | None, in_force: bool
) -> None:
    found = ruling(policy(spare(), valid_from=first, valid_until=last), VISIT, CASES)

    spared = Ruling(False, "small", Cause.POLICY_EXEMPT)
    assert (spared if in_force else Ruling(True, "policy-not-in-force")) == found


def test_the_days_of_a_policy_are_those_in_china() -> None:
    visit = replace(VISIT, at=datetime(2026, 11, 22, 16, 0, tzinfo=UTC))

    found = ruling(policy(spare(), valid_until=date(2026, 11, 22)), visit)

    assert Ruling(True, "policy-not-in-force") == found


SPARED_ON_LEAVE = Ruling(False, "special:on-leave", Cause.SPECIAL_EXEMPT)


@pytest.mark.parametrize(
    ("rules", "specials", "registered", "expected"),
    [
        ((), {"on-leave": False}, ("on-leave",), SPARED_ON_LEAVE),
        ((), {"on-leave": False}, (), LOOK),
        ((), {"on-leave": False}, ("transferred",), LOOK),
        ((), {"on-leave": True}, ("on-leave",), LOOK),
        ((), {}, ("on-leave",), LOOK),
        ((), {"on-leave": False, "transferred": True}, ("on-leave", "transferred"), LOOK),
        ((ask(),), {"on-leave": False}, ("on-leave",), Ruling(True, "careful")),
        (
            (ask(med_type=("11",)),),
            {"on-leave": False, "transferred": False},
            ("transferred", "on-leave"),
            SPARED_ON_LEAVE,
        ),
        (
            (spare(),),
            {"on-leave": False},
            ("on-leave",),
            Ruling(False, "small", Cause.POLICY_EXEMPT),
        ),
    ],
)
def test_a_special_registration_spares_where_no_rule_decided(
    rules: tuple[Rule, ...],
    specials: dict[str, bool],
    registered: tuple[str, ...],
    expected: Ruling,
) -> None:
    assert expected == ruling(policy(*rules, specials=specials), VISIT, registered)


def test_a_visit_needs_a_time_with_a_zone() -> None:
    with pytest.raises(ValueError, match="zone"):
        replace(VISIT, at=datetime(2026, 11, 22, 9, 30))  # noqa: DTZ001  # the fault itself


AMOUNTS = st.none() | st.decimals(-10, 200, places=2) | st.sampled_from([Decimal("NaN")])
TEXTS = st.sampled_from(["", "41", "11", "041", "310", "02", "I10", "J00", "病种", "null"])
VISITS = st.builds(
    Visit, TEXTS, TEXTS, TEXTS, TEXTS, st.sampled_from([SHOP, "", "H9"]), AMOUNTS, st.just(SUNDAY)
)
SOME = st.lists(TEXTS.filter(bool), max_size=2).map(tuple)
NAMES = st.lists(st.sampled_from(sorted(GROUPS)), max_size=2).map(tuple)
LIMITS = st.none() | st.decimals(0, 150, places=2)
RULES = st.builds(
    Rule,
    st.uuids().map(str),
    st.booleans(),
    SOME,
    SOME,
    SOME,
    st.sampled_from([(), ("pharmacy",), ("hospital",)]),
    NAMES,
    NAMES,
    LIMITS,
    LIMITS,
)
POLICIES = st.lists(RULES, max_size=5).map(lambda rules: policy(*rules))


@PROPERTY
@given(POLICIES, VISITS)
def test_without_a_sparing_rule_that_is_named_the_answer_is_look(
    tried: Policy, visit: Visit
) -> None:
    found = ruling(tried, visit)

    sparing = {rule.id for rule in tried.rules if not rule.check}
    assert found.check is (found.rule not in sparing)
    assert found.cause is (None if found.check else Cause.POLICY_EXEMPT)


@PROPERTY
@given(POLICIES, VISITS, st.sampled_from([None, Decimal(0), Decimal("NaN")]))
def test_a_missing_amount_is_never_spared_by_a_rule_on_amounts(
    tried: Policy, visit: Visit, amount: Decimal | None
) -> None:
    found = ruling(tried, replace(visit, amount=amount))

    on_amounts = {
        rule.id
        for rule in tried.rules
        if rule.amount_below is not None or rule.amount_from is not None
    }
    assert found.check or found.rule not in on_amounts


@PROPERTY
@given(
    POLICIES,
    VISITS,
    st.sampled_from(["med_type", "insutype", "cert_type", "disease", "institution"]),
)
def test_leaving_out_a_field_never_spares_whom_the_policy_wants_to_see(
    tried: Policy, visit: Visit, field: str
) -> None:
    with_it, without = ruling(tried, visit), ruling(tried, replace(visit, **{field: ""}))

    assert without.check or not with_it.check


@PROPERTY
@given(POLICIES, VISITS)
def test_leaving_out_the_amount_never_spares_whom_the_policy_wants_to_see(
    tried: Policy, visit: Visit
) -> None:
    with_it, without = ruling(tried, visit), ruling(tried, replace(visit, amount=None))

    assert without.check or not with_it.check
