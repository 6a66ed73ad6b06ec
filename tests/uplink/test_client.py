"""The connection: kept, bounded in time and size, interruptible, whatever answers on it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import wait_for
from uplink_bed import SECRET, Centre, Machine

from yibao_face.sync.center.device.authority import make_authority
from yibao_face.sync.uplink.api import (
    CentreRefusedError,
    NoAnswerError,
    Place,
    State,
    UplinkError,
)
from yibao_face.sync.uplink.identity.identity import IdentityFolder
from yibao_face.sync.uplink.wire.client import Client, Request

GET = Request("GET", "/v1/pull", deadline_s=2.0, most=1000)
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Answer = Callable[[socket.socket], None]


class Server:
    """Speaks TLS as the centre and then whatever it is told; ``connections``: so many came."""

    def __init__(self, folder: Path) -> None:
        make_authority(folder, ["localhost"])
        self.ca = (folder / "ca.pem").read_bytes()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(folder / "server.pem", folder / "server-key.pem")
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.place = Place("localhost", int(self._listening.getsockname()[1]))
        self.connections = 0
        self.answers: list[Answer | bytes] = []
        self._thread = threading.Thread(target=self._serve, name="server")
        self._thread.start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            with (
                contextlib.suppress(OSError),
                peer,
                self._context.wrap_socket(peer, server_side=True) as tls,
            ):
                self._converse(tls)

    def _converse(self, tls: socket.socket) -> None:
        while self.answers:
            heard = b""
            while b"\r\n\r\n" not in heard:
                more = tls.recv(65536)
                if not more:
                    return
                heard += more
            answer = self.answers.pop(0)
            if isinstance(answer, bytes):
                tls.sendall(answer)
            else:
                answer(tls)
                return


@pytest.fixture
def server(tmp_path: Path) -> Generator[Server, None, None]:
    made = Server(tmp_path / "server")
    yield made
    made.close()


@contextmanager
def client_of(server: Server, tmp_path: Path) -> Generator[Client, None, None]:
    folder = IdentityFolder(tmp_path / "link", SECRET)
    client = Client(server.place, folder.context(server.ca, known=False))
    try:
        yield client
    finally:
        client.close()


def drip(tls: socket.socket) -> None:
    """A byte now and then: each comes in time, the whole never does."""
    tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    for _ in range(100):
        tls.sendall(b"x")
        time.sleep(0.1)


def drip_headers(tls: socket.socket) -> None:
    tls.sendall(b"HTTP/1.1 200 OK\r\n")
    for n in range(100):
        tls.sendall(f"X-{n}: y\r\n".encode())
        time.sleep(0.1)


def flood(tls: socket.socket) -> None:
    tls.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        tls.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")


def silent(tls: socket.socket) -> None:
    with contextlib.suppress(OSError):
        tls.recv(1)


NO_ANSWERS: list[Answer | bytes] = [
    b"SSH-2.0-OpenSSH\r\n",
    b"HTTP/1.1 abc OK\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001,
    b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 70_000 + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300 + b"\r\n",
    lambda tls: tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"),
    lambda tls: tls.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    lambda _: None,
    drip,
    drip_headers,
    flood,
    silent,
]


@pytest.mark.parametrize("answer", NO_ANSWERS)
def test_what_is_no_answer_is_told_in_time_and_the_next_one_works(
    server: Server, tmp_path: Path, answer: Answer | bytes
) -> None:
    server.answers = [answer, GOOD]
    begun = time.monotonic()
    with client_of(server, tmp_path) as client:
        with pytest.raises(NoAnswerError):
            client.ask(GET)
        assert time.monotonic() - begun < 4.0

        assert client.ask(GET) == b"{}"


@pytest.mark.parametrize(
    ("head", "status", "word", "retry_after_s"),
    [
        (b"302 Found\r\nLocation: https://elsewhere/", 302, "unknown", None),
        (b"503 Busy\r\nRetry-After: 7", 503, "unknown", 7),
        (b"503 Busy\r\nRetry-After: Fri, 27 Nov 2026 04:00:00 GMT", 503, "unknown", None),
        (b"503 Busy\r\nRetry-After: -5", 503, "unknown", None),
        (b"429 Slow\r\nRetry-After: 99999999999999999999", 429, "unknown", None),
        (b"204 Nothing", 204, "unknown", None),
    ],
)
def test_whatever_is_not_a_200_is_a_refusal(
    server: Server,
    tmp_path: Path,
    head: bytes,
    status: int,
    word: str,
    retry_after_s: int | None,
) -> None:
    server.answers = [b"HTTP/1.1 " + head + b"\r\nContent-Length: 0\r\n\r\n", GOOD]
    with client_of(server, tmp_path) as client:
        with pytest.raises(CentreRefusedError) as told:
            client.ask(GET)

        found = told.value
        assert (status, word, retry_after_s) == (found.status, found.word, found.retry_after_s)
        assert client.ask(GET) == b"{}"


def test_one_connection_is_kept(server: Server, tmp_path: Path) -> None:
    server.answers = [GOOD] * 5
    with client_of(server, tmp_path) as client:
        for _ in range(5):
            client.ask(GET)

    assert 1 == server.connections


def test_a_connection_the_centre_closed_meanwhile_is_opened_again(
    server: Server, tmp_path: Path
) -> None:
    server.answers = [GOOD]
    with client_of(server, tmp_path) as client:
        client.ask(GET)
        # The server has nothing more to say and closes; then it has again.
        server.answers = [GOOD]

        assert client.ask(GET) == b"{}"


def test_who_stops_does_not_wait_for_a_long_poll(server: Server, tmp_path: Path) -> None:
    server.answers = [silent]
    with client_of(server, tmp_path) as client:
        timer = threading.Timer(0.3, client.abort)
        timer.start()
        begun = time.monotonic()
        with pytest.raises(NoAnswerError):
            client.ask(Request("GET", "/", deadline_s=60.0))
        assert time.monotonic() - begun < 2.0
        timer.join()
        with pytest.raises(NoAnswerError, match="stopped"):
            client.ask(GET)


@pytest.mark.skipif(sys.platform != "linux", reason="others do not wake who connects")
def test_who_stops_does_not_wait_for_a_host_that_never_answers(
    server: Server, tmp_path: Path
) -> None:
    # Full backlog: the kernel drops what else wants to connect.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as held:
        port = int(full.getsockname()[1])
        for _ in range(2):
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        context = IdentityFolder(tmp_path / "link", SECRET).context(server.ca, known=False)
        client = Client(Place("localhost", port), context)
        timer = threading.Timer(0.3, client.abort)
        timer.start()
        begun = time.monotonic()
        with pytest.raises(NoAnswerError):
            client.ask(GET)
        assert 0.2 < time.monotonic() - begun < 2.0
        timer.join()


def test_a_daemon_stops_while_it_waits_for_letters(site: Centre, counter: Machine) -> None:
    counter.uplink.start()
    wait_for(lambda: site.script.batches and counter.status.state is State.ONLINE)
    begun = time.monotonic()

    counter.uplink.stop()

    assert time.monotonic() - begun < 2.0
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("uplink")]


def test_an_error_tells_nothing_of_what_was_sent(server: Server, tmp_path: Path) -> None:
    server.answers = [b"HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n"]
    secret = Request("POST", "/v1/batch", b"320101194202156744")
    with client_of(server, tmp_path) as client, pytest.raises(UplinkError) as told:
        client.ask(secret)

    assert "3201" not in str(told.value)
    assert "3201" not in repr(secret)
