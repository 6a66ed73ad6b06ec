"""Whatever a centre signs, a counter applies it whole or refuses it: nothing else is raised."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inbox_bed import (
    ACCEPTED,
    CENTRE,
    HOSPITAL,
    Counter,
    agents,
    announced,
    counter_at,
    manifest,
    person,
    persons,
    policy,
    register_special,
    relation,
    roster,
    task,
)

from yibao_face.daemon.inbox.table import KINDS
from yibao_face.daemon.trust.document import DocumentError, sign_document
from yibao_face.daemon.trust.sealed import public_key_of, seal_payload
from yibao_face.sync.uplink.api import LetterRefusedError

WORD = {"of": "registered-here", "kind": "special", "institution": HOSPITAL, "approved": True}
TEXTS = st.text(max_size=12) | st.sampled_from(["", "\x00", "\ud800", "٣", "2026-12-31", "9" * 40])
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Generator[Counter, None, None]:
    """One for all examples: what is refused leaves nothing that could disturb the next."""
    with counter_at(tmp_path_factory.mktemp("hostile") / "data") as counter:
        register_special(counter, str(WORD["of"]))
        yield counter


def goods(data: Path) -> dict[str, object]:
    """A payload of each kind that is understood."""
    return {
        "policy": policy(1),
        "configuration": {"values": {"match.margin": 0.06, "desk.round_by": "19:00"}},
        "roster": roster("1", "2"),
        "person-references": persons(person(data, "1"), {"op": "erase", "id": "2"}),
        "agents": agents(relation()),
        "round-task": task(),
        "revocation": {"keys": ["k"], "models": ["m"]},
        "update-manifest": manifest(),
        "review": {**WORD, "reason": "", "reviewer": "r", "at_ms": 1},
        "queue-receipt": {"device": "d", "taken": [[1, 2, "00"]], "refused": [["a", "b"]]},
    }


def places(value: object, path: tuple[Any, ...] = ()) -> Generator[tuple[Any, ...], None, None]:
    """Where something can be put in the place of something."""
    yield path
    items: Iterable[tuple[Any, object]] = ()
    if isinstance(value, dict):
        items = cast(dict[str, object], value).items()
    if isinstance(value, list):
        items = enumerate(cast(list[object], value))
    for key, inner in items:
        yield from places(inner, (*path, key))


def changed(value: Any, path: tuple[Any, ...], new: object) -> Any:
    if not path:
        return new
    copy: Any = value.copy()
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


@settings(
    deadline=None, max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_anything_signed_is_applied_or_refused(counter: Counter, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(KINDS)))
    good = goods(counter.config.data)[kind]
    where = data.draw(st.sampled_from(sorted(places(good), key=str)))
    payload = changed(good, where, data.draw(VALUES))
    version = 1 + max([0, *(h.version for h in counter.inbox.in_force())])
    try:
        text = json.dumps(payload)
        if KINDS[kind].sealed or data.draw(st.booleans()):
            to = public_key_of(counter.desk.gallery.vault.seal_seed)
            text = json.dumps(seal_payload(text, to, kind, version))
        envelope = sign_document(kind, version, text, CENTRE)
    except DocumentError:
        return  # what no centre can sign
    before = (len(counter.records(*ACCEPTED)), counter.desk.gallery.count())
    try:
        counter.inbox.take(announced(kind, version, envelope))
    except LetterRefusedError as exc:
        assert before == (len(counter.records(*ACCEPTED)), counter.desk.gallery.count())
        assert str(exc).isprintable()
        assert len(str(exc)) < 300
    else:
        assert before[0] + 1 == len(counter.records(*ACCEPTED))
    assert counter.inbox.in_force() == counter.inbox.in_force()


@settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(kind=st.sampled_from(sorted(KINDS)), data=st.binary(max_size=300), version=st.integers())
def test_any_bytes_are_refused(counter: Counter, kind: str, data: bytes, version: int) -> None:
    with pytest.raises(LetterRefusedError):
        counter.inbox.take(announced(kind, version, data))
