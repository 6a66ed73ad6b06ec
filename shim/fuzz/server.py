"""A server that signs as the daemon does, and errs where asked: ``python shim/fuzz/server.py``.

Prints its port and its key, then answers until killed. The answer holds the ``id`` of the request,
so that a caller knows its own; an ``id`` that is one of ``FAULTS`` gets that fault.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

SECRET = bytes([0x5E]) * 32
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(32))
_PURPOSE = b"yibao-face reply v1\n"
_ID = re.compile(rb'"id":"([^"]*)"')
_LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)
_NONCE = re.compile(rb"x-hcf-nonce: *([0-9a-f]{64})", re.IGNORECASE)


def signed(head: bytes, request: bytes, reply: bytes, key: Ed25519PrivateKey = KEY) -> bytes:
    """A whole answer with the signature of ``key`` over nonce, call and ``reply``."""
    path = head.split(b" ", 2)[1]
    nonce = _NONCE.search(head)
    asked = hashlib.sha512(path + b"\n" + request).digest()
    drawn = bytes.fromhex(nonce[1].decode()) if nonce else b""
    statement = _PURPOSE + drawn + asked + hashlib.sha512(reply).digest()
    return _whole(reply, b"X-HCF-Signature: " + key.sign(statement).hex().encode() + b"\r\n")


def echo(name: bytes) -> bytes:
    """The reply to the request with this ``id``: the longest field tells whose it is."""
    return b'{"code":1,"msg":"%s","cp_no":"","type":1}' % name


FAULTS: dict[bytes, Callable[[bytes, bytes], bytes]] = {
    b"silent": lambda _head, _request: b"",
    b"cut": lambda head, request: signed(head, request, echo(b"cut"))[:-7],
    b"headless": lambda _head, _request: b"HTTP/1.0 200 OK\r\nContent-Le",
    b"garbage": lambda _head, _request: bytes(range(256)) * 8 + b"\r\n\r\n" + bytes(64),
    b"flood": lambda head, request: signed(head, request, b"x" * 40_000),
    b"chunked": lambda _head, _request: (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    ),
    b"unsigned": lambda _head, _request: _whole(echo(b"unsigned"), b""),
    b"stranger": lambda head, request: signed(head, request, echo(b"stranger"), STRANGER),
    b"changed": lambda head, request: signed(head, request, echo(b"x")).replace(b'"x"', b'"y"'),
    b"long": lambda head, request: signed(head, request, echo("核验".encode() * 700)),
}


def answer(head: bytes, request: bytes) -> bytes:
    """What ``request`` gets."""
    found = _ID.search(request)
    name = found[1] if found else b""
    fault = FAULTS.get(name)
    return fault(head, request) if fault else signed(head, request, echo(name))


def welcome(hello: bytes, key: Ed25519PrivateKey = KEY) -> tuple[bytes, tuple[bytes, bytes]]:
    """The daemon's half of LAN mode (docs/lan.md), and the keys of call and reply."""
    drawn = X25519PrivateKey.generate()
    said = b"YBL1" + drawn.public_key().public_bytes_raw()
    said += key.sign(b"yibao-face lan daemon v1\n" + hello + said)
    shared = drawn.exchange(X25519PublicKey.from_public_bytes(hello[12:44]))
    met = hashlib.sha512(hello + said).digest()
    both = hmac.digest(SECRET, b"yibao-face lan keys v1\n" + shared + met, "sha512")
    return said, (both[:32], both[32:])


def sealed(key: bytes, text: bytes) -> bytes:
    """A frame."""
    body = ChaCha20Poly1305(key).encrypt(bytes(12), text, None)
    return len(body).to_bytes(4, "big") + body


# By the last byte of the caller's id.
GREETINGS: dict[int, Callable[[bytes, bytes], bytes]] = {
    1: lambda _hello, _said: b"",
    2: lambda _hello, said: said[:-1],
    3: lambda _hello, said: said[:8] + bytes([said[8] ^ 1]) + said[9:],
    4: lambda hello, _said: welcome(hello, STRANGER)[0],
    5: lambda _hello, _said: bytes(range(256)),
}
# Of the frame, by the id of the request; the key of the reply and its text.
FRAMES: dict[bytes, Callable[[bytes, bytes], bytes]] = {
    b"open": lambda _key, text: len(text).to_bytes(4, "big") + text,
    b"other-key": lambda _key, text: sealed(bytes(32), text),
    b"huge-frame": lambda key, text: b"\xff\xff\xff\xff" + sealed(key, text)[4:],
    b"no-frame": lambda _key, _text: bytes(4),
    b"half-frame": lambda key, text: sealed(key, text)[:-1],
}


class Door(asyncio.Protocol):
    """One connection: one request, one answer, closed, as HTTP/1.0 has it; or one of LAN mode."""

    def __init__(self) -> None:
        self._got = b""
        self._way: asyncio.WriteTransport | None = None
        self._keys: tuple[bytes, bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        if isinstance(transport, asyncio.WriteTransport):
            self._way = transport

    def data_received(self, data: bytes) -> None:
        """Answer once head and body are whole."""
        self._got += data
        if self._keys is not None or self._got.startswith(b"YBL1"):
            self._sealed()
            return
        head, end, body = self._got.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if end and self._way and len(body) >= (int(length[1]) if length else 0):
            self._way.write(answer(head, body))
            self._way.close()

    def _sealed(self) -> None:
        """Greet, then answer the frame."""
        assert self._way is not None  # noqa: S101  # data came
        if self._keys is None and len(self._got) >= 76:
            hello, self._got = self._got[:76], self._got[76:]
            said, self._keys = welcome(hello)
            fault = GREETINGS.get(hello[11])
            self._way.write(said if fault is None else fault(hello, said))
            if fault is not None:
                self._way.close()
        length = int.from_bytes(self._got[:4], "big")
        if self._keys is None or len(self._got) < max(4 + length, 20):
            return
        text = ChaCha20Poly1305(self._keys[0]).decrypt(bytes(12), self._got[4 : 4 + length], None)
        head, _, body = text.partition(b"\r\n\r\n")
        found = _ID.search(body)
        frame = FRAMES.get(found[1] if found else b"", sealed)
        self._way.write(frame(self._keys[1], answer(head, body)))
        self._way.close()


def _whole(reply: bytes, more: bytes) -> bytes:
    head = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n" + more
    return head + b"Content-Length: %d\r\n\r\n" % len(reply) + reply


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Door, "127.0.0.1", 0, backlog=1024)
    port, key = server.sockets[0].getsockname()[1], KEY.public_key().public_bytes_raw()
    print(port, key.hex(), flush=True)  # noqa: T201  # what the starter waits for
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
