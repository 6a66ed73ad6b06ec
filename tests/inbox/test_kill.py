"""The power goes anywhere while a document is taken in: taken again, all is as if it had not."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from inbox_bed import (
    ACCEPTED,
    FIRST,
    HOSPITAL,
    SECOND,
    THIRD,
    Counter,
    agents,
    counter_at,
    manifest,
    person,
    persons,
    policy,
    relation,
    roster,
    signed,
    task,
)

from yibao_face.daemon.config import under_centre
from yibao_face.daemon.desk.attendance import practitioners

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="fork and SIGKILL are POSIX")
POINTS = 14
OURS = f"{os.sep}daemon{os.sep}", f"{os.sep}sync{os.sep}"


def until_the_end(work: Callable[[], None], kill_at: int) -> int:
    """Do ``work`` in a child that is killed at its ``kill_at``-th call of our own code.

    How many calls there were; 0 where it was killed.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        calls = 0

        def count(frame: Any, event: str, _arg: object) -> None:
            nonlocal calls
            if event == "call" and any(part in frame.f_code.co_filename for part in OURS):
                calls += 1
                if calls == kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.setprofile(count)
            work()
        finally:
            sys.setprofile(None)
            os.write(writer, str(calls).encode())
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return int(told or 0)


def prepared(data: Path) -> None:
    """Two people, and an older document of each kind that is replaced."""
    with counter_at(data) as counter:
        people = persons(person(data, FIRST), person(data, SECOND), name="first")
        counter.take(counter.seal("person-references", 1, people))
        counter.take_signed("configuration", 1, {"values": {"match.margin": 0.1}})
        counter.take_signed("policy", 1, policy(1))


def delivery(counter: Counter) -> bytes:
    data = counter.config.data
    made = persons(
        person(data, FIRST, op="replace", name="赵六"),
        person(data, THIRD),
        {"op": "erase", "id": SECOND},
    )
    return counter.seal("person-references", 5, made)


def receipt(counter: Counter) -> bytes:
    outbox = counter.desk.ledger.outbox
    hash_ = outbox.file.rows("SELECT hash FROM record WHERE seq = 1")[0][0]
    taken = [[1, 1, hash_.hex()]]
    device = counter.inbox._site.device
    return signed("queue-receipt", 5, {"device": device, "taken": taken, "refused": []})


MAKE: dict[str, Callable[[Counter], bytes]] = {
    "policy": lambda _c: signed("policy", 5, policy(5)),
    "configuration": lambda _c: signed("configuration", 5, {"values": {"match.margin": 0.2}}),
    "roster": lambda _c: signed("roster", 5, roster(FIRST, SECOND)),
    "person-references": delivery,
    "agents": lambda _c: signed("agents", 5, agents(relation(), relation(agent_id=THIRD))),
    "round-task": lambda _c: signed("round-task", 5, task()),
    "revocation": lambda _c: signed("revocation", 5, {"models": ["m"], "keys": ["k"]}),
    "queue-receipt": receipt,
    "update-manifest": lambda _c: signed("update-manifest", 5, manifest()),
}


def state(counter: Counter) -> dict[str, Any]:
    """What the counter works by, and what can be told of it."""
    desk = counter.desk
    gallery = counter.config.data / "gallery.db"
    with closing(sqlite3.connect(gallery)) as db:
        rows = {
            table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608  # ours
            for table in ("person", "number", "sample", "agent")
        }
    found = counter.inbox._site.policies.current()
    return {
        **rows,
        "people": counter.enrolled(FIRST, SECOND, THIRD),
        "margin": under_centre(counter.config).match.margin,
        "policy": found and found.version,
        "roster": practitioners(desk.ledger, HOSPITAL),
        "tasks": {json.loads(r.detail)["until_ms"] for r in counter.records("round-task")},
        "agents": len(counter.records("agent")),
        "sent": desk.ledger.outbox.delivery.counts().sent,
        "files": sorted(p.name for p in counter.config.data.glob("*.json")),
        "force": counter.in_force(),
    }


@pytest.mark.parametrize("kind", MAKE)
def test_killed_anywhere_and_taken_again_it_is_as_taken_once(tmp_path: Path, kind: str) -> None:
    with counter_at(tmp_path / "whole") as counter:
        prepared(tmp_path / "whole")
        before = state(counter)
        envelope = MAKE[kind](counter)
        calls = until_the_end(lambda: again(tmp_path / "whole", envelope), 0)
        after = state(counter)
    assert before != after
    assert calls > POINTS

    for point in range(POINTS):
        data = tmp_path / f"point-{point}"
        prepared(data)
        with counter_at(data) as counter:
            envelope = MAKE[kind](counter)
        kill_at = 1 + calls * point // POINTS
        assert 0 == until_the_end(lambda d=data, e=envelope: again(d, e), kill_at)
        check_whole(data, before, after, kind)
        again(data, envelope)
        with counter_at(data) as counter:
            counter.inbox.mend()
            assert same(after) == same(state(counter))
            assert once(counter, kind)
            assert [] == counter.alarms()


def same(found: dict[str, Any]) -> dict[str, Any]:
    """Digests are of each data folder's own key."""
    return {**found, "roster": len(found["roster"])}


def again(data: Path, envelope: bytes) -> None:
    with counter_at(data) as counter:
        counter.inbox.mend()
        counter.take(envelope)


def check_whole(data: Path, before: dict[str, Any], after: dict[str, Any], kind: str) -> None:
    """Right after the power is back people are as before or as after, never in between."""
    with counter_at(data) as counter:
        found = state(counter)
    if kind in ("person-references", "agents"):
        people = ("person", "number", "sample", "agent", "people")
        now, *ends = (tuple(s[key] for key in people) for s in (found, before, after))
        assert now in ends
    assert found["margin"] in (before["margin"], after["margin"])


def once(counter: Counter, kind: str) -> bool:
    """Whether the document was put on record one time."""
    told = [json.loads(r.detail) for r in counter.records(*ACCEPTED)]
    ours = [d for d in told if d["version"] == 5 and d.get("what", kind) == kind]
    return 1 == len(ours)
