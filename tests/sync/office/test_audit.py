"""The log of the office: one changed, missing or added entry is found, and so is a new end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from center_bed import INSTITUTION
from office_bed import PASSWORD, Bureau
from sqlalchemy import delete, insert, select, update

from yibao_face.sync.center.office.door.table import ROUTES
from yibao_face.sync.center.office.people.audit import verify
from yibao_face.sync.center.office.store.tables import AUDIT, AUDIT_HEAD
from yibao_face.sync.center.store.database import rows
from yibao_face.sync.chain import next_hash


def work(office: Bureau) -> None:
    """A few things somebody does."""
    admin = office.role("admin")
    admin.put("/settings", {"offline_after_s": 600})
    admin.post("/users", {"name": "wang", "display": "王", "password": PASSWORD})
    for n in range(3):
        admin.post("/tickets", {"institution": INSTITUTION, "note": f"第{n}张"})


def broken_at(office: Bureau) -> int | None:
    with office.office.reading() as db:
        return verify(db, office.office.secrets).broken_at


def execute(office: Bureau, statement: Any) -> None:
    with office.office.writing() as db:
        db.execute(statement)


def cut(office: Bureau) -> None:
    """Take the last entry off, and put the head back to the one before."""
    with office.office.writing() as db:
        *_, before, last = rows(db, select(AUDIT).order_by(AUDIT.c.seq))
        db.execute(delete(AUDIT).where(AUDIT.c.seq == last["seq"]))
        db.execute(update(AUDIT_HEAD).values(seq=before["seq"], hash=before["hash"]))


def added(office: Bureau) -> None:
    """An entry that hangs on the chain as it should, by somebody without the secret."""
    with office.office.writing() as db:
        last = rows(db, select(AUDIT).order_by(AUDIT.c.seq))[-1]
        hash_ = next_hash(last["hash"], b"{}")
        db.execute(insert(AUDIT).values({**last, "seq": last["seq"] + 1, "hash": hash_}))
        db.execute(update(AUDIT_HEAD).values(seq=last["seq"] + 1, hash=hash_))


TAMPERING: dict[str, tuple[Callable[[Bureau], None], int]] = {
    "who": (lambda o: execute(o, update(AUDIT).where(AUDIT.c.seq == 3).values(who="li")), 3),
    "when": (lambda o: execute(o, update(AUDIT).where(AUDIT.c.seq == 2).values(at_ms=1)), 2),
    "new": (lambda o: execute(o, update(AUDIT).where(AUDIT.c.seq == 2).values(new="")), 2),
    "removed": (lambda o: execute(o, delete(AUDIT).where(AUDIT.c.seq == 4)), 4),
    "cut": (cut, 6),
    "added": (added, 7),
    "all": (lambda o: execute(o, delete(AUDIT)), 1),
    "head": (lambda o: execute(o, delete(AUDIT_HEAD)), 6),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_what_was_done_to_the_log_is_found(office: Bureau, how: str) -> None:
    work(office)
    assert broken_at(office) is None
    tamper, found = TAMPERING[how]

    tamper(office)

    assert found == broken_at(office)


def test_the_log_says_who_did_what_from_where(both: Bureau) -> None:
    work(both)
    auditor = both.role("auditor")

    entries = auditor.get("/audit", who="admin")["items"]
    what = ["ticket_add", "ticket_add", "ticket_add", "user_add", "settings_put", "login"]
    assert what == [e["what"] for e in entries]
    assert {"127.0.0.1"} == {e["source"] for e in entries}
    assert INSTITUTION == entries[0]["institution"]
    assert "" == entries[3]["old"]
    assert 64 == len(entries[3]["new"])
    report = auditor.get("/audit/verify")
    assert (True, 7, None) == (report["whole"], report["entries"], report["broken_at"])


def test_refusals_and_failed_logins_are_in_it(office: Bureau) -> None:
    engineer = office.role("engineer")
    engineer.call("POST", "/users", {})
    office.stranger().sign_in("engineer", "wrong")
    entries = office.role("auditor").get("/audit", who="engineer")["items"]

    refused = {(e["what"], e["result"]) for e in entries}
    assert {("user_add", "refused"), ("login", "refused"), ("login", "done")} == refused


def test_no_value_is_in_it(office: Bureau) -> None:
    office.role("operator").post(
        "/practitioners",
        {
            "institution": INSTITUTION,
            "name": "张医生",
            "number": "320102199001011234",
            "kind": "doctor",
        },
    )
    with office.office.reading() as db:
        text = str(rows(db, select(AUDIT)))

    assert "张医生" not in text
    assert "320102199001011234" not in text


def test_the_log_pages_from_the_newest_on(office: Bureau) -> None:
    work(office)
    auditor = office.role("auditor")
    seen: list[int] = []
    cursor = ""
    while cursor is not None:
        page = auditor.get("/audit", limit=2, cursor=cursor)
        seen += [e["seq"] for e in page["items"]]
        cursor = page["next"]

    assert [*range(7, 0, -1)] == seen


def test_every_call_that_writes_is_marked_as_one() -> None:
    looks = {"GET"}

    assert {r.name for r in ROUTES if r.writes} == {
        r.name for r in ROUTES if r.method not in looks
    }
