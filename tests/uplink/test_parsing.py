"""Whatever a centre answers, it is read as agreed or counts as no answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.sync.center.schema import schema
from yibao_face.sync.uplink.api import IdentityError, Keys, NoAnswerError, Place, UplinkError
from yibao_face.sync.uplink.api import place_of as place
from yibao_face.sync.uplink.wire.answer import (
    BatchAnswer,
    Slot,
    read_batch_answer,
    read_issued,
    read_kept,
    read_pulled,
    read_refusal,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
GOOD: dict[str, Any] = {
    "now_ms": 1,
    "budget": 200,
    "results": [{"id": "a", "status": "new", "reason": ""}],
    "gaps": [[1, 2]],
    "evidence": {"after_ms": 5, "bytes_per_s": 10},
}
ISSUED = {"device": "d", "institution": "i", "certificate": "c", "ca": "c", "not_after_ms": 1}
LETTER = {"place": 3, "kind": "policy", "name": "", "version": 1, "envelope": "{}"}
PULLED: dict[str, Any] = {"now_ms": 1, "cursor": 3, "documents": [LETTER]}
READERS: list[Callable[[bytes], object]] = [
    lambda data: read_batch_answer(data, ["a"]),
    read_issued,
    lambda data: read_pulled(data, 0),
    read_kept,
]


def text(body: object) -> bytes:
    return json.dumps(body).encode()


def test_a_whole_answer_is_read() -> None:
    answer = read_batch_answer(text(GOOD), ["a"])

    assert (1, 200, ((1, 2),), Slot(5, 10)) == (
        answer.now_ms,
        answer.budget,
        answer.gaps,
        answer.slot,
    )


def test_a_centre_that_knows_more_or_less_is_understood() -> None:
    younger = {k: v for k, v in GOOD.items() if k != "evidence"} | {"news": [1]}

    assert read_batch_answer(text(younger), ["a"]).slot is None


@pytest.mark.parametrize("reader", READERS)
@given(data=st.binary(max_size=300) | JSON.map(text))
def test_hostile_bodies_are_no_answer(reader: Any, data: bytes) -> None:
    with pytest.raises(NoAnswerError):
        reader(data)


@given(name=st.sampled_from(sorted(GOOD)), value=JSON)
def test_a_field_of_another_form_is_no_answer_or_still_one(name: str, value: Any) -> None:
    try:
        answer = read_batch_answer(text({**GOOD, name: value}), ["a"])
    except NoAnswerError:
        return
    assert isinstance(answer, BatchAnswer)
    assert 0 <= answer.budget <= 200
    assert ["a"] == [result.id for result in answer.results]
    assert all(1 <= first <= last for first, last in answer.gaps)
    assert answer.slot is None or answer.slot.bytes_per_s >= 1


@given(name=st.sampled_from(sorted(LETTER)), value=JSON)
def test_a_letter_of_another_form_is_no_answer_or_still_one(name: str, value: Any) -> None:
    body = {**PULLED, "documents": [{**LETTER, name: value}]}
    try:
        pulled = read_pulled(text(body), 0)
    except NoAnswerError:
        return
    [(at, letter)] = pulled.letters
    assert at >= 1
    assert letter.version >= 1


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (text({**GOOD, "results": []}), "not about the records"),
        (text({**GOOD, "results": GOOD["results"] * 2}), "results is not as agreed"),
        (text({**GOOD, "results": [{"id": "b", "status": "new", "reason": ""}]}), "not about"),
        (text({**GOOD, "results": [{"id": "a", "status": "old", "reason": ""}]}), "status"),
        (text({**GOOD, "gaps": [[2, 1]]}), "gap"),
        (text({**GOOD, "gaps": [[0, 1]]}), "gap"),
        (text({**GOOD, "gaps": [[1, 1]] * 101}), "gaps"),
        (text({**GOOD, "budget": 201}), "budget"),
        (text({**GOOD, "now_ms": True}), "now_ms"),
        (text({**GOOD, "evidence": {"after_ms": 0, "bytes_per_s": 0}}), "bytes_per_s"),
        (b'{"now_ms": 1, "now_ms": 2}', "strict"),
        (b'{"now_ms": NaN}', "strict"),
        (b"[" * 100_000, "strict"),
        (b"<html>", "strict"),
    ],
)
def test_what_is_not_as_agreed_is_named(data: bytes, why: str) -> None:
    with pytest.raises(NoAnswerError, match=why):
        read_batch_answer(data, ["a"])


def test_letters_out_of_order_are_no_answer() -> None:
    two = {**PULLED, "documents": [{**LETTER, "place": 4}, LETTER]}

    with pytest.raises(NoAnswerError, match="order"):
        read_pulled(text(two), 0)
    with pytest.raises(NoAnswerError, match="order"):
        read_pulled(text(PULLED), 3)


def test_half_a_surrogate_pair_is_no_letter() -> None:
    broken = b'{"now_ms":1,"cursor":1,"documents":[{"place":1,"kind":"a","name":"","version":1,'
    with pytest.raises(NoAnswerError, match="surrogate"):
        read_pulled(broken + b'"envelope":"\\ud800"}]}', 0)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b'{"error": "busy", "message": ""}', "busy"),
        (b"<html>", "unknown"),
        (b'{"error": 5}', "unknown"),
        (b'{"error": "%s"}' % (b"a" * 99), "unknown"),
        (b'{"error": "../x"}', "unknown"),
    ],
)
def test_a_refusal_has_a_word(body: bytes, word: str) -> None:
    assert word == read_refusal(body)


def test_what_is_read_is_what_the_schemas_demand() -> None:
    for name, known in (("answer", GOOD), ("issued", ISSUED), ("pull", PULLED)):
        assert set(schema(name)["required"]) <= known.keys()


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://centre", Place("centre", 51519)),
        ("https://centre:1/", Place("centre", 1)),
        ("https://[fd00::8]:99", Place("fd00::8", 99)),
    ],
)
def test_the_address_of_the_centre(url: str, found: Place) -> None:
    assert found == place(url)
    assert found == place(found.url)


@given(url=st.text() | st.text().map("https://{}".format))
def test_any_text_is_an_address_or_refused(url: str) -> None:
    try:
        found = place(url)
    except UplinkError:
        return
    assert found == place(found.url)


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(IdentityError):
        Keys(bytes(32), bytes(31))
