"""What an RTSP server may do instead of serving: each way is told as what it is, in time."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable

import pytest
from beds.network.hostile import Manner, hostile, keeps_silent, repeats, says
from beds.network.rtsp_bed import Server, free_port

from yibao_face.drivers.api import (
    DeviceBusyError,
    DeviceConfigError,
    DeviceError,
    DeviceMissingError,
    DevicePermissionError,
    DeviceStalledError,
    DeviceUnsupportedError,
)
from yibao_face.drivers.conformance.point import TOLD_S
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.network.rtsp import OPEN_S, open_rtsp

USER, PASSWORD = "clerkZq", "hunterZq2"
BASIC = b'WWW-Authenticate: Basic realm="%s"\r\n'
SDP = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=video 0 RTP/AVP 26\r\n"

SOUND = b"v=0\r\nm=audio 0 RTP/AVP 0\r\n"
HUGE = b"Content-Length: 99999999999\r\n"


def reply(status: int, headers: bytes = b"", body: bytes = b"") -> bytes:
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    return b"RTSP/1.0 %d X\r\nCSeq: 1\r\n%s%s\r\n%s" % (status, headers, length, body)


REFUSALS: dict[str, tuple[Manner, type[DeviceError]]] = {
    "401 whatever is answered": (says(*[reply(401, BASIC % b"x")] * 9), DevicePermissionError),
    "401 without a way": (says(reply(401)), DeviceUnsupportedError),
    "403": (says(reply(403)), DevicePermissionError),
    "404": (says(reply(404)), DeviceConfigError),
    "302": (says(reply(302, b"Location: rtsp://192.0.2.1/\r\n")), DeviceConfigError),
    "453": (says(reply(453)), DeviceBusyError),
    "503": (says(reply(503)), DeviceBusyError),
    "500": (says(reply(500)), DeviceUnsupportedError),
    "no description": (says(reply(200)), DeviceUnsupportedError),
    "sound only": (says(reply(200, b"", SOUND)), DeviceUnsupportedError),
    "http": (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), DeviceUnsupportedError),
    "garbage": (repeats(bytes(range(256)) * 64), DeviceUnsupportedError),
    "a head without end": (repeats(b"X-Head: " + b"x" * 4000 + b"\r\n"), DeviceUnsupportedError),
    "a head that drips": (repeats(b"R", 0.05), DeviceStalledError),
    "a huge length": (says(reply(200, HUGE)), DeviceUnsupportedError),
    "a negative length": (says(reply(200, b"Content-Length: -1\r\n")), DeviceUnsupportedError),
    "a body cut off": (says(reply(200, b"Content-Length: 900\r\n")), DeviceStalledError),
    "no status": (says(b"RTSP/1.0 \xb2\xb2\xb2 X\r\n\r\n"), DeviceUnsupportedError),
    "silence": (keeps_silent, DeviceStalledError),
    "hanging up": (says(), DeviceStalledError),
    "video that never comes": (says(*[reply(200, b"", SDP)] * 2), DeviceUnsupportedError),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_told_as_what_it_is(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    manner, kind = REFUSALS[name]
    with hostile(manner) as port:
        started = time.monotonic()
        with pytest.raises(DeviceError) as refused:
            open_rtsp(f"//{USER}:{PASSWORD}@127.0.0.1:{port}/x?pw={PASSWORD}", Settings())
        took_s = time.monotonic() - started

    assert kind is type(refused.value)
    assert took_s <= TOLD_S
    assert f"rtsp://127.0.0.1:{port}/x " in str(refused.value)
    told = [*chain(refused.value), *capfd.readouterr()]
    assert not [text for text in told if USER in text or PASSWORD in text]


def chain(exc: BaseException | None) -> list[str]:
    """Texts of an exception and all it came from."""
    return [] if exc is None else [str(exc), repr(exc), *chain(exc.__context__)]


def test_a_stream_that_is_promised_and_never_comes_is_told() -> None:
    def manner(link: socket.socket, over: threading.Event) -> None:
        link.recv(65536)
        # To FFmpeg's OPTIONS and DESCRIBE and to our DESCRIBE; nothing to what follows.
        for _ in range(2):
            link.sendall(reply(200, b"", SDP))
            link.recv(65536)
        over.wait(20.0)

    with hostile(manner) as port:
        started = time.monotonic()
        with pytest.raises(DeviceStalledError):
            open_rtsp(f"//127.0.0.1:{port}/x", Settings())

    assert time.monotonic() - started < OPEN_S + TOLD_S


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b"])
def test_a_host_that_is_not_there_is_missing(host: str) -> None:
    with pytest.raises(DeviceMissingError):
        open_rtsp(f"//{host}/x", Settings())


@pytest.mark.parametrize(
    ("path", "kind"), [("/nothing", DeviceConfigError), ("/sound", DeviceUnsupportedError)]
)
def test_a_real_server_refuses(server: Server, path: str, kind: type[DeviceError]) -> None:
    with pytest.raises(kind):
        open_rtsp(f"//127.0.0.1:{server.port}{path}", Settings())


def test_no_way_of_failing_shows_the_password(
    locked: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    ports: list[Callable[[], int]] = [free_port, lambda: locked.port]
    for port in ports:
        with pytest.raises(DeviceError) as refused:
            open_rtsp(f"//{USER}:{PASSWORD}@127.0.0.1:{port()}/cam", Settings())
        assert not [text for text in chain(refused.value) if PASSWORD in text]

    assert ("", "") == tuple(capfd.readouterr())


def test_a_camera_that_runs_shows_no_secret(locked: Server) -> None:
    user, password = locked.login
    quoted = "p%40ss%3Aw%2Frd%3F%231%25"
    with open_rtsp(f"//{user}:{quoted}@127.0.0.1:{locked.port}/cam", Settings()) as camera:
        shown = repr(camera.info), repr(camera)
    with pytest.raises(DeviceError) as closed:
        camera.read(0.0)

    texts = [*shown, str(closed.value)]
    assert not [text for text in texts if user in text or password in text or quoted in text]
