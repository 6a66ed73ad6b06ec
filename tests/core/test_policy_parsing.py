"""A policy is read as it is written, or refused with the name of the key that is wrong."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yibao_face.daemon.core.policy import (
    Group,
    Policy,
    PolicyError,
    Rule,
    Ruling,
    Visit,
    parse_policy,
    ruling,
)

PROPERTY = settings(max_examples=300, deadline=None)
SHOP = "P32010000001"
SUNDAY = datetime(2026, 11, 22, 9, 30, tzinfo=timezone(timedelta(hours=8)))
VISIT = Visit("41", "310", "02", "J00.x00", SHOP, Decimal("49.90"), SUNDAY)
FULL: dict[str, Any] = {
    "version": 7,
    "valid_from": "2026-01-01",
    "valid_until": "2026-12-31",
    "groups": {"chronic": {"disease": ["i10", "E11"], "med_type": ["14"]}},
    "institution_class": {SHOP: "pharmacy"},
    "specials": {"on-leave": False, "transferred": True},
    "rules": [
        {"id": "key-groups", "check": True, "when": {"group_any": ["chronic"]}},
        {
            "id": "small-purchase",
            "check": False,
            "when": {
                "med_type": ["41"],
                "insutype": ["310"],
                "mdtrt_cert_type": ["01", "02"],
                "institution_class": ["pharmacy"],
                "group_none": ["chronic"],
                "medfee_from": 1,
                "medfee_below": "100.00",
                "time_from": "08:00",
                "time_until": "20:00",
                "weekdays": [1, 2, 3, 4, 5],
            },
        },
        {"id": "all-others", "check": True},
    ],
}


def test_a_policy_is_read_as_it_is_written() -> None:
    expected = Policy(
        version=7,
        valid_from=date(2026, 1, 1),
        valid_until=date(2026, 12, 31),
        groups={"chronic": Group(("I10", "E11"), ("14",))},
        institution_class={SHOP: "pharmacy"},
        specials={"on-leave": False, "transferred": True},
        rules=(
            Rule("key-groups", True, group_any=("chronic",)),
            Rule(
                "small-purchase",
                False,
                med_type=("41",),
                insutype=("310",),
                cert_type=("01", "02"),
                institution_class=("pharmacy",),
                group_none=("chronic",),
                amount_from=Decimal(1),
                amount_below=Decimal("100.00"),
                from_time="08:00",
                until_time="20:00",
                weekdays=(1, 2, 3, 4, 5),
            ),
            Rule("all-others", True),
        ),
    )

    assert expected == parse_policy(FULL)


def test_the_shortest_policy_looks_at_everybody() -> None:
    assert Policy(1) == parse_policy({"version": 1, "rules": []})
    assert Ruling(True, "default") == ruling(parse_policy({"version": 1, "rules": []}), VISIT)


def with_when(**when: Any) -> dict[str, Any]:
    return {**FULL, "rules": [{"id": "r", "check": False, "when": when}]}


@pytest.mark.parametrize("amount", [0, 100, "100", "99.9", "0.01", Decimal("99.90"), Decimal(5)])
def test_amounts_are_taken_exactly(amount: Any) -> None:
    [rule] = parse_policy(with_when(medfee_from=amount)).rules

    assert Decimal(amount) == rule.amount_from


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (None, "policy"),
        ([], "policy"),
        ({}, "version"),
        ({"version": 1}, "rules"),
        ({**FULL, "version": 0}, "version"),
        ({**FULL, "version": True}, "version"),
        ({**FULL, "version": "7"}, "version"),
        ({**FULL, "version": 2**53}, "version"),
        ({**FULL, "extra": 1}, "extra"),
        ({**FULL, "valid_from": "2026-13-01"}, "valid_from"),
        ({**FULL, "valid_from": "20260101"}, "valid_from"),
        ({**FULL, "valid_until": 2026}, "valid_until"),
        ({**FULL, "valid_until": "2025-12-31"}, "valid_until"),
        ({**FULL, "groups": []}, "groups"),
        ({**FULL, "groups": {"chronic": {}}}, "groups.chronic"),
        ({**FULL, "groups": {"chronic": {"disease": []}}}, "groups.chronic.disease"),
        ({**FULL, "groups": {"chronic": {"disease": ["高血压"]}}}, "groups.chronic.disease"),
        ({**FULL, "groups": {"chronic": {"diseases": ["I10"]}}}, "diseases"),
        ({**FULL, "groups": {str(n): {"med_type": ["1"]} for n in range(51)}}, "groups"),
        ({**FULL, "institution_class": {SHOP: 1}}, f"institution_class.{SHOP}"),
        ({**FULL, "specials": {"on-holiday": False}}, "on-holiday"),
        ({**FULL, "specials": {"on-leave": "no"}}, "specials.on-leave"),
        ({**FULL, "rules": {}}, "rules"),
        ({**FULL, "rules": [{"id": f"r{n}", "check": True} for n in range(1001)]}, "rules"),
        ({**FULL, "rules": [{"check": True}]}, r"rules\[0\] lacks id"),
        ({**FULL, "rules": [{"id": "r"}]}, r"rules\[0\] lacks check"),
        ({**FULL, "rules": [{"id": "r", "check": 0}]}, r"rules\[0\].check"),
        ({**FULL, "rules": [{"id": "", "check": True}]}, r"rules\[0\].id"),
        ({**FULL, "rules": [{"id": "special:on-leave", "check": True}]}, r"rules\[0\].id"),
        ({**FULL, "rules": [{"id": "default", "check": False}]}, r"rules\[0\].id default"),
        ({**FULL, "rules": [{"id": "no-policy", "check": False}]}, r"rules\[0\].id no-policy"),
        ({**FULL, "rules": [{"id": "r", "check": True}] * 2}, r"rules\[1\].id r is taken"),
        (with_when(med_typ=["41"]), "med_typ"),
        (with_when(med_type="41"), "when.med_type"),
        (with_when(med_type=[]), "when.med_type is empty"),
        (with_when(med_type=[41]), r"when.med_type\[0\]"),
        (with_when(med_type=["4 1"]), "when.med_type"),
        (with_when(med_type=["41"] * 1001), "when.med_type"),
        (with_when(group_any=["nobody"]), "nobody"),
        (with_when(group_none=["nobody"]), "nobody"),
        (with_when(institution_class=["clinic"]), "clinic"),
        (with_when(medfee_below=100.5), "when.medfee_below"),
        (with_when(medfee_below=True), "when.medfee_below"),
        (with_when(medfee_below=-1), "when.medfee_below"),
        (with_when(medfee_below=10**14), "when.medfee_below"),
        (with_when(medfee_below="1e3"), "when.medfee_below"),
        (with_when(medfee_below="1.005"), "when.medfee_below"),
        (with_when(medfee_below=Decimal("NaN")), "when.medfee_below"),
        (with_when(medfee_below=Decimal("1E+999999")), "when.medfee_below"),
        (with_when(medfee_below=0), "medfee"),
        (with_when(medfee_from=100, medfee_below="100.00"), "medfee_from"),
        (with_when(time_from="8:00"), "when.time_from"),
        (with_when(time_until="24:00"), "when.time_until"),
        (with_when(time_from="08:00", time_until="08:00"), "time_from"),
        (with_when(time_until="00:00"), "time_until"),
        (with_when(weekdays=[0]), "when.weekdays"),
        (with_when(weekdays=[8]), "when.weekdays"),
        (with_when(weekdays=[True]), "when.weekdays"),
        (with_when(weekdays=[]), "when.weekdays"),
    ],
)
def test_what_may_be_misread_is_refused_by_name(raw: object, named: str) -> None:
    with pytest.raises(PolicyError, match=named):
        parse_policy(raw)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*FULL, "id", "check", "when"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@PROPERTY
@given(
    JSON
    | st.fixed_dictionaries(
        {"version": st.just(1), "rules": JSON},
        optional={
            "groups": JSON,
            "specials": JSON,
            "institution_class": JSON,
            "valid_from": JSON,
        },
    )
)
def test_whatever_json_is_given_is_a_policy_or_a_policy_error(raw: object) -> None:
    try:
        parsed = parse_policy(raw)
    except PolicyError as exc:
        assert str(exc)
    else:
        assert ruling(parsed, VISIT).rule in {"default", "policy-not-in-force"} | {
            rule.id for rule in parsed.rules
        }


def spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path to every value inside."""
    keys: list[Any] = []
    if isinstance(value, dict):
        keys = list(cast(dict[str, Any], value))
    elif isinstance(value, list):
        keys = list(range(len(cast(list[object], value))))
    return [path, *(found for key in keys for found in spots(value[key], (*path, key)))]


@PROPERTY
@given(st.sampled_from(spots(FULL)[1:]), JSON)
def test_a_changed_value_anywhere_is_read_or_refused_but_never_a_crash(
    path: tuple[Any, ...], value: object
) -> None:
    raw: Any = json.loads(json.dumps(FULL))
    spot = raw
    for key in path[:-1]:
        spot = spot[key]
    spot[path[-1]] = value
    try:
        assert isinstance(parse_policy(raw), Policy)
    except PolicyError as exc:
        assert str(exc)
