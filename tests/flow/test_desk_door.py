"""The desk's door: our own windows only, and a Chinese sentence for whatever is missing."""

from __future__ import annotations

import base64
import http.client
import json
import re
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from harness import FIRST, Hands, Running, put_before_camera, running

from yibao_face.daemon.config import Config
from yibao_face.daemon.desk.table import ACTS, VIEWS
from yibao_face.daemon.door.desk import DESK_PATH
from yibao_face.daemon.section import DeskConfig

SITE = "001000200030"
CHINESE = re.compile("[\u4e00-\u9fff]")
# None of them is what any field wants, or what every field wants.
ODD: tuple[Any, ...] = (
    None,
    True,
    7,
    -1.5,
    "x",
    "",
    "\x00",
    "9" * 60,
    [],
    ["x"],
    [{}],
    {},
    {"k": 1},
)


@pytest.fixture
def desk(cast: Config) -> Generator[Running, None, None]:
    """A site that named its institution."""
    with running(replace(cast, desk=DeskConfig(institution=SITE))) as site:
        yield site


def ask(
    site: Running, method: str, name: str, body: bytes | None = None, token: str | None = None
) -> tuple[int, dict[str, Any]]:
    """Status and answer of one call of the desk."""
    door = site.config.door
    given = site.caller.token if token is None else token
    connection = http.client.HTTPConnection(door.host, door.port, timeout=30)
    try:
        headers = {"Authorization": f"Bearer {given}"}
        connection.request(method, f"{DESK_PATH}/{name}", body, headers)
        response = connection.getresponse()
        found: dict[str, Any] = json.loads(response.read())
        return response.status, found
    finally:
        connection.close()


@pytest.mark.parametrize("token", ["", "wrong"])
def test_without_the_token_nothing_is_done_and_nothing_shown(desk: Running, token: str) -> None:
    acts = {ask(desk, "POST", name, b"{}", token)[0] for name in ACTS}
    views = {ask(desk, "GET", name, None, token)[0] for name in VIEWS}

    assert ({401}, {401}) == (acts, views)
    # Who may not ask is not told what there is.
    assert 401 == ask(desk, "POST", "nothing", b"{}", token)[0]
    assert 0 == desk.daemon.ledger.outbox.count()


@pytest.mark.parametrize(
    ("method", "name"),
    [("POST", "dance"), ("GET", "dance"), ("POST", "rate"), ("GET", "settled"), ("POST", "ROUND")],
)
def test_what_the_desk_does_not_know_is_not_found(desk: Running, method: str, name: str) -> None:
    status, answer = ask(desk, method, name, b"{}" if method == "POST" else None)

    assert (404, {"error"}) == (status, set(answer))


@pytest.mark.parametrize(
    "body",
    [b"", b"hello", b"\xff\xfe", b"[]", b"null", b'"x"', b"7", b"[" * 100_000, b'{"a": 1} x'],
    ids=lambda body: repr(body)[:12],
)
def test_what_is_no_json_object_is_a_bad_request(desk: Running, body: bytes) -> None:
    status, answer = ask(desk, "POST", "settled", body)

    assert (400, {"error"}) == (status, set(answer))
    assert 200 == ask(desk, "POST", "settled", b"{}")[0]


def assert_told(status: int, answer: dict[str, Any]) -> None:
    assert 200 == status
    assert (False, "") == (answer["ok"], answer["id"])
    assert CHINESE.search(answer["msg"])
    assert answer["cause"] != "internal"


# A sign by face lacks nothing where the site has named itself.
@pytest.mark.parametrize("name", [name for name in ACTS if name != "attendance-face"])
def test_an_empty_form_is_told_in_chinese_what_it_lacks(desk: Running, name: str) -> None:
    assert_told(*ask(desk, "POST", name, b"{}"))


@pytest.mark.parametrize("name", ACTS)
def test_a_site_without_an_institution_is_told_to_name_it(cast: Config, name: str) -> None:
    with running(cast) as site:
        status, answer = ask(site, "POST", name, b"{}")

    assert_told(status, answer)


KEYS = (
    *("institution", "id", "psn", "name", "agent_id", "staff", "reason", "at", "sign"),
    *("item", "session", "data", "photos", "case", "from", "until", "of", "approved"),
    *("practitioners", "document", "task", "day", "count", "category", "relation"),
)
GOOD: dict[str, Any] = {
    "id": FIRST,
    "agent_id": FIRST,
    "staff": "1001",
    "reason": "原因",
    "at": "2026-12-01T08:00",
    "sign": "in",
    "item": "tuina",
    "session": "s1",
    "data": {"tests": {"k": 1}},
    "case": "on-leave",
    "of": "r1",
    "practitioners": [{"id": FIRST, "name": "张三"}],
    "document": base64.b64encode(b"{}").decode(),
    "day": "2026-12-01",
    "count": 1,
    "until": "2026-12-01",
    "approved": True,
    "relation": "子女",
}


@pytest.mark.parametrize("name", ACTS)
def test_whatever_stands_in_a_field_nothing_breaks(cast: Config, clips: Path, name: str) -> None:
    put_before_camera(cast, clips, "live-first")
    clock = Hands("2026-12-01T09:00").clock
    with running(replace(cast, desk=DeskConfig(institution=SITE)), clock=clock) as site:
        for key in KEYS:
            for value in ODD:
                body = json.dumps({**GOOD, key: value}).encode()
                status, answer = ask(site, "POST", name, body)
                assert 200 == status, (key, value)
                assert answer["cause"] != "internal", (key, value)
                assert CHINESE.search(answer["msg"]), (key, value)


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_an_object_and_what_is_asked_wrongly_is_told(desk: Running, name: str) -> None:
    assert 200 == ask(desk, "GET", name)[0]
    for query in ("day=x", "from=x", "to=2026-13-01", "from=9999-12-31&to=0001-01-01", "id=%00"):
        status, answer = ask(desk, "GET", f"{name}?{query}")
        assert status in (200, 400), query
        assert status == 200 or CHINESE.search(answer["error"]), query


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_of_an_institution_nobody_named_is_told(cast: Config, name: str) -> None:
    with running(cast) as site:
        status, answer = ask(site, "GET", name)

    assert 400 == status
    assert CHINESE.search(answer["error"])


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "1969-12-31"])
@pytest.mark.parametrize("name", ["rounds", "attendance", "rate", "findings"])
def test_a_view_of_a_day_long_ago_or_far_ahead_is_empty(
    desk: Running, name: str, day: str
) -> None:
    status, _ = ask(desk, "GET", f"{name}?day={day}&from={day}&to={day}")

    assert 200 == status


def test_an_answer_is_never_the_number_that_was_asked_for(desk: Running) -> None:
    number = quote(FIRST)

    for name in VIEWS:
        _, answer = ask(desk, "GET", f"{name}?id={number}")
        assert FIRST not in json.dumps(answer)


def test_photographs_beyond_the_limit_of_a_his_call_are_taken(desk: Running) -> None:
    photo = base64.b64encode(b"\xff\xd8" + bytes(3_000_000)).decode()
    form = {"id": FIRST, "case": "on-leave", "photos": [photo], "staff": "1001"}

    status, answer = ask(desk, "POST", "special", json.dumps(form).encode())
    assert (200, "id-photo-unusable") == (status, answer["cause"])
