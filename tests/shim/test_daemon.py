"""The library and the real daemon: the same bytes as by HTTP, proven by the installed key."""

from __future__ import annotations

import http.client
import json

import pytest
from harness import FIRST, Running, his_call, running
from shim_server import Library

from yibao_face.daemon.config import Config
from yibao_face.daemon.door.http import ATTENDANCE_PATH, AUTH_PATH


def posted(site: Running, path: str, body: bytes) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", site.config.door.port, timeout=30)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        return connection.getresponse().read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"word", b'{"id":', "{'name':'李雷'}".encode(), "{'name':'李雷'}".encode("gbk")],
)
@pytest.mark.parametrize("attendance", [False, True])
def test_the_answer_is_that_of_http(
    library: Library, site: Config, body: bytes, attendance: bool
) -> None:
    with running(site) as daemon:
        library.install(daemon.config.door.port, daemon.daemon.reply_signer.public_key())
        value, answer = library.call(body, attendance=attendance)
        expected = posted(daemon, ATTENDANCE_PATH if attendance else AUTH_PATH, body)

    charset = "gbk" if body.endswith("李雷'}".encode("gbk")) else "utf-8"
    assert expected == answer
    assert value == json.loads(answer.decode(charset))["code"]


def test_a_whole_call_of_a_his_comes_back_signed(library: Library, site: Config) -> None:
    with running(site) as daemon:
        library.install(daemon.config.door.port, daemon.daemon.reply_signer.public_key())
        value, answer = library.call(his_call(FIRST))

    told = json.loads(answer)
    assert value == told["code"]
    assert "签名" not in told["msg"]
    assert ["code", "msg", "cp_no", "type"] == list(told)


def test_another_daemon_on_the_port_passes_nobody(library: Library, site: Config) -> None:
    with running(site) as daemon:
        library.install(daemon.config.door.port)
        value, answer = library.call(his_call(FIRST))

    assert 0 == value
    assert "签名" in json.loads(answer)["msg"]
