"""Registrations wait for the regulator; his word reaches the device and the figures."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import replace
from typing import Any

from center_bed import AT_MS, DEVICE, INSTITUTION, record
from office_bed import SIGNER, Bureau, Person, word
from sqlalchemy import select, update

from yibao_face.daemon.trust.document import keys_text, open_document, parse_keys
from yibao_face.sync.center.store.database import rows
from yibao_face.sync.center.store.marks import day_text
from yibao_face.sync.center.store.tables import EVIDENCE, RECORD
from yibao_face.sync.center.upkeep.audit import audit

DAY = day_text(AT_MS)
PHOTO = "ab" * 32
YES, AGREE = {"approve": True, "reason": "照片清楚"}, {"agree": True}
NO = {"approve": False, "reason": "看不清证件"}


def special(n: int, person: str = "7" * 64) -> Any:
    detail = {"case": "on-leave", "from": DAY, "until": DAY, "photos": [PHOTO], "staff": "S1"}
    told = json.dumps(detail)
    return record(n, kind="special", code=0, cause="recorded", person=person, detail=told)


def agent(n: int, **changed: Any) -> Any:
    detail = {"event": "register", "agent": "8" * 64, "relation": "子女", "until": DAY, **changed}
    return record(n, kind="agent", code=0, cause="recorded", detail=json.dumps(detail))


def settled(n: int) -> Any:
    told = json.dumps({"day": DAY, "category": "settlement", "count": 2})
    return record(n, kind="settled", code=0, cause="recorded", detail=told)


def decide(office: Bureau, id_: str, verdict: dict[str, Any]) -> tuple[Person, Person]:
    one, two = office.role("regulator"), office.role("reviewer")
    one.post(f"/specials/{id_}/decide", verdict)
    two.post(f"/specials/{id_}/confirm", AGREE)
    return one, two


def letters(office: Bureau, kind: str) -> list[dict[str, Any]]:
    found = office.site.machine().call("GET", "/v1/pull?cursor=0").body["documents"]
    return [letter for letter in found if letter["kind"] == kind]


def test_a_rejected_registration_no_longer_counts_and_the_device_is_told(both: Bureau) -> None:
    both.send(special(1), settled(2))
    both.work()
    looker = both.role("operator")
    asked = {"from_": DAY, "to": DAY}
    assert 1 == looker.get("/rates", **asked)["items"][0]["specials"]
    id_ = record(1).id

    decide(both, id_, NO)
    both.work()

    assert 0 == looker.get("/rates", **asked)["items"][0]["specials"]
    case = looker.get(f"/specials/{id_}")
    assert ("rejected", True, "reviewer") == (
        *(case["state"], case["published"]),
        case["confirmed_by"],
    )
    [letter] = letters(both, "review")
    keys = parse_keys(keys_text([SIGNER]).encode())
    payload = open_document(letter["envelope"].encode(), "review", keys).payload
    assert (id_, False, "看不清证件") == (payload["of"], payload["approved"], payload["reason"])
    counts = looker.get("/special-counts")["counts"]
    assert [{"kind": "special", "state": "rejected", "n": 1}] == counts


def test_agents_registered_at_a_counter_wait_as_well(both: Bureau) -> None:
    both.send(agent(1), agent(2, event="revoke"), agent(3, document_sha256="0" * 64))
    both.work()

    [case] = both.role("operator").get("/specials", kind="agent")["items"]
    assert (record(1).id, "pending") == (case["id"], case["state"])
    assert "8" * 64 not in str(case)


def test_the_word_of_the_centre_stands_above_that_of_the_desk(office: Bureau) -> None:
    id_ = record(1).id
    at_desk = json.dumps({"of": id_, "approved": False, "reviewer": "S2"})
    office.send(
        special(1), settled(2), record(3, kind="review", cause="recorded", code=0, detail=at_desk)
    )
    office.work()
    looker = office.role("operator")
    assert 0 == looker.get("/rates", from_=DAY, to=DAY)["items"][0]["specials"]

    decide(office, id_, YES)
    office.work()

    assert 1 == looker.get("/rates", from_=DAY, to=DAY)["items"][0]["specials"]


def erase(office: Bureau, id_: str, verdict: dict[str, Any]) -> str:
    clerk = office.role("operator", name="clerk")
    case = clerk.post("/erasures", {"record": id_, "reason": "本人要求"})
    one, two = office.role("reviewer", name="one"), office.role("reviewer", name="two")
    one.post(f"/erasures/{case['id']}/decide", verdict)
    two.post(f"/erasures/{case['id']}/confirm", AGREE)
    return str(case["id"])


def test_who_is_erased_is_in_no_record_and_no_file(both: Bureau) -> None:
    data = b"sealed picture"
    name, mine, other = hashlib.sha256(data).hexdigest(), "5" * 64, "6" * 64
    both.send(
        record(1, evidence_sha256=name, certificate='{"person":"' + mine + '"}'),
        replace(agent(2, agent=mine), person=other),
        record(3, person=other),
        special(4, mine),
    )
    machine = both.site.machine()
    assert 200 == machine.call("PUT", f"/v1/evidence/{name}", data).status
    both.work()
    before = both.role("auditor").get("/rates", from_=DAY, to=DAY)["items"]

    id_ = erase(both, record(1).id, YES)
    both.work()

    with both.office.reading() as db:
        stored = rows(db, select(RECORD).order_by(RECORD.c.id))
        assert [] == rows(db, select(EVIDENCE))
    text = str(stored)
    assert (mine in text, other in text) == (False, True)
    assert [b"", b"sealed", b"sealed", b""] == [row["sealed_request"] for row in stored]
    assert not (both.site.folder / "evidence" / name[:2] / name[2:4] / name).exists()
    case = both.role("reviewer").get(f"/erasures/{id_}", unmask=True)
    assert (True, "approved", 2) == (
        *(case["published"], case["state"]),
        case["detail"]["records"],
    )
    assert mine not in str(case)
    after = both.role("operator").get("/rates", from_=DAY, to=DAY)["items"]
    figures = ("authenticated", "specials", "exempt", "settled")
    assert [[r[f] for f in figures] for r in before] == [[r[f] for f in figures] for r in after]


def test_an_audit_knows_who_was_erased_and_believes_no_such_word_alone(office: Bureau) -> None:
    office.send(record(1), record(2, person="6" * 64), record(3, person="7" * 64))
    erase(office, record(1).id, YES)

    report = audit(office.site.center)
    assert (True, 1, 3) == (report.ok, report.erased, report.records)

    pretended = f"erased-{uuid.UUID(int=7)}"
    with office.office.writing() as db:
        db.execute(update(RECORD).where(RECORD.c.seq == 2).values(person=pretended))
    report = audit(office.site.center)
    assert (False, 1) == (report.ok, report.erased)
    assert [(2, "changed")] == [(f.seq, f.what) for f in report.findings]


def test_a_refused_erasure_erases_nothing(office: Bureau) -> None:
    office.send(record(1))

    erase(office, record(1).id, NO)
    office.work()

    assert [b"sealed"] == [row["sealed_request"] for row in office.site.stored()]
    assert [record(1).person] == [row["person"] for row in office.site.stored()]


def test_what_was_erased_is_not_asked_for_again(office: Bureau) -> None:
    office.send(record(1))
    erase(office, record(1).id, YES)

    again = office.role("operator").call(
        "POST", "/erasures", {"record": record(1).id, "reason": "x"}
    )

    assert (409, "state") == word(again)
    assert INSTITUTION == office.site.stored()[0]["institution"]
    assert DEVICE == office.site.stored()[0]["device"]
