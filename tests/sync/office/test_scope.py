"""Rows outside of somebody's part of the tree are not there: in no list, under no address."""

from __future__ import annotations

import pytest
from center_bed import AT_MS, DEVICE, INSTITUTION, record
from office_bed import ELSEWHERE, Bureau, Person

from yibao_face.sync.center.office.door.table import ROUTES
from yibao_face.sync.center.store.marks import day_text

DAY = day_text(AT_MS)
LISTS = [r for r in ROUTES if r.answer.startswith("list:") and "{" not in r.path]
SPECIAL = (
    f'{{"case":"on-leave","from":"{DAY}","until":"{DAY}","photos":["{"ab" * 32}"],"staff":"S1"}}'
)


def furnish(office: Bureau, institution: str, device: str) -> None:
    """Something of everything at an institution."""
    boss = office.role("admin", name=f"boss-{device}")
    clerk = office.role("operator", name=f"clerk-{device}")
    chief = office.role("regulator", name=f"chief-{device}")
    number = int(device.rpartition("-")[2]) * 1000
    office.send(
        record(number + 1, institution=institution),
        record(number + 2, institution=institution, kind="attendance", cause="signed-in"),
        record(
            number + 3, institution=institution, kind="special", cause="recorded", detail=SPECIAL
        ),
        device=device,
        institution=institution,
        sent_ms=1,
    )
    clerk.post("/bindings", {"institution": institution, "device": f"new-{device}"})
    clerk.post("/tickets", {"institution": institution, "note": "屏幕坏了"})
    clerk.post("/practitioners", {**DOCTOR, "institution": institution})
    window = {"from_ms": AT_MS, "until_ms": AT_MS + 1000}
    chief.post(
        "/tasks", {"title": "夜查", "institution": institution, "scope": "hospital", **window}
    )
    clerk.post("/erasures", {"record": record(number + 1).id, "reason": "本人要求"})
    deal = {"deal_no": "D1", "amount": "1.00", "at_ms": AT_MS}
    clerk.post("/settlements", {"settlements": [{**deal, "institution": institution}]})
    assert boss.get("/devices")["items"]
    office.work()


DOCTOR = {"name": "张医生", "number": "320102199001011234", "kind": "doctor"}


@pytest.fixture
def both_furnished(both: Bureau) -> Bureau:
    furnish(both, INSTITUTION, "counter-1")
    furnish(both, ELSEWHERE, "counter-2")
    return both


def listed(person: Person, path: str) -> str:
    asked = {"from_": DAY, "to": DAY} if path in DATED else {}
    return str(person.get(path, **asked)["items"])


DATED = {r.path for r in LISTS if {"from", "to"} <= {f.name for f in r.query}} - {"/audit"}


def test_lists_hold_what_lies_inside_and_nothing_else(both_furnished: Bureau) -> None:
    office = both_furnished
    roles = ("admin", "operator", "reviewer", "regulator", "auditor")
    everyone = office.someone("everyone", *((role, "*") for role in roles))
    local = office.someone("local", *((role, "region:3201") for role in roles))
    single = office.someone("single", *((role, f"institution:{INSTITUTION}") for role in roles))
    for route in LISTS:
        whole = listed(everyone, route.path)
        if route.path in ("/users", "/audit", "/regions"):
            continue
        assert INSTITUTION in whole, route.path
        assert ELSEWHERE in whole, route.path
        for person in (local, single):
            part = listed(person, route.path)
            assert INSTITUTION in part, route.path
            assert ELSEWHERE not in part, route.path


def test_users_regions_and_the_log_are_cut_to_the_part_as_well(both_furnished: Bureau) -> None:
    office = both_furnished
    roles = ("admin", "auditor")
    local = office.someone("local", *((role, "region:32") for role in roles))
    office.someone("northern", ("operator", "region:23"))

    assert {"32", "3201", "320102"} == {r["code"] for r in local.get("/regions")["items"]}
    assert {"local"} == {u["name"] for u in local.get("/users")["items"]}
    assert {INSTITUTION} == {e["institution"] for e in local.get("/audit")["items"]}
    assert 404 == local.call("GET", "/users/northern").status


def test_what_lies_outside_is_not_found_and_not_changed(both_furnished: Bureau) -> None:
    office = both_furnished
    everyone = office.someone("everyone", ("admin", "*"), ("operator", "*"), ("regulator", "*"))
    roles = ("admin", "operator", "reviewer", "regulator")
    local = office.someone("local", *((role, "region:32") for role in roles))

    def first(path: str, **query: object) -> str:
        rows = everyone.get(path, institution=ELSEWHERE, **query)["items"]
        return str(rows[0]["id"])

    record_id = first("/records", from_=DAY, to=DAY)
    for method, path, body in (
        ("GET", f"/institutions/{ELSEWHERE}", None),
        ("GET", "/devices/counter-2", None),
        ("POST", "/devices/counter-2/revoke", {"reason": "x"}),
        ("GET", f"/bindings/{first('/bindings')}", None),
        ("POST", f"/bindings/{first('/bindings')}/decide", {"approve": True, "reason": "好的"}),
        ("POST", f"/tickets/{first('/tickets')}/respond", {"note": "x"}),
        ("GET", f"/tasks/{first('/tasks')}", None),
        ("POST", f"/specials/{first('/specials')}/decide", {"approve": True, "reason": "好的"}),
        ("GET", f"/records/{record_id}", None),
        ("POST", "/erasures", {"record": record_id, "reason": "x"}),
    ):
        answer = local.call(method, path, body)
        assert 404 == answer.status, (path, answer)
    for path, body in (
        ("/tickets", {"institution": ELSEWHERE, "note": "x"}),
        ("/practitioners", {**DOCTOR, "institution": ELSEWHERE}),
        ("/practitioners/publish", {"institution": ELSEWHERE}),
        ("/bindings", {"institution": ELSEWHERE, "device": "d9"}),
    ):
        assert (403, "scope") == (
            (answer := local.call("POST", path, body)).status,
            answer.body["error"],
        )


def test_people_are_masked_until_somebody_may_and_says_so(both_furnished: Bureau) -> None:
    office = both_furnished
    reviewer, operator = office.role("reviewer"), office.role("operator")
    person, deal = record(1).person, record(1001).deal_no

    masked = str(operator.get("/records", from_=DAY, to=DAY))
    assert person not in masked
    assert deal not in masked
    refused = operator.call("GET", "/records", from_=DAY, to=DAY, unmask=True)
    assert (403, "permission") == (refused.status, refused.body["error"])
    assert person not in str(reviewer.get("/records", from_=DAY, to=DAY))

    bare = str(reviewer.get("/records", from_=DAY, to=DAY, unmask=True))
    assert person in bare
    assert deal in bare
    doctors = reviewer.get("/practitioners", unmask=True)["items"]
    assert {"张医生"} == {d["name"] for d in doctors}
    assert {"张**"} == {d["name"] for d in reviewer.get("/practitioners")["items"]}
    reads = office.role("auditor").get("/audit", who="reviewer")["items"]
    assert ["practitioners", "records"] == [e["what"] for e in reads if e["what"] != "login"]


def test_names_are_shown_only_where_somebody_may_see_them(both_furnished: Bureau) -> None:
    office = both_furnished
    roles = (("operator", "*"), ("reviewer", "region:32"))
    mixed = office.someone("mixed", *roles)
    asked = {"from_": DAY, "to": DAY}

    rows = mixed.get("/records", **asked)["items"]
    assert {INSTITUTION, ELSEWHERE} == {row["institution"] for row in rows}
    bare = mixed.get("/records", **asked, unmask=True)["items"]
    assert {INSTITUTION} == {row["institution"] for row in bare}
    far = next(row["id"] for row in rows if row["institution"] == ELSEWHERE)
    assert 200 == mixed.call("GET", f"/records/{far}").status
    assert 404 == mixed.call("GET", f"/records/{far}", unmask=True).status


def test_a_single_record_is_masked_inside_too(both_furnished: Bureau) -> None:
    office = both_furnished
    operator, reviewer = office.role("operator"), office.role("reviewer")
    id_ = record(1003).id

    detail = operator.get(f"/records/{id_}")
    assert "ab" * 32 not in str(detail)
    assert "ab" * 32 in str(reviewer.get(f"/records/{id_}", unmask=True))
    exported = operator.call("GET", "/records/export", from_=DAY, to=DAY).body
    assert record(1001).person not in exported
    assert id_ in exported
    assert DEVICE in exported
