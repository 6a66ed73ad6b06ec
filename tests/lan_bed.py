"""The other side of LAN mode: a caller written again in Python, and the listener in a thread."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from harness import wait_for

from yibao_face.daemon.gallery.vault import open_vault
from yibao_face.daemon.lan.caller import Caller, CallerBook, Roster
from yibao_face.daemon.lan.listener import Answering, Lan
from yibao_face.daemon.lan.message import Call, write_reply
from yibao_face.daemon.section import LanConfig
from yibao_face.daemon.trust.reply import HEADER_SIGNATURE, statement
from yibao_face.daemon.trust.signature import Ed25519Signer

# An address of this machine that is not the usual one: a neighbour's, to whoever looks.
HOST = "127.0.0.2"
AUTH = "/stdcashFaceAuth"
PASS = b'{"code":1,"msg":"ok","cp_no":"A1","type":1}'
SIGNER = Ed25519Signer(bytes(range(32)))
NONCE = bytes(range(64, 96))


@dataclass(frozen=True)
class Peer:
    """A caller as docs/lan.md has it, none of the product's code in it."""

    caller: str
    secret: bytes = field(repr=False)
    key: bytes

    def hello(self, drawn: X25519PrivateKey) -> bytes:
        said = b"YBL1" + bytes.fromhex(self.caller) + drawn.public_key().public_bytes_raw()
        mac = hmac.digest(self.secret, b"yibao-face lan caller v1\n" + said, "sha512")
        return said + mac[:32]

    def keys(self, drawn: X25519PrivateKey, hello: bytes, welcome: bytes) -> tuple[bytes, bytes]:
        assert (100, b"YBL1") == (len(welcome), welcome[:4])
        stated = b"yibao-face lan daemon v1\n" + hello + welcome[:36]
        Ed25519PublicKey.from_public_bytes(self.key).verify(welcome[36:], stated)
        shared = drawn.exchange(X25519PublicKey.from_public_bytes(welcome[4:36]))
        met = hashlib.sha512(hello + welcome).digest()
        both = hmac.digest(self.secret, b"yibao-face lan keys v1\n" + shared + met, "sha512")
        return both[:32], both[32:]

    def ask(self, port: int, text: bytes, host: str = HOST) -> bytes:
        """The opened answer; ``ConnectionError`` or ``EOFError`` where there is none."""
        with Line(port, host) as line:
            call, reply = line.greet(self)
            line.send(frame(call, text))
            sealed = line.frame()
        return ChaCha20Poly1305(reply).decrypt(bytes(12), sealed, None)


def peer_of(caller: Caller, key: bytes) -> Peer:
    return Peer(caller.id, caller.secret, key)


def frame(key: bytes, text: bytes) -> bytes:
    sealed = ChaCha20Poly1305(key).encrypt(bytes(12), text, None)
    return len(sealed).to_bytes(4, "big") + sealed


def request(body: bytes, path: str = AUTH, nonce: bytes = NONCE) -> bytes:
    """What the library says to a daemon, sealed or not."""
    lines = (
        f"POST {path} HTTP/1.0",
        "Host: 10.0.0.5:51521",
        "Content-Type: application/json",
        "X-HCF: 1",
        f"X-HCF-Nonce: {nonce.hex()}",
        f"Content-Length: {len(body)}",
        "Connection: close",
    )
    return "\r\n".join([*lines, "", ""]).encode() + body


class Line:
    """A connection to the listener."""

    def __init__(self, port: int, host: str = HOST, source: str | None = None) -> None:
        at = (source, 0) if source else None
        self.socket = socket.create_connection((host, port), 5, at)

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *exc: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def take(self, length: int) -> bytes:
        got = b""
        while len(got) < length:
            more = self.socket.recv(length - len(got))
            if not more:
                raise EOFError(f"{len(got)} of {length} bytes")
            got += more
        return got

    def frame(self) -> bytes:
        return self.take(int.from_bytes(self.take(4), "big"))

    def greet(self, peer: Peer) -> tuple[bytes, bytes]:
        drawn = X25519PrivateKey.generate()
        hello = peer.hello(drawn)
        self.send(hello)
        return peer.keys(drawn, hello, self.take(100))

    def is_closed(self) -> bool:
        """Whether the other side says nothing and goes."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True


@dataclass
class Site:
    """A listener with one caller, and what it was asked."""

    lan: Lan
    book: CallerBook
    caller: Caller
    asked: list[Call]
    hands: list[float]

    @property
    def port(self) -> int:
        return self.lan.port

    @property
    def peer(self) -> Peer:
        return peer_of(self.caller, SIGNER.public_key())

    @property
    def refused(self) -> dict[str, int]:
        found: dict[str, int] = self.lan.tally.view()["refused"]
        return found

    def awaits(self, why: str, count: int = 1) -> bool:
        """Whether so many are refused for this in the end, and for nothing else."""
        wait_for(lambda: self.refused.get(why, 0) >= count)
        return self.refused == {why: count}


def signed(call: Call, body: bytes = PASS) -> bytes:
    """The genuine answer of a daemon."""
    signature = SIGNER.sign(statement(call.nonce, call.path, call.body, body))
    headers = {"Content-Type": "application/json", HEADER_SIGNATURE: signature.hex()}
    return write_reply(headers, body)


@contextmanager
def listener(
    data: Path,
    answer: Answering | None = None,
    addresses: tuple[str, ...] = ("127.0.0.0/24",),
    **changed: Any,
) -> Generator[Site, None, None]:
    """The listener of LAN mode with no daemon behind it: a pass, or what ``answer`` says."""
    book = CallerBook(data / "lan-callers", open_vault(data / "device.key"))
    caller = book.add("收费一号窗", addresses, "2026-11-27")
    hands = [0.0]
    config = replace(LanConfig(True, HOST, 0), **changed)
    lan = Lan(config, Roster(book), SIGNER, lambda: hands[0])
    found = Site(lan, book, caller, [], hands)

    async def passed(call: Call) -> bytes:
        found.asked.append(call)
        return signed(call) if answer is None else await answer(call)

    loop = asyncio.new_event_loop()
    served = loop.create_task(lan.serve(passed))
    thread = threading.Thread(target=_until_cancelled, args=(loop, served))
    thread.start()
    try:
        wait_for(lambda: lan.port)
        yield found
    finally:
        loop.call_soon_threadsafe(served.cancel)
        thread.join(10)
        assert not thread.is_alive()


def _until_cancelled(loop: asyncio.AbstractEventLoop, served: asyncio.Task[None]) -> None:
    try:
        loop.run_until_complete(asyncio.gather(served, return_exceptions=True))
    finally:
        loop.close()


Change = Callable[[bytes], bytes]


@contextmanager
def in_the_middle(
    port: int, to_daemon: Change, to_caller: Change, host: str = HOST
) -> Generator[int, None, None]:
    """Somebody on the cable: whole messages of either side through his hands; yields his port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        thread = threading.Thread(target=_relay, args=(server, host, port, to_daemon, to_caller))
        thread.start()
        yield int(server.getsockname()[1])
        thread.join(10)


def _relay(
    server: socket.socket, host: str, port: int, to_daemon: Change, to_caller: Change
) -> None:
    caller, _ = server.accept()
    with caller, socket.create_connection((host, port), 5) as daemon:
        caller.settimeout(5)
        for read, write, change in (
            (caller, daemon, to_daemon),
            (daemon, caller, to_caller),
        ) * 2:
            try:
                said = read.recv(65536)
                if not said:
                    return
                write.sendall(change(said))
            except OSError:
                return


def settings(port: int, peer: Peer, host: str = HOST, **changed: str) -> dict[str, str]:
    """What an engineer writes on the other machine."""
    told = {"daemon": f"{host}:{port}", "key": peer.key.hex(), "verify": "on"}
    return {**told, "caller": peer.caller, "secret": peer.secret.hex(), **changed}
