"""What may answer on the port instead of an honest daemon."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

from shim_server import PASS, Answering, genuine, signed

from yibao_face.daemon.trust.signature import Ed25519Signer


def raw(data: bytes) -> Answering:
    return lambda _head, _request: data


def bare(body: bytes) -> Answering:
    return raw(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def stranger(head: bytes, request: bytes) -> bytes:
    line = signed(head, request, PASS, Ed25519Signer(bytes(32)))
    return b"HTTP/1.0 200 OK\r\n" + line + b"Content-Length: %d\r\n\r\n" % len(PASS) + PASS


def other_request(head: bytes, request: bytes) -> bytes:
    """A genuine daemon, asked by a rogue about somebody else with the caller's own nonce."""
    line = signed(head, request + b" ", PASS)
    return b"HTTP/1.0 200 OK\r\n" + line + b"Content-Length: %d\r\n\r\n" % len(PASS) + PASS


def other_door(head: bytes, request: bytes) -> bytes:
    line = signed(head.replace(b"POST /", b"POST /x", 1), request, PASS)
    return b"HTTP/1.0 200 OK\r\n" + line + b"Content-Length: %d\r\n\r\n" % len(PASS) + PASS


def changed(head: bytes, request: bytes) -> bytes:
    refusal = PASS.replace(b'"code":1', b'"code":0')
    return genuine(refusal)(head, request).replace(b'"code":0', b'"code":1')


def replayed() -> Answering:
    kept: list[bytes] = []

    def answer(head: bytes, request: bytes) -> bytes:
        kept.append(genuine(PASS)(head, request))
        return b"" if len(kept) == 1 else kept[0]

    return answer


@contextmanager
def trickling() -> Generator[int, None, None]:
    """A server that never reads and sends a byte now and then, without an end; its port."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        thread = threading.Thread(target=_trickle, args=(server, stop), daemon=True)
        thread.start()
        yield int(server.getsockname()[1])
        stop.set()
        thread.join(10)


def _trickle(server: socket.socket, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            connection, _ = server.accept()
        except TimeoutError:
            continue
        with connection:
            try:
                while not stop.is_set():
                    connection.sendall(b"H")
                    time.sleep(0.1)
            except OSError:
                continue


# Neither interface may believe one of these.
FAULTS: dict[str, Answering] = {
    "unsigned": bare(PASS),
    "signed by a stranger": stranger,
    "signed for another request": other_request,
    "signed for the other door": other_door,
    "changed after signing": changed,
    "nothing": raw(b""),
    "zeros": raw(b"\0" * 20000),
    "half a head": raw(b"HTTP/1.0 200 OK\r\n"),
    "chunked": raw(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n"),
    "another protocol": raw(b"SSH-2.0-server\r\n\r\n"),
    "two lengths": raw(
        b"HTTP/1.0 200 OK\r\nContent-Length: 99\r\nContent-Length: 9\r\n\r\n" + PASS
    ),
    "cut off": raw(b"HTTP/1.0 200 OK\r\nContent-Length: 999\r\n\r\n" + PASS),
    "40 KB": bare(b"x" * 40000),
    "status 500": genuine(PASS, status=b"500 No"),
    "status 403": genuine(PASS, status=b"403 No"),
    "a page": genuine(b"<html></html>"),
    "empty": genuine(b""),
    "no code": genuine(b"{}"),
    "two codes": genuine(b'{"code":1,"code":1,"msg":"","cp_no":"","type":1}'),
    "nested": genuine(b'{"code":{"a":1}}'),
    "a fraction": genuine(b'{"code":1.0}'),
    "true": genuine(b'{"code":true}'),
    "more behind": genuine(PASS + b"{}"),
    "no UTF-8": genuine(b'{"code":1,"msg":"\xff","cp_no":"","type":1}'),
    "half a pair": genuine(b'{"code":1,"msg":"\\ud83d","cp_no":"","type":1}'),
    "an unknown escape": genuine(b'{"code":1,"msg":"\\x","cp_no":"","type":1}'),
}
