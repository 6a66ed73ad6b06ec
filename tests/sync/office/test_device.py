"""A device is applied for, approved by two, bound by its code, watched, replaced and revoked."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from center_bed import AT_MS, DEVICE, INSTITUTION, Answer, record, request_pem
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from office_bed import Bureau, Hand, bureau, word

from yibao_face.sync.center.api import unix_ms
from yibao_face.sync.center.ingest.health import Health, HealthError, read_health
from yibao_face.sync.center.office.fleet.tickets import HOURS_24_MS
from yibao_face.sync.center.office.fleet.watch import SECOND_LOOK_MS, look

MINUTE_MS = 60_000
WISH = {"institution": INSTITUTION, "device": DEVICE, "contact": "王"}
YES = {"approve": True, "reason": "材料齐全"}


@pytest.fixture
def hand() -> Hand:
    return Hand(unix_ms())


@pytest.fixture
def office(tmp_path: Path, hand: Hand) -> Generator[Bureau, None, None]:
    with bureau(tmp_path / "center", clock=hand) as made:
        yield made


def enrol(office: Bureau, code: str) -> Answer:
    csr = request_pem(ec.generate_private_key(ec.SECP256R1()))
    return office.site.stranger().plain("/v1/enrol", {"code": code, "csr": csr})


def approved(office: Bureau) -> str:
    clerk = office.role("operator", f"institution:{INSTITUTION}")
    id_ = str(clerk.post("/bindings", WISH)["id"])
    office.role("reviewer").post(f"/bindings/{id_}/decide", YES)
    office.role("admin").post(f"/bindings/{id_}/confirm", {"agree": True})
    return id_


def test_from_the_application_to_the_certificate(both: Bureau) -> None:
    id_ = approved(both)
    engineer = both.role("engineer")
    given_up = engineer.post(f"/bindings/{id_}/code")["code"]
    code = engineer.post(f"/bindings/{id_}/code")["code"]

    assert 403 == enrol(both, given_up).status
    assert DEVICE == enrol(both, code).body["device"]
    assert (409, "state") == word(engineer.call("POST", f"/bindings/{id_}/code"))
    [device] = engineer.get("/devices")["items"]
    assert ("never", INSTITUTION) == (device["state"], device["institution"])
    events = [e["what"] for e in engineer.get(f"/devices/{DEVICE}/events")["items"]]
    assert sorted(["issued", "code", "code", "decided", "applied"]) == sorted(events)
    assert (409, "taken") == word(engineer.call("POST", "/bindings", WISH))


def test_nobody_decides_alone(office: Bureau) -> None:
    boss = office.someone("boss", ("admin", "*"), ("reviewer", "*"))
    reviewer = office.role("reviewer")
    own = boss.post("/bindings", WISH)["id"]

    assert (409, "second-person") == word(boss.call("POST", f"/bindings/{own}/decide", YES))
    case = reviewer.post(f"/bindings/{own}/decide", YES)
    assert ("proposed", True) == (case["state"], case["verdict"])
    agree = {"agree": True}
    for person in (boss, reviewer):
        assert (409, "second-person") == word(
            person.call("POST", f"/bindings/{own}/confirm", agree)
        )
    assert (409, "state") == word(boss.call("POST", f"/bindings/{own}/code"))


def test_who_disagrees_sends_it_back(office: Bureau) -> None:
    clerk, one, two = office.role("operator"), office.role("reviewer"), office.role("admin")
    id_ = clerk.post("/bindings", WISH)["id"]
    one.post(f"/bindings/{id_}/decide", YES)

    case = two.post(f"/bindings/{id_}/confirm", {"agree": False, "reason": "照片不清"})

    assert ("pending", None, "照片不清") == (case["state"], case["verdict"], case["reason"])
    two.post(f"/bindings/{id_}/decide", {"approve": False, "reason": "照片不清"})
    assert "rejected" == one.post(f"/bindings/{id_}/confirm", {"agree": True})["state"]
    assert (409, "state") == word(two.call("POST", f"/bindings/{id_}/decide", YES))


def test_where_one_word_is_enough_it_is_the_last(office: Bureau) -> None:
    admin, clerk = office.role("admin"), office.role("operator")
    admin.put("/settings", {"second_binding": False})
    id_ = clerk.post("/bindings", WISH)["id"]

    assert "approved" == admin.post(f"/bindings/{id_}/decide", YES)["state"]
    assert "withdrawn" == clerk.post(f"/bindings/{CANCELLED(office)}/withdraw")["state"]


def CANCELLED(office: Bureau) -> str:  # noqa: N802  # a second application, to be taken back
    clerk = office.role("operator", name="second")
    return str(clerk.post("/bindings", {**WISH, "device": "other"})["id"])


def test_a_revoked_device_is_shut_out_and_replaced_by_another(office: Bureau, hand: Hand) -> None:
    office.send(record(1))
    hand.now_ms += MINUTE_MS
    admin, clerk, reviewer = (office.role(r) for r in ("admin", "operator", "reviewer"))
    again = {**WISH, "replace": True}
    assert (409, "taken") == word(clerk.call("POST", "/bindings", WISH))
    id_ = clerk.post("/bindings", again)["id"]
    reviewer.post(f"/bindings/{id_}/decide", YES)
    admin.post(f"/bindings/{id_}/confirm", {"agree": True})
    assert 200 == enrol(office, clerk.post(f"/bindings/{id_}/code")["code"]).status

    admin.post(f"/devices/{DEVICE}/revoke", {"reason": "丢失"})

    [device] = admin.get("/devices", state="unbound")["items"]
    assert device["revoked_ms"]
    assert (409, "state") == word(
        admin.call("POST", f"/devices/{DEVICE}/revoke", {"reason": "丢失"})
    )
    events = admin.get(f"/devices/{DEVICE}/events")["items"]
    assert ("revoked", "丢失", "admin") in {(e["what"], e["reason"], e["by"]) for e in events}
    assert {"replaced"} == {e["reason"] for e in events if e["what"] == "revoked"} - {"丢失"}


@pytest.mark.parametrize(
    ("health", "state"),
    [
        (None, "online"),
        ({"camera": "ok"}, "online"),
        ({"camera": "busy", "power": "battery", "battery_percent": 9}, "online"),
        ({"camera": "missing"}, "faulty"),
        ({"camera": "ok", "covered": True}, "covered"),
        ({"covered": True, "stopping": True}, "powered-down"),
    ],
)
def test_the_state_of_a_device_follows_from_what_it_tells(
    office: Bureau, health: dict[str, Any] | None, state: str
) -> None:
    office.send(record(1), health=health)
    looker = office.role("regulator")

    assert state == looker.get(f"/devices/{DEVICE}")["state"]
    assert [DEVICE] == [d["device"] for d in looker.get("/devices", state=state)["items"]]
    assert 1 == looker.get("/overview")["devices"][state]


def test_silence_is_offline_and_a_switch_off_is_told_apart(office: Bureau, hand: Hand) -> None:
    office.send(record(1), health={"camera": "ok", "stopping": True})
    office.send(device="counter-2")
    hand.now_ms += 6 * MINUTE_MS
    looker = office.role("regulator")

    states = {d["device"]: d["state"] for d in looker.get("/devices")["items"]}
    assert {DEVICE: "powered-down", "counter-2": "offline"} == states
    office.send(record(2), health={"camera": "ok"})
    assert "online" == looker.get(f"/devices/{DEVICE}")["state"]


def test_health_is_kept_by_day(both: Bureau) -> None:
    for health in (
        {"camera": "ok", "queue_depth": 3, "versions": {"daemon": "0.1.0"}},
        {"camera": "fault", "covered": True, "power": "battery", "queue_depth": 7},
    ):
        both.send(health=health)
    looker = both.role("engineer")

    [day] = looker.get(f"/devices/{DEVICE}/health")["items"]
    assert (2, 1, 1, 1, 7) == (
        *(day["reports"], day["covered"], day["faulty"], day["on_battery"]),
        day["max_queue"],
    )
    detail = looker.get(f"/devices/{DEVICE}")
    assert ({}, 7, "battery") == (detail["versions"], detail["queue_depth"], detail["power"])


def test_health_that_is_not_as_agreed_delays_no_record(office: Bureau) -> None:
    answer = office.send(record(1), health={"camera": "on fire"})

    assert "new" == answer.body["results"][0]["status"]
    [alarm] = office.role("engineer").get("/alarms")["items"]
    assert ("health", "health.camera is not as agreed") == (alarm["kind"], alarm["subject"])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
    | st.dictionaries(
        st.sampled_from(("camera", "covered", "power", "battery_percent", "versions", "x")),
        st.none() | st.booleans() | st.integers() | st.text() | st.just("ok"),
    )
)
def test_any_health_is_read_or_refused(body: object) -> None:
    try:
        found = read_health(body)
    except HealthError as exc:
        assert str(exc).startswith("health")
    else:
        assert found is None or isinstance(found, Health)


def tickets(office: Bureau, **query: object) -> dict[str, str]:
    person = office.role("regulator", name=f"looker{len(office._people)}")
    return {t["cause"]: t["state"] for t in person.get("/tickets", **query)["items"]}


def test_a_fault_opens_one_ticket_and_two_looks_close_it(both: Bureau) -> None:
    both.send(record(1), health={"camera": "ok", "covered": True})
    now_ms = unix_ms()
    assert (1, 0) == look(both.office, now_ms)
    assert (0, 0) == look(both.office, now_ms)
    assert {"covered": "open"} == tickets(both)

    both.send(record(2), health={"camera": "ok"})
    look(both.office, now_ms)
    assert {"covered": "solved"} == tickets(both)
    assert (0, 0) == look(both.office, now_ms + SECOND_LOOK_MS - MINUTE_MS)
    assert (0, 1) == look(both.office, now_ms + SECOND_LOOK_MS)
    assert {"covered": "closed"} == tickets(both)


def test_a_fault_that_is_back_at_the_second_look_goes_on(office: Bureau) -> None:
    office.send(record(1), health={"camera": "fault"})
    now_ms = office.office.center.clock()
    look(office.office, now_ms)
    engineer, chief = office.role("engineer"), office.role("regulator")
    [ticket] = engineer.get("/tickets")["items"]
    at = f"/tickets/{ticket['id']}"
    engineer.post(f"{at}/respond", {"note": "去看"})
    engineer.post(f"{at}/solve", {"note": "换了线"})
    assert (409, "state") == word(chief.call("POST", f"{at}/close", {"note": "好了"}))

    look(office.office, now_ms + SECOND_LOOK_MS)

    detail = chief.get(at)
    assert "responded" == detail["state"]
    assert ["open", "respond", "solve", "reopen"] == [s["what"] for s in detail["steps"]]
    assert "system" == detail["steps"][-1]["by"]


def test_the_two_clocks_of_a_ticket(office: Bureau, hand: Hand) -> None:
    engineer = office.role("engineer")
    ticket = engineer.post("/tickets", {"institution": INSTITUTION, "note": "屏幕坏了"})
    at = f"/tickets/{ticket['id']}"
    hand.now_ms += HOURS_24_MS + 1
    engineer = office.role("engineer", name="later")
    [late] = engineer.get("/tickets", overdue=True)["items"]
    assert (True, 1) == (late["overdue"], late["overdue_ms"])

    assert not engineer.post(f"{at}/respond", {"note": "去看"})["overdue"]
    assert [] == engineer.get("/tickets", overdue=True)["items"]
    hand.now_ms += HOURS_24_MS + 1
    engineer = office.role("engineer", name="latest")
    assert engineer.get(at)["overdue"]
    engineer.post(f"{at}/solve", {"note": "换了"})
    assert not engineer.get(at)["overdue"]


def test_who_solved_it_does_not_close_it(office: Bureau) -> None:
    both = office.someone("both", ("engineer", "*"), ("regulator", "*"))
    other = office.role("admin")
    at = f"/tickets/{both.post('/tickets', {'institution': INSTITUTION, 'note': 'x'})['id']}"
    both.post(f"{at}/solve", {"note": "好了"})

    assert (409, "second-person") == word(both.call("POST", f"{at}/close", {"note": "x"}))
    assert "closed" == other.post(f"{at}/close", {"note": "看过"})["state"]
    assert (409, "state") == word(both.call("POST", f"{at}/note", {"note": "x"}))


def test_an_alarm_opens_a_ticket_once_and_again_when_it_comes_again(
    office: Bureau, hand: Hand
) -> None:
    office.send(record(1), sent_ms=AT_MS)
    assert (1, 0) == look(office.office, hand.now_ms)
    engineer, chief = office.role("engineer"), office.role("regulator")
    [ticket] = engineer.get("/tickets")["items"]
    assert "clock-skew" == ticket["cause"]
    hand.now_ms += MINUTE_MS
    engineer.post(f"/tickets/{ticket['id']}/solve", {"note": "校时"})
    chief.post(f"/tickets/{ticket['id']}/close", {"note": "看过"})
    assert (0, 0) == look(office.office, hand.now_ms)

    hand.now_ms += MINUTE_MS
    office.send(record(2), sent_ms=AT_MS)
    assert (1, 0) == look(office.office, hand.now_ms)
