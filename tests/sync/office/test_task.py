"""Round tasks: signed, sealed to the device, followed by what it records, and scored."""

from __future__ import annotations

import base64
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from center_bed import DEVICE, INSTITUTION, Answer, record
from office_bed import SIGNER, Bureau, Hand, Person, bureau
from sqlalchemy import insert

from yibao_face.daemon.core.identity import uuid7
from yibao_face.daemon.core.scene.round import parse_task
from yibao_face.daemon.trust.document import keys_text, open_document, parse_keys
from yibao_face.daemon.trust.sealed import open_payload, public_key_of
from yibao_face.sync.api import Record
from yibao_face.sync.center.store.tables import DEVICE_KEY

NOW_MS = 1_795_305_600_000
HOUR_MS = 3_600_000
SEED = bytes(range(32))
KEYS = parse_keys(keys_text([SIGNER]).encode())
NUMBERS = ["320102199001011234", "320102199001015678"]
WINDOW = {"from_ms": NOW_MS, "until_ms": NOW_MS + HOUR_MS}
ONES, TWOS = "1" * 64, "2" * 64


@pytest.fixture
def hand() -> Hand:
    return Hand(NOW_MS)


@pytest.fixture
def office(tmp_path: Path, hand: Hand) -> Generator[Bureau, None, None]:
    with bureau(tmp_path / "center", clock=hand) as made:
        yield made


def told_key(office: Bureau) -> None:
    """As the device does when it enrols."""
    seal = base64.b64encode(public_key_of(SEED)).decode()
    row = {"device": DEVICE, "key_id": "k", "sign": seal, "seal": seal, "since_ms": 1}
    with office.office.writing() as db:
        db.execute(insert(DEVICE_KEY).values(**row))


def at(n: int, minutes: int, kind: str, person: str, **changed: Any) -> Record:
    at_ms = NOW_MS + minutes * 60_000
    detail = json.dumps(changed.pop("detail", {}))
    own = {"id": uuid7(at_ms, n.to_bytes(10, "big")), "at_unix_ms": at_ms, "kind": kind}
    return record(n, **{**own, "person": person, "detail": detail, **changed})


def letters(office: Bureau, kind: str) -> list[Any]:
    found = office.site.machine().call("GET", "/v1/pull?cursor=0").body["documents"]
    return [open_document(d["envelope"].encode(), kind, KEYS) for d in found if d["kind"] == kind]


def new_task(chief: Person, **changed: Any) -> str:
    body = {"title": "夜查", "institution": INSTITUTION, "scope": "hospital", **WINDOW, **changed}
    return str(chief.post("/tasks", body)["id"])


def test_a_task_for_persons_reaches_the_device_alone_and_is_followed(
    office: Bureau, hand: Hand
) -> None:
    office.send(record(1))
    told_key(office)
    chief = office.role("regulator")
    id_ = new_task(chief, scope="person", numbers=NUMBERS)
    task = chief.post(f"/tasks/{id_}/publish")
    assert ("running", 2, 0) == (task["state"], task["targets"], task["done"])

    [document] = letters(office, "round-task")
    assert NUMBERS[0] not in str(document.payload)
    opened = open_payload(document.payload, SEED, "round-task", document.version)
    assert (NUMBERS, id_) == (opened["persons"], opened["task"])
    assert (id_, "person") == ((parsed := parse_task(opened)).id, parsed.scope)

    receipt = {"task": id_, "persons": [ONES, TWOS]}
    office.send(
        at(2, 1, "round-task", "", code=0, cause="recorded", detail=receipt),
        at(3, 5, "round", ONES),
        at(4, 70, "round", TWOS),
    )
    hand.now_ms += 2 * HOUR_MS
    task = office.role("regulator", name="later").get(f"/tasks/{id_}")
    assert ("done", 1, 1, 0, 75) == (
        *(task["state"], task["done"], task["late"]),
        *(task["missed"], task["score"]),
    )
    assert 10 * 60_000 == task["delay_ms"]
    assert ["done", "late"] == [one["state"] for one in task["progress"]]


def test_nothing_that_names_a_patient_goes_to_a_device_without_a_key(office: Bureau) -> None:
    office.send(record(1))
    chief = office.role("regulator")
    id_ = new_task(chief, scope="person", numbers=NUMBERS)

    answer = chief.call("POST", f"/tasks/{id_}/publish")

    assert (409, "state") == (answer.status, answer.body["error"])
    assert [] == letters(office, "round-task")
    assert "draft" == chief.get(f"/tasks/{id_}")["state"]


def test_a_department_is_whoever_lies_there_in_the_window(office: Bureau, hand: Hand) -> None:
    stay = {"ward": "一病区", "department": "骨科", "bed": "1", "in_hospital": True}
    elsewhere = {**stay, "department": "内科"}
    gone = {**stay, "in_hospital": False}
    office.send(
        at(1, -600, "admission", ONES, detail=stay),
        at(2, -600, "admission", TWOS, detail=elsewhere),
        at(3, -600, "admission", "3" * 64, detail=stay),
        at(4, -60, "discharge", "3" * 64, detail=gone),
        at(5, 10, "admission", "4" * 64, detail=stay),
        at(6, 20, "round", ONES, cause="matched-agent"),
        at(7, 30, "treatment-in", "4" * 64),
    )
    chief = office.role("regulator")
    id_ = new_task(chief, scope="department", departments=["骨科"])
    chief.post(f"/tasks/{id_}/publish")
    [document] = letters(office, "round-task")
    assert ("骨科",) == parse_task(document.payload).departments
    hand.now_ms += 2 * HOUR_MS

    task = office.role("regulator", name="later").get(f"/tasks/{id_}")

    assert ("overdue", 2, 1, 1, 50) == (
        *(task["state"], task["targets"], task["done"]),
        *(task["missed"], task["score"]),
    )


def test_a_leave_that_was_not_rejected_excuses(office: Bureau, hand: Hand) -> None:
    day = "2026-11-22"
    stay = {"department": "骨科", "in_hospital": True}
    leave = {"case": "on-leave", "from": day, "until": day, "photos": ["ab" * 32], "staff": "S"}
    office.send(
        at(1, -600, "admission", ONES, detail=stay),
        at(2, -30, "special", ONES, code=0, cause="recorded", detail=leave),
    )
    office.work()
    id_ = new_task(office.role("regulator"))
    hand.now_ms += 2 * HOUR_MS

    task = office.role("regulator", name="later").get(f"/tasks/{id_}")
    assert ("draft", 1, 100) == (task["state"], task["done"], task["score"])


@pytest.mark.parametrize(
    "changed",
    [
        {"until_ms": NOW_MS},
        {"scope": "department"},
        {"scope": "person"},
        {"scope": "hospital", "numbers": NUMBERS},
        {"departments": ["骨科"]},
        {"scope": "ward"},
    ],
)
def test_a_task_that_fits_no_device_is_refused(office: Bureau, changed: dict[str, Any]) -> None:
    body = {"title": "夜查", "institution": INSTITUTION, "scope": "hospital", **WINDOW, **changed}

    answer: Answer = office.role("regulator").call("POST", "/tasks", body)

    assert (422, "field") == (answer.status, answer.body["error"])


def test_a_roster_is_sealed_to_each_device(office: Bureau) -> None:
    office.send(record(1))
    office.send(device="counter-2")
    told_key(office)
    clerk = office.role("operator")
    csv = "institution,number,name,kind,status\n"
    csv += f"{INSTITUTION},{NUMBERS[0]},张医生,doctor,active\n"
    csv += f"{INSTITUTION},{NUMBERS[1]},李药师,pharmacist,left\n"
    assert 2 == clerk.post("/practitioners/import", {"csv": csv})["new"]

    given = clerk.post("/practitioners/publish", {"institution": INSTITUTION})

    assert ([DEVICE], ["counter-2"]) == (given["devices"], given["lacking"])
    [document] = letters(office, "roster")
    opened = open_payload(document.payload, SEED, "roster", document.version)
    listed = [{"id": NUMBERS[0], "name": "张医生"}]
    assert {"institution": INSTITUTION, "practitioners": listed} == opened
    assert 2 == clerk.post("/practitioners/import", {"csv": csv})["same"]
    clerk.post("/practitioners/publish", {"institution": INSTITUTION})
    assert [document.version + 1] == [d.version for d in letters(office, "roster")]


def test_without_a_key_of_its_own_the_centre_publishes_nothing(tmp_path: Path) -> None:
    with bureau(tmp_path / "center", signing=False) as office:
        office.send(record(1))
        chief, clerk = office.role("regulator"), office.role("operator")
        id_ = new_task(chief)
        for person, path, body in (
            (chief, f"/tasks/{id_}/publish", None),
            (clerk, "/practitioners/publish", {"institution": INSTITUTION}),
        ):
            answer = person.call("POST", path, body)
            assert (409, "unsigned") == (answer.status, answer.body["error"])
        assert not office.role("admin").get("/settings")["signing"]
