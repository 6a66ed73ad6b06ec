"""LAN mode over a network of its own: another machine's stack calls, and the wire is looked at."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import FIRST, his_call, lacking, require
from lan_bed import PASS, listener, settings
from shim_server import Library, built

HERE, THERE = "10.231.77.1", "10.231.77.2"
_NAME = f"yblan{os.getpid()}"
_ASK = """
import ctypes, sys
out = ctypes.create_string_buffer(1024)
found = ctypes.CDLL(sys.argv[1]).zjHisFunCall(sys.stdin.buffer.read(), out)
sys.stdout.buffer.write(b"%d %s" % (found, out.value))
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="network namespaces are Linux's")


def ip(*words: str) -> None:
    subprocess.run([require("ip"), *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def cable() -> Generator[str, None, None]:
    """The daemon's end of a cable to a machine with a network stack of its own."""
    require("ip")
    if os.geteuid() != 0:
        lacking("root, for a network namespace")
    ip("netns", "add", _NAME)
    try:
        near = f"v{os.getpid()}"
        ip("link", "add", near, "type", "veth", "peer", "name", "eth0", "netns", _NAME)
        ip("addr", "add", f"{HERE}/30", "dev", near)
        ip("link", "set", near, "up")
        ip("-n", _NAME, "addr", "add", f"{THERE}/30", "dev", "eth0")
        ip("-n", _NAME, "link", "set", "eth0", "up")
        yield near
    finally:
        # Its end of the cable goes with it.
        ip("netns", "del", _NAME)


@pytest.fixture(scope="module")
def neighbours(tmp_path_factory: pytest.TempPathFactory) -> tuple[Library, Path]:
    out = tmp_path_factory.mktemp("neighbour")
    return built(out), next(out.rglob("*.so"))


@contextmanager
def overheard(cable: str) -> Generator[bytearray, None, None]:
    """Every frame on the cable."""
    heard = bytearray()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003)) as tap:
        tap.bind((cable, 0))
        tap.settimeout(0.2)
        stop = threading.Event()

        def listen() -> None:
            while not stop.is_set():
                try:
                    heard.extend(tap.recv(65536))
                except TimeoutError:
                    continue

        thread = threading.Thread(target=listen)
        thread.start()
        yield heard
        stop.set()
        thread.join(10)


def ask(file: Path, body: bytes) -> bytes:
    command = [require("ip"), "netns", "exec", _NAME, sys.executable, "-c", _ASK, str(file)]
    return subprocess.run(command, check=True, input=body, capture_output=True).stdout


def test_nothing_of_a_call_is_on_the_wire(
    neighbours: tuple[Library, Path], cable: str, tmp_path: Path
) -> None:
    library, file = neighbours
    with listener(tmp_path, addresses=(THERE,), host=HERE) as lan:
        told = settings(lan.port, lan.peer, HERE)
        library.setting.write_text("".join(f"{k} = {v}\n" for k, v in told.items()), "ascii")
        with overheard(cable) as heard:
            answer = ask(file, his_call(FIRST))

    assert b"1 " + PASS == answer
    assert FIRST.encode() in lan.asked[0].body
    wire = bytes(heard)
    assert b"YBL1" + bytes.fromhex(lan.caller.id) in wire
    secret = lan.caller.secret
    for said in (FIRST.encode(), "演示".encode(), b"stdcash", b"HTTP", b"code", secret):
        assert said not in wire


def test_another_machine_than_the_listed_one_is_not_heard(
    neighbours: tuple[Library, Path], cable: str, tmp_path: Path
) -> None:
    del cable
    library, file = neighbours
    with listener(tmp_path, addresses=("10.231.77.3",), host=HERE) as lan:
        told = settings(lan.port, lan.peer, HERE)
        library.setting.write_text("".join(f"{k} = {v}\n" for k, v in told.items()), "ascii")
        answer = ask(file, b"{}")
        assert lan.awaits("address")

    assert answer.startswith(b"0 ")
    assert "核验主机未接受本机的调用".encode() in answer
