"""LAN mode: the real library against the real listener, and whoever stands in between."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from harness import FIRST, Running, his_call, put_before_camera, running, wait_for
from lan_bed import HOST, PASS, Change, Peer, in_the_middle, listener, peer_of, settings, signed
from shim_server import Library, built

from yibao_face.daemon.config import Config
from yibao_face.daemon.lan.message import Call
from yibao_face.daemon.section import EncounterConfig, LanConfig
from yibao_face.daemon.trust.signature import Ed25519Signer
from yibao_face.daemon.wiring import caller_book_of


def paired(library: Library, port: int, peer: Peer, host: str = HOST, **changed: str) -> None:
    """Install the library as on a machine beside the daemon's."""
    told = settings(port, peer, host, **changed)
    library.setting.write_text("".join(f"{k} = {v}\n" for k, v in told.items()), "ascii")


def told(library: Library, body: bytes = b"{}") -> str:
    """What a HIS is told of a call that must not pass."""
    value, answer = library.call(body)
    assert 0 == value
    message: str = json.loads(answer)["msg"]
    return message


@pytest.fixture(scope="module")
def hasty(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Waits a third of a second for a greeting, and twice that for an answer."""
    del library  # built here or nowhere
    out = tmp_path_factory.mktemp("hasty")
    limits = ("-DHCF_GREET_MS=300u", "-DHCF_CALL_MS=700u")
    return built(out, *limits)


def test_a_call_from_another_machine_gets_the_answer_of_a_local_one(
    library: Library, site: Config
) -> None:
    config = replace(site, lan=LanConfig(True, HOST, 0))
    with running(config) as daemon:
        lan = daemon.daemon.lan
        wait_for(lambda: lan.port)
        book = caller_book_of(config, daemon.daemon.desk.gallery.vault)
        caller = book.add("收费一号窗", ("127.0.0.0/24",), "2026-11-27")
        key = daemon.daemon.reply_signer.public_key()
        for body, attendance in (
            (his_call(FIRST, deal_no=""), False),
            (b"{}", False),
            (b"[]", True),
        ):
            paired(library, lan.port, peer_of(caller, key))
            far = library.call(body, attendance=attendance)
            library.install(daemon.config.door.port, key)
            assert far == library.call(body, attendance=attendance)
        gbk = "{'name':'李雷'}".encode("gbk")
        paired(library, lan.port, peer_of(caller, key))
        assert "流水号" in library.call(gbk)[1].decode("gbk")
        health = daemon.caller.health()["lan"]

    assert {"listening": True, "answered": 4, "refused": {}} == health


@contextmanager
def before_nobody(config: Config, clips: Path) -> Generator[tuple[Running, Peer], None, None]:
    """A daemon that waits for somebody to step before its camera, and a machine paired with it."""
    put_before_camera(config, clips, "nobody")
    patient = EncounterConfig(deadline_s=60, capture_s=30)
    with running(replace(config, lan=LanConfig(True, HOST, 0), encounter=patient)) as daemon:
        wait_for(lambda: daemon.daemon.lan.port)
        book = caller_book_of(config, daemon.daemon.desk.gallery.vault)
        caller = book.add("一号", ("127.0.0.1",), "2026-11-27")
        yield daemon, peer_of(caller, daemon.daemon.reply_signer.public_key())


def test_who_calls_while_the_daemon_stops_is_told_so(
    library: Library, cast: Config, clips: Path
) -> None:
    heard: list[str] = []
    calling = threading.Thread(target=lambda: heard.append(told(library, his_call(FIRST))))
    with before_nobody(cast, clips) as (daemon, peer):
        paired(library, daemon.daemon.lan.port, peer)
        calling.start()
        wait_for(lambda: daemon.daemon.service.booth.occupied)
    calling.join(10)

    assert "正在停止" in heard[0]


def test_the_camera_is_free_as_soon_as_who_called_is_gone(
    hasty: Library, cast: Config, clips: Path
) -> None:
    with before_nobody(cast, clips) as (daemon, peer):
        paired(hasty, daemon.daemon.lan.port, peer)
        assert "超时" in told(hasty, his_call(FIRST))
        wait_for(lambda: not daemon.daemon.service.booth.occupied)
        assert {"cut": 1} == daemon.daemon.lan.tally.view()["refused"]


def test_a_daemon_whose_network_is_not_there_serves_its_own_machine(
    library: Library, site: Config
) -> None:
    """192.0.2.1 is nobody's address (RFC 5737)."""
    with running(replace(site, lan=LanConfig(True, "192.0.2.1", 0))) as daemon:
        library.install(daemon.config.door.port, daemon.daemon.reply_signer.public_key())
        assert 0 == library.call(b"{}")[0]
        assert {"listening": False, "answered": 0, "refused": {}} == daemon.caller.health()["lan"]


def test_a_whole_call_arrives_as_it_was_said(library: Library, tmp_path: Path) -> None:
    with listener(tmp_path) as lan:
        paired(library, lan.port, lan.peer)
        for body in (b"", his_call(FIRST), b"x" * 65_537):
            assert (1, PASS) == library.call(body)
        assert (1, PASS) == library.call(b"{}", attendance=True)

    assert ["/stdcashFaceAuth"] * 3 + ["/hisCallAtten"] == [call.path for call in lan.asked]
    assert [0, 65_537] == [len(lan.asked[i].body) for i in (0, 2)]
    assert {} == lan.refused


@pytest.mark.parametrize(
    ("changed", "why"),
    [({"secret": "00" * 32}, "caller"), ({"caller": "00" * 8}, "caller"), ({}, "address")],
    ids=["secret", "caller", "address"],
)
def test_who_is_not_paired_hears_nothing(
    library: Library, tmp_path: Path, changed: dict[str, str], why: str
) -> None:
    addresses = ("127.0.0.0/24",) if changed else ("10.1.0.0/16",)
    with listener(tmp_path, addresses=addresses) as lan:
        paired(library, lan.port, lan.peer, **changed)
        assert "核验主机未接受本机的调用" in told(library)
        assert lan.awaits(why)
    assert [] == lan.asked


def test_another_daemon_than_the_paired_one_is_not_believed(
    library: Library, tmp_path: Path
) -> None:
    """It may even know the secret: it hears no word of the call."""
    with listener(tmp_path) as lan:
        stranger = Ed25519Signer(bytes(32)).public_key().hex()
        paired(library, lan.port, lan.peer, key=stranger)
        assert "不是已配对的核验主机" in told(library)
        assert lan.awaits("cut")
    assert [] == lan.asked


def test_who_is_taken_off_the_list_is_out_at_once(library: Library, tmp_path: Path) -> None:
    with listener(tmp_path) as lan:
        paired(library, lan.port, lan.peer)
        assert 1 == library.call(b"{}")[0]
        lan.book.remove(lan.caller.name)
        assert "核验主机未接受本机的调用" in told(library)
        assert lan.awaits("address")


def test_a_daemon_that_is_off_is_told(library: Library, tmp_path: Path) -> None:
    with listener(tmp_path) as lan:
        paired(library, lan.port, lan.peer)
    assert "未启动" in told(library)


def test_a_caller_calls_so_often_and_again_a_minute_later(
    library: Library, tmp_path: Path
) -> None:
    with listener(tmp_path, calls_per_min=3) as lan:
        paired(library, lan.port, lan.peer)
        assert [1, 1, 1, 0] == [library.call(b"{}")[0] for _ in range(4)]
        assert lan.awaits("rate")
        lan.hands[0] += 60
        assert 1 == library.call(b"{}")[0]


def flipped(at: int) -> Change:
    return lambda said: said[:at] + bytes([said[at] ^ 1]) + said[at + 1 :]


def same(said: bytes) -> bytes:
    return said


def on_second(change: Change) -> Change:
    """Leaves the greeting alone."""
    heard: list[bytes] = []

    def changed(said: bytes) -> bytes:
        heard.append(said)
        return said if len(heard) == 1 else change(said)

    return changed


@pytest.mark.parametrize("at", [0, 4, 12, 44, 75])
def test_a_greeting_changed_on_its_way_is_nobodys(
    library: Library, tmp_path: Path, at: int
) -> None:
    with listener(tmp_path) as lan, in_the_middle(lan.port, flipped(at), same) as port:
        paired(library, port, lan.peer, "127.0.0.1")
        assert told(library)
        assert lan.awaits("garbage" if at == 0 else "caller")
    assert [] == lan.asked


@pytest.mark.parametrize("at", [0, 4, 35, 36, 99])
def test_another_half_of_the_key_in_the_welcome_is_seen(
    library: Library, tmp_path: Path, at: int
) -> None:
    """Somebody who swaps the daemon's ephemeral key would read the call."""
    with listener(tmp_path) as lan, in_the_middle(lan.port, same, flipped(at)) as port:
        paired(library, port, lan.peer, "127.0.0.1")
        assert "不是已配对的核验主机" in told(library)
    assert [] == lan.asked


@pytest.mark.parametrize("at", [4, 100, -16, -1])
def test_a_call_changed_on_its_way_is_not_answered(
    library: Library, tmp_path: Path, at: int
) -> None:
    def change(said: bytes) -> bytes:
        return flipped(at % len(said))(said)

    with listener(tmp_path) as lan, in_the_middle(lan.port, on_second(change), same) as port:
        paired(library, port, lan.peer, "127.0.0.1")
        assert told(library)
        assert lan.awaits("damaged")
    assert [] == lan.asked


ANSWERS: list[Change] = [
    *(flipped(at) for at in (1, 3, 4, 100)),
    lambda said: said[:-1],
    lambda said: b"\xff\xff\xff\xff" + said[4:],
    lambda said: bytes(4) + said[4:],
    lambda _said: b"",
    lambda said: said[:3],
    lambda said: b"HTTP/1.0 200 OK\r\nContent-Length: 43\r\n\r\n" + PASS,
]


@pytest.mark.parametrize("change", ANSWERS)
def test_an_answer_changed_on_its_way_passes_nobody(
    library: Library, tmp_path: Path, change: Change
) -> None:
    async def answer(call: Call) -> bytes:
        return signed(call)

    with (
        listener(tmp_path, answer) as lan,
        in_the_middle(lan.port, same, on_second(change)) as port,
    ):
        paired(library, port, lan.peer, "127.0.0.1")
        assert told(library)


def test_an_answer_sealed_well_and_signed_for_another_call_passes_nobody(
    library: Library, tmp_path: Path
) -> None:
    async def answer(call: Call) -> bytes:
        return signed(replace(call, nonce=bytes(32)))

    with listener(tmp_path, answer) as lan:
        paired(library, lan.port, lan.peer)
        assert "签名" in told(library)


def test_a_call_said_again_by_who_overheard_it_is_not_taken(
    library: Library, tmp_path: Path
) -> None:
    heard: list[bytes] = []

    def listening(said: bytes) -> bytes:
        heard.append(said)
        return said

    with listener(tmp_path) as lan:
        with in_the_middle(lan.port, listening, same) as port:
            paired(library, port, lan.peer, "127.0.0.1")
            assert 1 == library.call(b"{}")[0]
        with socket.create_connection((HOST, lan.port), 5) as again:
            again.sendall(b"".join(heard))
            assert 100 == len(again.recv(100, socket.MSG_WAITALL))
            assert b"" == again.recv(1)
        assert lan.awaits("damaged")
    assert 1 == len(lan.asked)


@pytest.mark.parametrize(
    "broken",
    [
        {"verify": "off"},
        {"caller": ""},
        {"secret": "ab"},
        {"caller": None},
        {"secret": None},
        {"daemon": "10.0.0.5:51521", "caller": None, "secret": None},
    ],
    ids=str,
)
def test_half_a_pairing_is_no_installation(
    library: Library, broken: dict[str, str | None]
) -> None:
    peer = Peer("12" * 8, bytes(32), bytes(32))
    values = {**settings(1, peer), **broken}
    text = "".join(f"{name} = {value}\n" for name, value in values.items() if value is not None)
    library.setting.write_text(text, "ascii")
    assert "未正确安装" in told(library)


@pytest.mark.parametrize("greeted", [False, True])
def test_a_machine_that_says_nothing_is_not_waited_for_longer_than_the_limit(
    hasty: Library, tmp_path: Path, greeted: bool
) -> None:
    """10 and 310 s of the shipped library (S0-05)."""

    async def answer(call: Call) -> bytes:
        await asyncio.sleep(30)
        return signed(call)

    with listener(tmp_path, answer) as lan, socket.create_server((HOST, 0)) as silent:
        port = lan.port if greeted else int(silent.getsockname()[1])
        paired(hasty, port, lan.peer)
        assert "超时" in told(hasty)
        assert lan.awaits("cut") if greeted else {} == lan.refused


def test_many_threads_get_each_their_own_answer(library: Library, tmp_path: Path) -> None:
    async def answer(call: Call) -> bytes:
        name = json.loads(call.body)["id"].encode()
        return signed(call, b'{"code":1,"msg":"%s","cp_no":"","type":1}' % name)

    wrong: list[int] = []

    def work(number: int) -> None:
        for i in range(20):
            name = f"{number}-{i}"
            _, found = library.call(b'{"id":"%s"}' % name.encode())
            if json.loads(found)["msg"] != name:
                wrong.append(number)

    with listener(tmp_path, answer, calls_per_min=6000) as lan:
        paired(library, lan.port, lan.peer)
        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [] == wrong
