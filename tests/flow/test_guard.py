"""Web pages and other hosts may not drive the counter's camera; local programs may."""

from __future__ import annotations

import asyncio
import http.client
from dataclasses import replace

import pytest
from harness import Running, running

from yibao_face.daemon.config import Config
from yibao_face.daemon.door.clerk import COUNTER_PATH
from yibao_face.daemon.door.client import caller_of
from yibao_face.daemon.door.http import AUTH_PATH
from yibao_face.daemon.door.server import PortTakenError, serve
from yibao_face.daemon.wiring import build


def status(site: Running, method: str, path: str, **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", site.config.door.port, timeout=30)
    try:
        connection.request(method, path, b"", headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 200),
        ({"Host": "localhost:51518"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:51518"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://his.hospital.example"}, 200),
    ],
    ids=str,
)
def test_only_local_programs_and_listed_pages_are_heard(
    site: Config, headers: dict[str, str], expected: int
) -> None:
    listed = replace(site.door, origins=("http://his.hospital.example",))
    with running(replace(site, door=listed)) as daemon:
        assert expected == status(daemon, "POST", AUTH_PATH, **headers)


def test_a_preflight_of_a_web_page_is_refused(site: Config) -> None:
    with running(site) as daemon:
        assert 403 == status(daemon, "OPTIONS", AUTH_PATH, Origin="https://evil.example")


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
