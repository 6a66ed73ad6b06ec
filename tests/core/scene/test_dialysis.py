"""Dialysis data: which sections are taken, and that nothing larger or stranger is."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yibao_face.daemon.core.scene.dialysis import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_VALUES,
    SECTIONS,
    DialysisError,
    parse_dialysis,
)

NOTE = {"note": "x"}


def nested(levels: int) -> dict[str, Any]:
    """A section ``levels`` objects deep."""
    found: dict[str, Any] = NOTE
    for _ in range(levels - 1):
        found = {"in": found}
    return found


@pytest.mark.parametrize(
    "raw",
    [
        {"purification": {"mode": "HD", "minutes": 240}},
        {"consumables": [{"name": "透析器", "count": 1}, {"name": "管路"}]},
        {"device": NOTE, "tests": [NOTE]},
        {"tests": {"K": Decimal("4.20"), "Na": 138.5, "urgent": False, "note": None}},
        {"device": {"parts": []}},
        dict.fromkeys(SECTIONS, NOTE),
    ],
)
def test_sections_are_taken_unchanged(raw: dict[str, Any]) -> None:
    assert (raw, tuple(s for s in SECTIONS if s in raw)) == parse_dialysis(raw)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (None, "not an object"),
        ([{"device": NOTE}], "not an object"),
        ("{}", "not an object"),
        ({}, "needs one or more of purification, consumables, device, tests"),
        ({"session": "s"}, "needs one or more"),
        ({"device": NOTE, "session": "s"}, "needs one or more"),
        ({"device": NOTE, 1: 2}, "needs one or more"),
        ({"device": "x"}, "device is not"),
        ({"device": None}, "device is not"),
        ({"device": {}}, "device is not"),
        ({"device": NOTE, "tests": []}, "tests is not"),
        ({"consumables": [NOTE, "x"]}, "consumables is not"),
        ({"consumables": [NOTE, {}]}, "consumables is not"),
        ({"device": {"x": float("nan")}}, "json has not"),
        ({"device": {"x": Decimal("Infinity")}}, "json has not"),
        ({"device": {"x": b"x"}}, "json has not"),
        ({"device": {"x": "\ud800"}}, "json has not"),
        ({"device": {"x": 10**5000}}, "json has not"),
    ],
)
def test_anything_else_is_refused_by_name(raw: object, message: str) -> None:
    with pytest.raises(DialysisError, match=message):
        parse_dialysis(raw)


def test_an_error_names_nothing_that_was_sent() -> None:
    with pytest.raises(DialysisError) as caught:
        parse_dialysis({"invented-name": {"x": "invented-value"}})

    assert "invented" not in str(caught.value)


def test_data_may_be_as_deep_as_the_limit_and_no_deeper() -> None:
    # The whole and the note count too.
    assert ("device",) == parse_dialysis({"device": nested(MAX_DEPTH - 2)})[1]
    with pytest.raises(DialysisError, match="deeper"):
        parse_dialysis({"device": nested(MAX_DEPTH - 1)})


def test_data_deeper_than_the_stack_is_refused_too() -> None:
    with pytest.raises(DialysisError, match="deeper"):
        parse_dialysis({"device": nested(100_000)})


def test_data_may_hold_as_many_values_as_the_limit_and_no_more() -> None:
    # The section itself and its list are two of them.
    parse_dialysis({"device": {"x": [0] * (MAX_VALUES - 2)}})
    with pytest.raises(DialysisError, match="values"):
        parse_dialysis({"device": {"x": [0] * (MAX_VALUES - 1)}})


def test_data_may_be_as_large_as_the_limit_in_bytes_and_no_larger() -> None:
    frame = len(json.dumps({"device": {"x": ""}}))
    fits = "汉" * ((MAX_BYTES - frame) // 3)
    spare = MAX_BYTES - frame - 3 * len(fits)

    parse_dialysis({"device": {"x": fits + "a" * spare}})
    with pytest.raises(DialysisError, match="larger"):
        parse_dialysis({"device": {"x": fits + "a" * (spare + 1)}})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from([*SECTIONS, "x"]), JSON) | JSON)
def test_whatever_is_uploaded_is_taken_unchanged_or_refused(raw: Any) -> None:
    try:
        found, sections = parse_dialysis(raw)
    except DialysisError:
        return

    assert raw == found
    assert set(sections) == set(raw) <= set(SECTIONS)
    assert len(json.dumps(found, ensure_ascii=False).encode()) <= MAX_BYTES
