"""The library as a HIS loads it, and servers that answer it, honest and not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cffi
from harness import require

from yibao_face.daemon.conform.case import Send
from yibao_face.daemon.conform.library import LibraryTarget, load_library
from yibao_face.daemon.trust.reply import statement
from yibao_face.daemon.trust.signature import Ed25519Signer
from yibao_face.shim import build
from yibao_face.shim.abi import CDEF
from yibao_face.shim.source import monocypher

SIGNER = Ed25519Signer(bytes(range(32)))
PASS = b'{"code":1,"msg":"ok","cp_no":"A1","type":1}'


@dataclass(frozen=True, slots=True)
class Library:
    """The built library; ``setting`` is where it looks for what the installer wrote."""

    setting: Path
    target: LibraryTarget
    ffi: cffi.FFI
    loaded: Any

    def install(self, port: int, key: bytes = SIGNER.public_key(), verify: str = "on") -> None:
        """Write the settings file."""
        text = f"daemon = 127.0.0.1:{port}\nkey = {key.hex()}\nverify = {verify}\n"
        self.setting.write_text(text, "ascii")

    def call(self, body: bytes, *, attendance: bool = False) -> tuple[int, bytes]:
        """Value and answer, as the conformance kit calls it: canaries around the 1024 bytes."""
        found = self.target.send("attendance" if attendance else "auth", Send(), body)
        assert not found.faults
        assert found.returned is not None
        return found.returned, found.raw


def built(out: Path, *more: str) -> Library:
    """``libHisCallFace.so`` in ``out`` with its settings beside it. ``more``: other limits."""
    require("gcc")
    setting = out / "library.conf"
    linux = next(t for t in build.TARGETS if build.system_of(t) == "linux")
    defines = (f'-DHCF_SETTING_FILE="{setting}"', *more)
    path = build.compile_target(linux, out, monocypher(build.CACHE), defines=defines)
    ffi = cffi.FFI()
    ffi.cdef(CDEF)
    return Library(setting, load_library(path), ffi, ffi.dlopen(str(path)))


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
