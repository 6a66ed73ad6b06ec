"""The library as a HIS loads it, and servers that answer it, honest and not."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cffi
import pytest

from yibao_face.daemon.trust.reply import statement
from yibao_face.daemon.trust.signature import Ed25519Signer
from yibao_face.shim.abi import OUT_BYTES

SIGNER = Ed25519Signer(bytes(range(32)))
GUARD = bytes([0xA5]) * 64
PASS = b'{"code":1,"msg":"ok","cp_no":"A1","type":1}'


def require(tool: str) -> None:
    """Skip without ``tool``; where the toolchain is required, fail."""
    if shutil.which(tool) is None:
        assert not os.environ.get("YIBAO_FACE_TOOLCHAIN"), f"{tool} is required here"
        pytest.skip(f"{tool} is not on this machine")


@dataclass(frozen=True, slots=True)
class Library:
    """The built library; ``setting`` is where it looks for what the installer wrote."""

    path: Path
    setting: Path
    ffi: cffi.FFI
    loaded: Any

    def install(self, port: int, key: bytes = SIGNER.public_key(), verify: str = "on") -> None:
        """Write the settings file."""
        text = f"daemon = 127.0.0.1:{port}\nkey = {key.hex()}\nverify = {verify}\n"
        self.setting.write_text(text, "ascii")

    def call(self, body: bytes, *, attendance: bool = False) -> tuple[int, bytes]:
        """Value and answer; the 1024 bytes lie between canaries."""
        function = self.loaded.HisCallAtten if attendance else self.loaded.zjHisFunCall
        room: Any = self.ffi.new("unsigned char[]", GUARD + bytes([0xA5]) * OUT_BYTES + GUARD)
        value = int(function(self.ffi.new("char[]", body), self.ffi.cast("char *", room + 64)))
        after = bytes(self.ffi.buffer(room, OUT_BYTES + 128))
        assert after[:64] == GUARD == after[-64:], "wrote outside of the 1024 bytes"
        answer, nul, _ = after[64:-64].partition(b"\0")
        assert nul, "no NUL within 1024 bytes"
        return value, answer


Answering = Callable[[bytes, bytes], bytes]


def signed(head: bytes, request: bytes, body: bytes, signer: Ed25519Signer = SIGNER) -> bytes:
    """The signature header a daemon with ``signer`` gives to this request."""
    lines = head.split(b"\r\n")
    path = lines[0].split()[1].decode()
    nonce = next(ln for ln in lines if ln.lower().startswith(b"x-hcf-nonce:")).split(b":")[1]
    data = statement(bytes.fromhex(nonce.strip().decode()), path, request, body)
    return b"X-HCF-Signature: " + signer.sign(data).hex().encode() + b"\r\n"


def genuine(body: bytes, more: bytes = b"", status: bytes = b"200 OK") -> Answering:
    """Answers ``body`` with a genuine signature."""

    def answer(head: bytes, request: bytes) -> bytes:
        top = b"HTTP/1.0 " + status + b"\r\n" + signed(head, request, body) + more
        return top + b"Content-Length: %d\r\n\r\n" % len(body) + body

    return answer


@contextmanager
def listening(answer: Answering) -> Generator[int, None, None]:
    """A server on a free port that answers every call with ``answer``; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_serve, args=(server, answer), daemon=True)
        thread.start()
        yield int(server.getsockname()[1])
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def _serve(server: socket.socket, answer: Answering) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            head, request = _request(connection)
            connection.sendall(answer(head, request))


def _request(connection: socket.socket) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65536)
    return head, body
