"""The library under fuzzers and sanitizers, the short way; each is known to be able to find."""

from __future__ import annotations

import subprocess
import sys

import pytest
from harness import ROOT, require

# A short run of each tool, and what it needs beside gcc.
SHORT = {
    "libfuzzer": ("clang", "50000"),
    "asan": ("gcc", "50000"),
    "tsan": ("gcc", "50"),
    "valgrind": ("valgrind", "20"),
}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the Linux library is built here")


def run(tool: str, *more: str) -> tuple[int, str]:
    needed, runs = SHORT[tool]
    for name in {"gcc", needed}:
        require(name)
    command = [sys.executable, str(ROOT / "shim" / "fuzz" / "run.py"), tool, "--runs", runs]
    done = subprocess.run([*command, *more], check=False, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("tool", SHORT)
def test_nothing_is_found(tool: str) -> None:
    code, said = run(tool)

    assert 0 == code, said
    assert "no finding" in said


@pytest.mark.parametrize("tool", SHORT)
def test_a_planted_fault_is_found(tool: str) -> None:
    code, said = run(tool, "--plant")

    assert 1 == code, said
    assert "FINDING" in said
