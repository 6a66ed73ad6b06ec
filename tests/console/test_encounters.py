"""Today's encounters: filtered, paged, masked; one of them with its cause and the next step."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from console_bed import SITE, Office, office
from harness import FIRST, SECOND, Hands, his_call, put_before_camera

from yibao_face.daemon.config import Config
from yibao_face.daemon.console.access.role import Role
from yibao_face.daemon.console.api.encounter import page
from yibao_face.daemon.core.decision import refused
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.scene.event import Kind
from yibao_face.daemon.desk.form import Form
from yibao_face.daemon.ledger import Entry

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def day(cast: Config, clips: Path) -> Any:
    """Three calls: passed, another person, a photograph under a hostile name."""
    hands = Hands("2026-12-01T09:00")
    with office(cast, clock=hands.clock) as made:
        for clip, name in (
            ("live-first", "张三"),
            ("live-second", "张三"),
            ("flat-first", HOSTILE),
        ):
            put_before_camera(cast, clips, clip)
            made.site.caller.authenticate(his_call(FIRST, name=name, fixmedins_code=SITE))
        yield made


def listed(made: Office, **asked: Any) -> dict[str, Any]:
    answer = made.window(Role.CLERK).ask("/encounters", **asked)
    assert answer.ok, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_newest_comes_first_and_nobody_is_named_in_full(day: Office) -> None:
    found = listed(day)

    assert (3, 1, 1) == (found["total"], found["page"], found["pages"])
    assert ["spoof-flat", "other-person", "matched-self"] == [r["cause"] for r in found["rows"]]
    assert ["<***", "张*", "张*"] == [r["name"] for r in found["rows"]]
    assert {f"32{'*' * 14}44"} == {r["number"] for r in found["rows"]}
    said = json.dumps(found, ensure_ascii=False)
    assert all(word not in said for word in (FIRST, "张三", HOSTILE))


@pytest.mark.parametrize(
    ("asked", "causes"),
    [
        ({"result": "passed"}, ["matched-self"]),
        ({"result": "failed"}, ["spoof-flat", "other-person"]),
        ({"result": "exempt"}, []),
        ({"cause": "other-person"}, ["other-person"]),
        ({"kind": "settlement"}, ["spoof-flat", "other-person", "matched-self"]),
        ({"kind": "round"}, []),
        ({"id": FIRST}, ["spoof-flat", "other-person", "matched-self"]),
        ({"id": SECOND}, []),
        ({"id": "nobody"}, []),
        ({"from": "2026-11-30", "to": "2026-11-30"}, []),
        ({"from": "2026-11-01"}, ["spoof-flat", "other-person", "matched-self"]),
        ({"deal": "none"}, []),
        ({"size": "1", "page": "2"}, ["other-person"]),
        ({"page": "9"}, []),
    ],
    ids=str,
)
def test_filters_and_pages(day: Office, asked: dict[str, str], causes: list[str]) -> None:
    assert causes == [row["cause"] for row in listed(day, **asked)["rows"]]


@pytest.mark.parametrize(
    "asked",
    [
        *({"from": "x"}, {"from": "2026-12-02"}, {"kind": "x"}, {"result": "x"}, {"cause": "x"}),
        *({"page": "0"}, {"page": "-1"}, {"page": "²"}, {"size": "x"}, {"id": "9" * 31}),
        {"kind": "roster"},
    ],
    ids=str,
)
def test_what_is_asked_wrongly_is_told(day: Office, asked: dict[str, str]) -> None:
    answer = day.window(Role.CLERK).ask("/encounters", **asked)

    assert 400 == answer.status_code
    assert answer.json()["error"]


def test_one_has_its_cause_and_the_next_step(day: Office) -> None:
    refused = listed(day)["rows"][1]
    found = day.window(Role.ENGINEER).ask(f"/encounters/{refused['id']}").json()

    assert "与参保人不符，请本人核验或办理代购登记" == found["message"]
    assert found["similarity"] < 0.4
    assert "replay/rgbd-clip" == found["camera"]
    assert "" == found["certificate"]
    said = json.dumps(found, ensure_ascii=False)
    assert all(word not in said for word in (FIRST, "张三"))
    passed = listed(day)["rows"][2]
    assert day.window(Role.CLERK).ask(f"/encounters/{passed['id']}").json()["certificate"]


def test_which_machines_asked_is_listed(day: Office) -> None:
    desk = day.site.daemon.desk
    for detail in ({"caller": "收费一号窗", "joined": ["local"]}, {}):
        entry = Entry(Kind.SETTLEMENT, refused(Cause.NO_FACE), SITE, detail=detail)
        desk.ledger.write(desk.ledger.new_id(), entry)
    rows = listed(day)["rows"]

    assert [[], ["收费一号窗", "local"], ["local"]] == [row["callers"] for row in rows[:3]]
    found = day.window(Role.ENGINEER).ask(f"/encounters/{rows[1]['id']}").json()
    assert ["收费一号窗", "local"] == found["callers"]


def test_one_that_is_none_is_told(day: Office) -> None:
    day.site.caller.act("settled", {"day": "2026-12-01", "count": 1})
    [other] = [r.id for r in day.site.daemon.ledger.outbox.waiting() if r.kind == "settled"]

    for id_ in ("none", other):
        assert 400 == day.window(Role.CLERK).ask(f"/encounters/{id_}").status_code


def test_ten_thousand_records_are_paged(cast: Config) -> None:
    with office(cast, clock=Hands("2026-12-01T09:00").clock) as made:
        desk = made.site.daemon.desk
        entry = Entry(Kind.SETTLEMENT, refused(Cause.NO_FACE), SITE, person="d" * 64)
        template = desk.ledger.write(desk.ledger.new_id(), entry)
        for _ in range(9_999):
            desk.ledger.outbox.put(replace(template, id=desk.ledger.new_id()))
        found = listed(made, page="7", size="200")
        assert (10_000, 50, 200) == (found["total"], found["pages"], len(found["rows"]))
        pages = (page(desk, Form({"page": str(n), "size": "200"})) for n in range(1, 51))
        assert 10_000 == len({row["id"] for one in pages for row in one["rows"]})
