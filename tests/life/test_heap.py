"""What a daemon holds of the C library's memory, each time in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from harness import FIRST, his_call, put_before_camera

from yibao_face.daemon.config import Config
from yibao_face.daemon.demo.child import child_daemon

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="glibc's heaps")

# A thread's own heap begins at, and reserves up to, a multiple of this.
_HEAP_BYTES = 64 * 2**20
# Tells its number of heaps after some threads that allocate at the same time.
_HEAPS = """
import ctypes, sys, tempfile, threading
from yibao_face.daemon.life.heap import share_one_heap
if sys.argv[1] == "shared":
    assert share_one_heap()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.fopen.restype = ctypes.c_void_p
libc.malloc_info.argtypes = (ctypes.c_int, ctypes.c_void_p)
libc.fclose.argtypes = (ctypes.c_void_p,)
ready = threading.Barrier(5)
def allocate():
    libc.malloc(100_000)
    ready.wait()
    ready.wait()
for _ in range(4):
    threading.Thread(target=allocate, daemon=True).start()
ready.wait()
with tempfile.NamedTemporaryFile("r") as told:
    file = libc.fopen(told.name.encode(), b"w")
    libc.malloc_info(0, file)
    libc.fclose(file)
    print(told.read().count("<heap nr="))
ready.wait()
"""
# Tells how many of 64 MB in small pieces, each freed but the last, are held before and after.
_GIVEN_BACK = """
import ctypes
from yibao_face.daemon.life.heap import give_back
def held_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 // 2**20
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = (ctypes.c_void_p,)
pieces = [libc.malloc(64_000) for _ in range(1000)]
for piece in pieces:
    ctypes.memset(piece, 1, 64_000)
for piece in pieces[:-1]:
    libc.free(piece)
before = held_mb()
assert give_back()
print(before - held_mb())
"""


def told(script: str, *words: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", script, *words], check=True, capture_output=True, text=True
    )
    return int(done.stdout)


def test_threads_of_a_daemon_share_one_heap() -> None:
    assert told(_HEAPS, "each its own") > 1
    assert 1 == told(_HEAPS, "shared")


def heaps_of_threads(pid: int) -> int:
    """Mappings of a process: what a heap uses, then what it may still grow into."""
    lines = Path(f"/proc/{pid}/maps").read_text("ascii").splitlines()
    found = [re.split(r"[- ]", line, maxsplit=2) for line in lines]
    ends = [(int(start, 16), int(end, 16), rest) for start, end, rest in found]
    return sum(
        used[0] % _HEAP_BYTES == 0
        and used[1] == spare[0]
        and spare[1] == used[0] + _HEAP_BYTES
        and (used[2][:4], spare[2][:4]) == ("rw-p", "---p")
        for used, spare in pairwise(ends)
    )


def test_a_daemon_that_serves_has_no_heap_for_each_of_its_threads(
    cast: Config, clips: Path
) -> None:
    put_before_camera(cast, clips, "live-first")
    with child_daemon(cast) as child:
        answers = [child.caller.authenticate(his_call(FIRST)) for _ in range(2)]
        heaps = heaps_of_threads(child.process.pid)

    assert [1, 1] == [answer["code"] for answer in answers]
    assert 0 == heaps


def test_what_is_free_goes_back_to_the_system() -> None:
    assert told(_GIVEN_BACK) > 40
