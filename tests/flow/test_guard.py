"""Web pages and other hosts may not drive the counter's camera; local programs may."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from harness import FIRST, Running, his_call, running

from yibao_face.daemon.config import Config
from yibao_face.daemon.door.clerk import COUNTER_PATH
from yibao_face.daemon.door.client import caller_of
from yibao_face.daemon.door.desk import DESK_PATH
from yibao_face.daemon.door.http import ATTENDANCE_PATH, AUTH_PATH
from yibao_face.daemon.door.server import PortTakenError, serve
from yibao_face.daemon.wire.request import MAX_BODY_BYTES
from yibao_face.daemon.wiring import build

HIS_PATHS = (AUTH_PATH, ATTENDANCE_PATH)
SIGN = {
    "ID": FIRST,
    "name": "张三",
    "fixmedins_code": "001000200030",
    "fixmedins_name": "演示大药房",
}


HIS_PAGE, EVIL_PAGE = "http://his.hospital.example", "https://evil.example"
JSON = "application/json"
CORS = "access-control-"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Sec-Fetch-Site": "cross-site"}


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def cors(self) -> dict[str, str]:
        """What lets a page read it."""
        return {k: v for k, v in self.headers.items() if k.startswith(CORS) or k == "vary"}


def ask(site: Running, method: str, path: str, headers: Mapping[str, str]) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", site.config.door.port, timeout=30)
    try:
        connection.request(method, path, b"", dict(headers))
        response = connection.getresponse()
        names = {k.lower(): v for k, v in response.getheaders()}
        return Answer(response.status, names, response.read())
    finally:
        connection.close()


def status(site: Running, method: str, path: str, **headers: str) -> int:
    return ask(site, method, path, headers).status


@pytest.fixture
def listing(site: Config) -> Generator[Running, None, None]:
    """A daemon whose site lets one page in; nobody is enrolled."""
    with running(replace(site, door=replace(site.door, origins=(HIS_PAGE,)))) as daemon:
        yield daemon


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 200),
        ({"Host": "localhost:51518"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:51518"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Origin": EVIL_PAGE}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Referer": f"{EVIL_PAGE}/page"}, 403),
        ({"Referer": "about:blank"}, 403),
        ({"Referer": f"{HIS_PAGE}/page"}, 200),
        ({"Origin": HIS_PAGE, "Sec-Fetch-Site": "cross-site"}, 200),
        ({"Origin": HIS_PAGE, "Referer": f"{EVIL_PAGE}/page"}, 403),
    ],
    ids=str,
)
def test_only_local_programs_and_listed_pages_are_heard(
    listing: Running, headers: dict[str, str], expected: int
) -> None:
    for path in HIS_PATHS:
        assert expected == ask(listing, "POST", path, {"Content-Type": JSON, **headers}).status


@pytest.mark.parametrize("header", ["Origin", "Referer", "Sec-Fetch-Site", "Sec-CH-UA"])
def test_a_header_of_a_browser_that_comes_twice_is_refused(listing: Running, header: str) -> None:
    value = {"Sec-Fetch-Site": "none"}.get(header, HIS_PAGE)
    lines = f"{header}: {value}\r\n" * 2
    head = f"POST {AUTH_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}Content-Length: 0\r\n\r\n"
    with socket.create_connection(("127.0.0.1", listing.config.door.port), timeout=20) as peer:
        peer.sendall(head.encode())

        assert peer.recv(65536).startswith(b"HTTP/1.1 403")


@pytest.mark.parametrize("mark", [{"Origin": HIS_PAGE}, {"Sec-Fetch-Site": "none"}], ids=str)
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (JSON, 200),
        ("application/json; charset=gbk", 200),
        ("application/vnd.his+json", 200),
        ("text/plain", 403),
        ("application/x-www-form-urlencoded", 403),
        ("multipart/form-data; boundary=x", 403),
        ("", 403),
    ],
)
def test_a_browser_may_post_only_json(
    listing: Running, mark: dict[str, str], kind: str, expected: int
) -> None:
    answer = ask(listing, "POST", AUTH_PATH, {**mark, **({"Content-Type": kind} if kind else {})})

    assert expected == answer.status
    assert (expected == 403) == (b"must post Content-Type: application/json" in answer.body)


def test_a_program_is_no_browser_for_its_user_agent(site: Config) -> None:
    with running(site) as daemon:
        for kind in (None, "", "application/x-www-form-urlencoded", "json"):
            kinds = {} if kind is None else {"Content-Type": kind}
            agent = {"User-Agent": "Mozilla/4.0 (compatible; Win32; WinHttp.WinHttpRequest.5)"}
            assert 200 == ask(daemon, "POST", AUTH_PATH, {**kinds, **agent}).status


def told(daemon: Running, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """The answer to ``body`` sent as text."""
    connection = http.client.HTTPConnection("127.0.0.1", daemon.config.door.port, timeout=30)
    try:
        connection.request("POST", path, body, {"Content-Type": "text/plain"})
        response = connection.getresponse()
        charset = response.headers.get_content_charset("utf-8")
        return response.status, json.loads(response.read().decode(charset))
    finally:
        connection.close()


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
def test_a_program_that_sends_text_is_told_which_type_to_set(site: Config, charset: str) -> None:
    call = his_call(FIRST).decode().encode(charset)
    sign = json.dumps(SIGN, ensure_ascii=False).encode(charset)
    with running(site) as daemon:
        found = [
            told(daemon, path, body) for path, body in zip(HIS_PATHS, (call, sign), strict=True)
        ]

    advice = "请HIS把请求头Content-Type设为application/json"
    assert (200, {"code": 0, "msg": advice, "cp_no": "", "type": 0}) == found[0]
    assert (200, {"code": 1, "msg": f"[bad-request] {advice}"}) == found[1]


def test_text_is_served_where_the_site_lets_it_and_still_not_from_a_browser(site: Config) -> None:
    with running(replace(site, door=replace(site.door, text_plain=True))) as daemon:
        _, answer = told(daemon, AUTH_PATH, his_call(FIRST))
        text = {"Content-Type": "text/plain", "Sec-Fetch-Site": "none"}
        refused = ask(daemon, "POST", AUTH_PATH, text).status

    assert "Content-Type" not in answer["msg"]
    assert 403 == refused


@pytest.mark.parametrize("path", [AUTH_PATH, ATTENDANCE_PATH, AUTH_PATH.lower() + "/"])
@pytest.mark.parametrize("network", ["", "Private-Network", "Local-Network"])
def test_a_listed_page_is_told_what_it_may_send(listing: Running, path: str, network: str) -> None:
    more = {f"Access-Control-Request-{network}": "true"} if network else {}
    answer = ask(listing, "OPTIONS", path, {"Origin": HIS_PAGE, **PREFLIGHT, **more})

    assert (204, b"") == (answer.status, answer.body)
    assert answer.cors == {
        "access-control-allow-origin": HIS_PAGE,
        "vary": "Origin",
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "content-type",
        "access-control-max-age": "600",
        **({f"access-control-allow-{network.lower()}": "true"} if network else {}),
    }


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("path", HIS_PATHS)
def test_a_listed_page_may_read_the_answer(listing: Running, method: str, path: str) -> None:
    answer = ask(listing, method, path, {"Origin": HIS_PAGE, "Content-Type": JSON})

    assert 200 == answer.status
    assert {"access-control-allow-origin": HIS_PAGE, "vary": "Origin"} == answer.cors


@pytest.mark.parametrize(
    ("method", "path", "headers", "expected"),
    [
        ("OPTIONS", AUTH_PATH, {"Origin": EVIL_PAGE, **PREFLIGHT}, 403),
        ("OPTIONS", AUTH_PATH, {"Origin": EVIL_PAGE}, 403),
        ("OPTIONS", ATTENDANCE_PATH, {"Access-Control-Request-Private-Network": "true"}, 403),
        ("OPTIONS", COUNTER_PATH, {"Origin": HIS_PAGE, **PREFLIGHT}, 403),
        ("OPTIONS", f"{DESK_PATH}/round", {"Origin": HIS_PAGE, **PREFLIGHT}, 403),
        ("OPTIONS", "/health", {"Origin": HIS_PAGE, **PREFLIGHT}, 403),
        ("POST", AUTH_PATH, {"Origin": EVIL_PAGE, "Content-Type": JSON}, 403),
        ("POST", COUNTER_PATH, {"Origin": HIS_PAGE, "Content-Type": JSON}, 401),
        ("POST", f"{DESK_PATH}/round", {"Origin": HIS_PAGE, "Content-Type": JSON}, 401),
        ("POST", AUTH_PATH, {"Referer": f"{HIS_PAGE}/", "Content-Type": JSON}, 200),
        ("POST", AUTH_PATH, {}, 200),
        ("OPTIONS", AUTH_PATH, {}, 200),
        ("GET", "/health", {"Origin": HIS_PAGE}, 200),
    ],
    ids=str,
)
def test_no_other_answer_can_be_read_by_a_page(
    listing: Running, method: str, path: str, headers: dict[str, str], expected: int
) -> None:
    answer = ask(listing, method, path, headers)

    assert (expected, {}) == (answer.status, answer.cors)


def test_a_preflight_of_a_web_page_is_refused(site: Config) -> None:
    with running(site) as daemon:
        assert 403 == status(daemon, "OPTIONS", AUTH_PATH, Origin=EVIL_PAGE)


@pytest.mark.parametrize("length", [MAX_BODY_BYTES, MAX_BODY_BYTES + 1])
def test_a_call_longer_than_64_kib_is_told_so(site: Config, length: int) -> None:
    with running(site) as daemon:
        answer = daemon.caller.authenticate(b"x" * length)

    assert (length > 64 * 1024) == ("请求内容过大" in answer["msg"])


@pytest.mark.parametrize("token", ["", "Bearer ", "Bearer wrong", "Basic eDp5"])
def test_the_counter_wants_the_token_of_the_data_folder(site: Config, token: str) -> None:
    with running(site) as daemon:
        assert 401 == status(daemon, "GET", COUNTER_PATH, Authorization=token)
        assert 401 == status(daemon, "POST", COUNTER_PATH, Authorization=token)


def test_a_second_daemon_that_finds_the_port_taken_leaves_the_counter_of_the_first_alone(
    site: Config,
) -> None:
    with running(site) as first:
        with build(first.config, demo=True) as second, pytest.raises(PortTakenError):
            asyncio.run(serve(second, lambda _port: None, asyncio.Event()))

        assert "" == caller_of(first.config, clerk=True).look()["encounter"]


def test_the_token_file_is_for_its_owner_only(site: Config) -> None:
    with running(site):
        mode = (site.data / "counter.token").stat().st_mode

    assert 0 == mode & 0o077
