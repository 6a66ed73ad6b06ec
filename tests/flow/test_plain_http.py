"""What is hardly HTTP gets HTTP 200 and the four keys too; the log holds no byte of it (Q8)."""

from __future__ import annotations

import gzip
import json
import logging
import socket
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from harness import FIRST, Running, his_call, put_before_camera, running

from yibao_face.daemon.config import Config

HOST = b"Host: 127.0.0.1\r\n"
HEAD = b"POST /stdcashFaceAuth HTTP/1.1\r\n" + HOST
END = b"\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# Stands in every call of this file; no log line may hold it.
PATIENT = "绝密姓名"
BODY = his_call(FIRST, name=PATIENT)
LENGTH = b"Content-Length: %d" % len(BODY)
CHUNKED = HEAD + b"Transfer-Encoding: chunked" + END


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, as it came."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]


def knock(site: Running, *sent: bytes) -> list[Answer]:
    """Send bytes as they are on one connection, each after the answer to the one before."""
    door = site.config.door
    found: list[Answer] = []
    with socket.create_connection((door.host, door.port), timeout=20) as peer:
        for data in sent:
            peer.sendall(data)
            answer = heard(peer)
            found += [answer] if answer else []
    return found


def heard(peer: socket.socket) -> Answer | None:
    """The next answer, read to its end; ``None`` when the daemon only hangs up."""
    raw = b""
    while b"\r\n\r\n" not in (raw := raw.removeprefix(CONTINUE)):
        more = peer.recv(65536)
        if not more:
            return None
        raw += more
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("ascii").split("\r\n")
    headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
    while len(body) < int(headers["content-length"]):
        body += peer.recv(65536)
    return Answer(int(first.split()[1]), headers, json.loads(body.decode("utf-8")))


def refused(answer: Answer) -> str:
    """The sentence of a refusal that holds all four keys."""
    assert 200 == answer.status
    assert ["code", "msg", "cp_no", "type"] == list(answer.body)
    assert (0, "", 0) == (answer.body["code"], answer.body["cp_no"], answer.body["type"])
    return str(answer.body["msg"])


@pytest.fixture
def site(cast: Config, clips: Path) -> Generator[Running, None, None]:
    """FIRST stands before the camera all the time."""
    put_before_camera(cast, clips, "live-first")
    with running(cast) as daemon:
        yield daemon


def passes(site: Running) -> bool:
    """Whether an ordinary call still passes."""
    return bool(site.caller.authenticate(his_call(FIRST))["code"] == 1)


BROKEN = [
    b"POST /stdcashFaceAuth HTTP/1.1\r\n" + LENGTH + END + BODY,
    b"HELLO" + END,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + END,
    b"POST /stdcashFaceAuth\r\n\r\n" + BODY,
    b"POST /stdcashFaceAuth HTTP/9.9\r\nHost: 127.0.0.1\r\n" + LENGTH + END + BODY,
    b"POST /stdcashFaceAuth HTTP/1.1\r\nno colon here\r\n" + LENGTH + END + BODY,
    HEAD + PATIENT.encode() + b": 1\r\n" + LENGTH + END + BODY,
    HEAD + b"X-A: \x00\x01\r\n" + LENGTH + END + BODY,
    HEAD + b"X-A: " + b"a" * 20_000 + b"\r\n" + LENGTH + END + BODY,
    b"POST /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: 127.0.0.1" + END,
    HEAD + b"Content-Length: -1" + END + BODY,
    HEAD + b"Content-Length: +5" + END + BODY,
    HEAD + b"Content-Length: many" + END + BODY,
    HEAD + b"Content-Length: 1_0" + END + BODY,
    HEAD + b"Content-Length: 5, 6" + END + BODY,
    HEAD + b"Content-Length: 5\r\nContent-Length: 6" + END + BODY,
    HEAD + b"Content-Length: " + b"9" * 40 + END + BODY,
    HEAD + LENGTH + b"\r\nTransfer-Encoding: chunked" + END + BODY,
    HEAD + b"Transfer-Encoding: martian" + END + BODY,
    CHUNKED + b"zz\r\n" + BODY,
    CHUNKED + b"-5\r\n" + BODY,
    CHUNKED + b"ffffffffffffffffff\r\n" + BODY,
    CHUNKED + b"3\r\nabcdef\r\n0\r\n\r\n",
    HEAD + LENGTH + b"\r\nContent-Encoding: gzip" + END + BODY,
    HEAD + LENGTH + b"\r\nContent-Encoding: deflate" + END + BODY,
]


@pytest.mark.parametrize("sent", BROKEN, ids=lambda sent: repr(sent[22:72])[2:-1])
def test_what_is_hardly_http_is_refused_in_the_four_keys_and_the_next_call_served(
    site: Running, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    [answer] = knock(site, sent)

    assert "HTTP报文" in refused(answer)
    assert passes(site)
    assert_silent(caplog)


CUT = [
    HEAD + b"Content-Encoding: gzip\r\nContent-Length: 20" + END + gzip.compress(BODY)[:20],
    HEAD + LENGTH + END + BODY[:-1],
    CHUNKED + b"5\r\nabc",
    CHUNKED + b"%x\r\n" % len(BODY) + BODY,
    HEAD,
    b"",
]


@pytest.mark.parametrize("sent", CUT, ids=lambda sent: repr(sent[22:72])[2:-1])
def test_a_call_that_breaks_off_passes_nobody_and_the_next_is_served(
    site: Running, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    door = site.config.door
    with socket.create_connection((door.host, door.port), timeout=20) as peer:
        peer.sendall(sent)
        peer.shutdown(socket.SHUT_WR)
        answer = heard(peer)

    assert answer is None or refused(answer)
    assert passes(site)
    assert_silent(caplog)


def assert_silent(caplog: pytest.LogCaptureFixture) -> None:
    told = "\n".join(f"{record.getMessage()} {record.exc_text or ''}" for record in caplog.records)
    for secret in (PATIENT, FIRST, "演示大药房", repr(PATIENT.encode())[2:-1]):
        assert secret not in told


SERVED = [
    HEAD + LENGTH + END + BODY,
    b"POST /stdcashFaceAuth HTTP/1.0\r\n" + LENGTH + END + BODY,
    b"POST /stdcashfaceauth HTTP/1.1\r\nHost: 127.0.0.1\r\n" + LENGTH + END + BODY,
    b"POST /STDCASHFACEAUTH HTTP/1.1\r\nHost: 127.0.0.1\r\n" + LENGTH + END + BODY,
    b"POST /stdcashFaceAuth/ HTTP/1.1\r\nHost: 127.0.0.1\r\n" + LENGTH + END + BODY,
    b"POST /stdcashFaceAuth?a=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n" + LENGTH + END + BODY,
    b"POST http://127.0.0.1/stdcashFaceAuth HTTP/1.1\r\nHost: 127.0.0.1\r\n" + LENGTH + END + BODY,
    HEAD + b"Expect: 100-continue\r\n" + LENGTH + END + BODY,
    CHUNKED + b"%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n",
    HEAD
    + b"Content-Encoding: gzip\r\nContent-Length: %d" % len(gzip.compress(BODY))
    + END
    + gzip.compress(BODY),
]


@pytest.mark.parametrize("sent", SERVED, ids=lambda sent: repr(sent[:60])[2:-1])
def test_what_is_plain_enough_is_served(
    site: Running, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    [answer] = knock(site, sent)

    assert (200, 1, "本人核验通过") == (answer.status, answer.body["code"], answer.body["msg"])
    assert_silent(caplog)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW", "post"])
def test_another_method_is_told_to_post(site: Running, method: str) -> None:
    line = f"{method} /stdcashFaceAuth HTTP/1.1\r\n".encode()
    [answer] = knock(
        site, line + b"Host: 127.0.0.1\r\nConnection: close\r\n" + LENGTH + END + BODY
    )

    assert "POST" in refused(answer) or "HTTP报文" in refused(answer)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nothing",
        "//stdcashFaceAuth",
        "/stdcashFaceAuth/x",
        "/api/stdcashFaceAuth",
        "/%00",
        "/%ff",
        "/..%2f..%2fetc",
        "*",
        "x",
        "http://[",
        "/stdcashFaceAuth HTTP/1.1 x",
    ],
)
def test_another_path_is_told_the_right_one(site: Running, path: str) -> None:
    line = f"POST {path} HTTP/1.1\r\n".encode()
    [answer] = knock(
        site, line + b"Host: 127.0.0.1\r\nConnection: close\r\n" + LENGTH + END + BODY
    )

    said = refused(answer)
    assert "/stdcashFaceAuth" in said or "HTTP报文" in said


def test_a_question_about_the_daemon_itself_is_refused_like_everything_else(
    site: Running,
) -> None:
    [answer] = knock(site, b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n")

    assert refused(answer)


def test_a_tunnel_is_dug_for_nobody(site: Running) -> None:
    door = site.config.door
    with socket.create_connection((door.host, door.port), timeout=20) as peer:
        peer.sendall(b"CONNECT example.com:443 HTTP/1.1\r\n" + HOST + b"\r\n")
        peer.shutdown(socket.SHUT_WR)

        assert b"HTTP/1.1 5" not in peer.recv(65536)
    assert passes(site)


def test_one_bad_call_after_a_good_one_is_refused_alone(site: Running) -> None:
    good = HEAD + LENGTH + END + BODY
    first, second = knock(site, good, b"HELLO" + END)

    assert (200, 1) == (first.status, first.body["code"])
    assert "HTTP报文" in refused(second)


def test_a_connection_that_says_nothing_blocks_nobody(site: Running) -> None:
    door = site.config.door
    with (
        socket.create_connection((door.host, door.port)),
        socket.create_connection((door.host, door.port)) as half,
    ):
        half.sendall(HEAD)

        assert passes(site)


@pytest.mark.parametrize("path", ["/counter/x", "/desk", "/health/x", "/desk/a/b"])
def test_only_our_own_windows_see_http_errors(site: Running, path: str) -> None:
    door = site.config.door
    with socket.create_connection((door.host, door.port), timeout=20) as peer:
        peer.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())

        assert peer.recv(65536).startswith(b"HTTP/1.1 40")
