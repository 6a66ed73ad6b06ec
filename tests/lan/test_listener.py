"""The port other machines call: what is refused is counted, costs little, and hears nothing."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from harness import wait_for
from lan_bed import (
    HOST,
    NONCE,
    PASS,
    SIGNER,
    Line,
    Peer,
    frame,
    listener,
    peer_of,
    request,
    signed,
)

from yibao_face.daemon.lan import listener as module
from yibao_face.daemon.lan.message import CALL_BYTES, Call


def test_a_caller_written_from_the_document_is_answered(tmp_path: Path) -> None:
    with listener(tmp_path) as lan:
        answer = lan.peer.ask(lan.port, request(b'{"id":"1"}'))

    assert answer.startswith(b"HTTP/1.0 200 OK\r\n")
    assert PASS in answer
    assert [(NONCE, b'{"id":"1"}')] == [(call.nonce, call.body) for call in lan.asked]
    assert {} == lan.refused


def test_an_answers_length_tells_nothing(tmp_path: Path) -> None:
    async def answer(call: Call) -> bytes:
        return signed(call, call.body)

    with listener(tmp_path, answer) as lan:
        lengths = {len(lan.peer.ask(lan.port, request(b"x" * n))) for n in (0, 1, 500, 1023)}

    assert {2048 - 16} == lengths


def test_a_challenge_is_used_once(tmp_path: Path) -> None:
    """What follows the call on its connection ends it; nothing more is heard."""
    hold = threading.Event()

    async def answer(call: Call) -> bytes:
        await asyncio.to_thread(hold.wait, 5)
        return signed(call)

    with listener(tmp_path, answer) as lan, Line(lan.port) as line:
        call, _ = line.greet(lan.peer)
        line.send(frame(call, request(b"{}")))
        line.send(frame(call, request(b"{}")))
        assert line.is_closed()
        hold.set()
        assert lan.awaits("cut")


def test_who_hangs_up_ends_his_encounter(tmp_path: Path) -> None:
    begun, ended = threading.Event(), threading.Event()

    async def answer(call: Call) -> bytes:
        begun.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            ended.set()
            raise
        return signed(call)

    with listener(tmp_path, answer) as lan:
        with Line(lan.port) as line:
            call, _ = line.greet(lan.peer)
            line.send(frame(call, request(b"{}")))
            assert begun.wait(5)
        assert ended.wait(5)
        assert lan.awaits("cut")


def test_the_end_of_the_daemon_ends_calls_under_way(tmp_path: Path) -> None:
    begun = threading.Event()

    async def answer(_call: Call) -> bytes:
        begun.set()
        await asyncio.sleep(30)
        raise AssertionError

    with ExitStack() as stack:
        with listener(tmp_path, answer) as lan:
            line = stack.enter_context(Line(lan.port))
            call, _ = line.greet(lan.peer)
            line.send(frame(call, request(b"{}")))
            assert begun.wait(5)
        assert line.is_closed()


@pytest.mark.parametrize("step", ["silent", "half a hello", "greeted", "half a call", "dripping"])
def test_who_is_slow_is_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """A challenge lives as long as that, too."""
    monkeypatch.setattr(module, "_GREET_S", 0.2)
    monkeypatch.setattr(module, "_CALL_S", 0.2)
    with listener(tmp_path) as lan, Line(lan.port) as line:
        if step == "half a hello":
            line.send(b"YBL1")
        elif step in ("greeted", "half a call"):
            call, _ = line.greet(lan.peer)
            line.send(b"" if step == "greeted" else frame(call, request(b"{}"))[:-1])
        elif step == "dripping":
            dripping = threading.Thread(target=drip, args=(line,))
            dripping.start()
            dripping.join(10)
        assert line.is_closed()
        assert lan.awaits("slow")
    assert [] == lan.asked


def drip(line: Line) -> None:
    """A byte now and then does not lengthen anything."""
    try:
        for byte in b"YBL1" * 19:
            line.send(bytes([byte]))
            time.sleep(0.02)
    except OSError:
        return


Said = Callable[[Peer], bytes]


def hello(peer: Peer) -> bytes:
    return peer.hello(X25519PrivateKey.generate())


def low_order(peer: Peer) -> bytes:
    """A public key under which every secret is the same."""

    class Nothing:
        def public_key(self) -> Nothing:
            return self

        def public_bytes_raw(self) -> bytes:
            return bytes(32)

    return peer.hello(Nothing())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # as bad callers do


STRANGERS: list[tuple[Said, str]] = [
    (lambda _peer: b"GET /ui HTTP/1.1\r\nHost: x\r\n\r\n" * 3, "garbage"),
    (lambda _peer: b"\x16\x03\x01" + bytes(200), "garbage"),
    (lambda peer: b"YBL2" + hello(peer)[4:], "garbage"),
    (lambda _peer: b"YBL1" + bytes(72), "caller"),
    (lambda peer: hello(Peer(peer.caller, bytes(32), peer.key)), "caller"),
    (lambda peer: hello(Peer("ab" * 8, peer.secret, peer.key)), "caller"),
    (low_order, "garbage"),
]


@pytest.mark.parametrize(("said", "why"), STRANGERS)
def test_who_is_nobody_hears_nothing(tmp_path: Path, said: Said, why: str) -> None:
    with listener(tmp_path) as lan, Line(lan.port) as line:
        line.send(said(lan.peer))
        assert line.is_closed()
        assert lan.awaits(why)


def changed(sealed: bytes) -> bytes:
    return sealed[:-1] + bytes([sealed[-1] ^ 1])


# By the key of the call.
BAD_CALLS: list[tuple[Callable[[bytes], bytes], str]] = [
    (lambda _call: b"\xff\xff\xff\xff", "size"),
    (lambda _call: (CALL_BYTES + 1).to_bytes(4, "big"), "size"),
    (lambda _call: bytes(4), "size"),
    (lambda _call: (16).to_bytes(4, "big") + bytes(16), "size"),
    (lambda _call: (17).to_bytes(4, "big") + bytes(17), "damaged"),
    (lambda call: changed(frame(call, request(b"{}"))), "damaged"),
    (lambda _call: frame(bytes(32), request(b"{}")), "damaged"),
    (lambda call: frame(call, b"word"), "message"),
    (lambda call: frame(call, request(b"{}").replace(b"POST", b"GET")), "message"),
    (lambda call: frame(call, request(b"{}") + b"more"), "message"),
    (lambda call: frame(call, request(b"x" * 65_000)[:-1]), "message"),
]


@pytest.mark.parametrize(("said", "why"), BAD_CALLS)
def test_a_call_that_is_none_is_not_answered(
    tmp_path: Path, said: Callable[[bytes], bytes], why: str
) -> None:
    with listener(tmp_path) as lan, Line(lan.port) as line:
        call, _ = line.greet(lan.peer)
        line.send(said(call))
        assert line.is_closed()
        assert lan.awaits(why)
    assert [] == lan.asked


def test_an_address_of_another_caller_is_not_ones_own(tmp_path: Path) -> None:
    with listener(tmp_path, addresses=("127.0.0.9",)) as lan:
        other = peer_of(lan.book.add("二号窗", ("127.0.0.1",), "2026-11-27"), SIGNER.public_key())
        with Line(lan.port, source="127.0.0.9") as line:
            line.send(hello(other))
            assert line.is_closed()
        assert lan.awaits("caller")
        with Line(lan.port, source="127.0.0.9") as line:
            line.greet(lan.peer)


def test_a_caller_taken_off_between_its_two_messages_is_out(tmp_path: Path) -> None:
    with listener(tmp_path) as lan, Line(lan.port) as line:
        call, _ = line.greet(lan.peer)
        lan.book.remove(lan.caller.id)
        line.send(frame(call, request(b"{}")))
        assert line.is_closed()
        assert lan.awaits("caller")
    assert [] == lan.asked


def test_one_machine_cannot_take_every_place(tmp_path: Path) -> None:
    with listener(tmp_path) as lan, ExitStack() as stack:
        lines = [stack.enter_context(Line(lan.port, source="127.0.0.7")) for _ in range(17)]
        assert lines[-1].is_closed()
        assert lan.awaits("crowd")
        with Line(lan.port, source="127.0.0.8") as other:
            other.greet(lan.peer)


def test_an_address_that_guesses_is_shut_out_for_a_while_and_others_are_not(
    tmp_path: Path,
) -> None:
    with listener(tmp_path, calls_per_min=10) as lan:
        wrong = Peer(lan.peer.caller, bytes(32), lan.peer.key)
        for _ in range(8):
            with Line(lan.port, source="127.0.0.7") as line:
                try:
                    line.send(hello(wrong))
                    assert line.is_closed()
                except ConnectionError:
                    continue
        wait_for(lambda: 8 == sum(lan.refused.values()))
        assert {"caller": 4, "rate": 4} == lan.refused
        with Line(lan.port, source="127.0.0.8") as other:
            other.greet(lan.peer)
        lan.hands[0] += 60
        with Line(lan.port, source="127.0.0.7") as line:
            line.greet(lan.peer)


def test_who_says_an_overheard_hello_again_does_not_use_up_the_callers_calls(
    tmp_path: Path,
) -> None:
    with listener(tmp_path, calls_per_min=5) as lan:
        heard = hello(lan.peer)
        for _ in range(6):
            with Line(lan.port, source="127.0.0.7") as line:
                try:
                    line.send(heard)
                    line.is_closed()
                except ConnectionError:
                    continue
        assert PASS in lan.peer.ask(lan.port, request(b"{}"))


def test_a_list_that_does_not_open_lets_nobody_in(tmp_path: Path) -> None:
    with listener(tmp_path) as lan:
        lan.book.path.write_bytes(lan.book.path.read_bytes()[:-1])
        with Line(lan.port) as line:
            assert line.is_closed()
        assert lan.awaits("book")


def test_what_fails_within_closes_the_line_and_no_other(tmp_path: Path) -> None:
    async def answer(call: Call) -> bytes:
        if call.body:
            raise RuntimeError
        return signed(call)

    with listener(tmp_path, answer) as lan:
        with pytest.raises(EOFError):
            lan.peer.ask(lan.port, request(b"{}"))
        assert lan.awaits("fault")
        assert PASS in lan.peer.ask(lan.port, request(b""))


def test_an_answer_too_long_for_the_library_is_none(tmp_path: Path) -> None:
    async def answer(call: Call) -> bytes:
        return signed(call, bytes(20_000))

    with listener(tmp_path, answer) as lan:
        with pytest.raises(EOFError):
            lan.peer.ask(lan.port, request(b"{}"))
        assert lan.awaits("reply")


def test_a_port_that_becomes_free_is_taken_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_AGAIN_S", 0.02)
    taken = socket.create_server((HOST, 0))
    port = int(taken.getsockname()[1])
    timer = threading.Timer(0.2, taken.close)
    timer.start()
    with listener(tmp_path, port=port) as lan:
        assert port == lan.port
        assert PASS in lan.peer.ask(port, request(b"{}"))
    timer.join()

    assert 1 == sum("cannot listen" in record.message for record in caplog.records)


def test_a_flood_writes_one_line_a_minute(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with listener(tmp_path, addresses=("10.0.0.0/16",)) as lan:
        for _ in range(5):
            with Line(lan.port) as line:
                assert line.is_closed()
        assert lan.awaits("address", 5)

    assert ["lan: 1 refused (address), the last from 127.0.0.1"] == [
        record.getMessage() for record in caplog.records if record.levelname == "WARNING"
    ]
