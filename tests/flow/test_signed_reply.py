"""A caller who sends a nonce can tell this daemon's answer from that of another program."""

from __future__ import annotations

import gzip
import http.client
import socket
from collections.abc import Generator
from dataclasses import dataclass

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from harness import FIRST, Running, his_call, running

from yibao_face.daemon.config import Config
from yibao_face.daemon.desk.attendance import Attendance
from yibao_face.daemon.door.http import ATTENDANCE_PATH, AUTH_PATH
from yibao_face.daemon.service import Service
from yibao_face.daemon.trust.reply import HEADER_NONCE, HEADER_SIGNATURE, statement
from yibao_face.daemon.wire.request import MAX_BODY_BYTES
from yibao_face.daemon.wiring import reply_signer_of, signer_of, vault_of

NONCE = bytes(range(32))
PATHS = [AUTH_PATH, ATTENDANCE_PATH]


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; ``signature`` as it stands in the header."""

    status: int
    signature: str | None
    body: bytes


@pytest.fixture
def daemon(site: Config) -> Generator[Running, None, None]:
    """Nobody is enrolled: every call is refused."""
    with running(site) as daemon:
        yield daemon


def ask(daemon: Running, path: str, body: bytes, nonce: str, **more: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", daemon.config.door.port, timeout=30)
    try:
        connection.request("POST", path, body, {HEADER_NONCE: nonce, **more})
        response = connection.getresponse()
        return Answer(response.status, response.getheader(HEADER_SIGNATURE), response.read())
    finally:
        connection.close()


def is_genuine(daemon: Running, answer: Answer, stated: bytes) -> bool:
    assert answer.signature is not None
    assert 128 == len(answer.signature)
    assert answer.signature == answer.signature.lower()
    key = reply_signer_of(vault_of(daemon.config)).public_key()
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(bytes.fromhex(answer.signature), stated)
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize("path", [*PATHS, "/stdcashfaceauth", "/hisCallAtten/"])
@pytest.mark.parametrize(
    "body",
    [his_call(FIRST), b"no json", b"", b"x" * MAX_BODY_BYTES, b"x" * (MAX_BODY_BYTES + 1)],
    ids=["call", "no-json", "empty", "longest", "one-more"],
)
def test_what_is_answered_is_signed(daemon: Running, path: str, body: bytes) -> None:
    answer = ask(daemon, path, body, NONCE.hex())

    assert 200 == answer.status
    assert is_genuine(daemon, answer, statement(NONCE, path, body, answer.body))


@pytest.mark.parametrize("path", PATHS)
def test_an_internal_error_is_signed(
    daemon: Running, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for serving in (Service, Attendance):
        monkeypatch.setattr(serving, "serve", None)
    body = his_call(FIRST)
    answer = ask(daemon, path, body, NONCE.hex())

    assert is_genuine(daemon, answer, statement(NONCE, path, body, answer.body))


def test_one_byte_changed_does_not_verify(daemon: Running) -> None:
    body = his_call(FIRST)
    answer = ask(daemon, AUTH_PATH, body, NONCE.hex())
    changed = answer.body.replace(b'"code":0', b'"code":1').replace(b'"code": 0', b'"code": 1')

    assert changed != answer.body
    assert not is_genuine(daemon, answer, statement(NONCE, AUTH_PATH, body, changed))
    assert not is_genuine(daemon, answer, statement(NONCE, AUTH_PATH, body + b" ", answer.body))
    assert not is_genuine(daemon, answer, statement(NONCE, ATTENDANCE_PATH, body, answer.body))
    assert not is_genuine(daemon, answer, statement(bytes(32), AUTH_PATH, body, answer.body))


def test_each_nonce_has_a_signature_of_its_own(daemon: Running) -> None:
    first, second = (ask(daemon, AUTH_PATH, b"", nonce * 64) for nonce in "01")

    assert first.body == second.body
    assert first.signature != second.signature


@pytest.mark.parametrize("nonce", ["", "0" * 63, "A" * 64, "0" * 65, "g" * 64])
def test_without_a_nonce_the_answer_is_the_same_but_unsigned(daemon: Running, nonce: str) -> None:
    answer = ask(daemon, AUTH_PATH, b"", nonce)

    assert (200, None) == (answer.status, answer.signature)
    assert ask(daemon, AUTH_PATH, b"", NONCE.hex()).body == answer.body


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("length", [MAX_BODY_BYTES + 2, 70_000, 1_000_000])
def test_a_body_that_was_not_kept_whole_is_not_vouched_for(
    daemon: Running, path: str, length: int
) -> None:
    answer = ask(daemon, path, b"x" * length, NONCE.hex())

    assert (200, None) == (answer.status, answer.signature)


def test_a_body_unpacked_on_the_way_in_is_not_vouched_for(daemon: Running) -> None:
    packed = gzip.compress(b"{}")
    answer = ask(daemon, AUTH_PATH, packed, NONCE.hex(), **{"Content-Encoding": "gzip"})

    assert (200, None) == (answer.status, answer.signature)


def test_a_body_that_breaks_off_is_not_vouched_for(daemon: Running) -> None:
    head = f"POST {AUTH_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\n{HEADER_NONCE}: {NONCE.hex()}\r\n"
    with socket.create_connection(("127.0.0.1", daemon.config.door.port), timeout=20) as peer:
        peer.sendall(head.encode() + b"Content-Length: 9\r\n\r\n{}")
        peer.shutdown(socket.SHUT_WR)

        assert HEADER_SIGNATURE.encode() not in peer.recv(65536)


def test_two_nonces_are_none(daemon: Running) -> None:
    line = f"{HEADER_NONCE}: {NONCE.hex()}\r\n"
    head = f"POST {AUTH_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\n{line}{line}Content-Length: 0\r\n\r\n"
    with socket.create_connection(("127.0.0.1", daemon.config.door.port), timeout=20) as peer:
        peer.sendall(head.encode())
        said = peer.recv(65536)

    assert said.startswith(b"HTTP/1.1 200")
    assert HEADER_SIGNATURE.encode() not in said


@pytest.mark.parametrize("path", [AUTH_PATH, "/health", "/nothing"])
def test_what_no_his_interface_answered_is_unsigned(daemon: Running, path: str) -> None:
    host = "evil.example" if path == AUTH_PATH else "127.0.0.1"
    answer = ask(daemon, path, b"", NONCE.hex(), Host=host)

    assert answer.signature is None
    assert (403 == answer.status) == (path == AUTH_PATH)


def test_replies_have_a_key_of_their_own(site: Config) -> None:
    vault = vault_of(site)

    assert reply_signer_of(vault).public_key() != signer_of(vault).public_key()
    assert vault.reply_seed.hex() not in repr(vault)
