"""The packed program is its children's Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from harness import ROOT

ENTRY = ROOT / "installer" / "bundle" / "entry.py"


def started(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ENTRY), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("isolated", [(), ("-P",)])
def test_a_module_of_ours_is_run_as_a_child(isolated: tuple[str, ...]) -> None:
    ended = started(*isolated, "-m", "yibao_face.daemon", "--version")

    assert 0 == ended.returncode, ended.stderr
    assert ended.stdout.startswith("yibao-face ")


def test_other_words_are_the_command_line() -> None:
    assert started("--version").stdout.startswith("yibao-face ")


@pytest.mark.parametrize("words", [("-m", "http.server"), ("-m",), ("-c", "print(1)")])
def test_it_is_a_python_for_nothing_else(words: tuple[str, ...]) -> None:
    ended = started(*words)

    assert 2 == ended.returncode
    assert "" == ended.stdout


def test_the_host_of_drivers_can_be_started(tmp_path: Path) -> None:
    command = [sys.executable, str(ENTRY), "-P", "-m", "yibao_face.drivers.host"]

    ended = subprocess.run(
        command, input=b"", capture_output=True, check=False, timeout=60, cwd=tmp_path
    )

    assert b"usage" not in ended.stderr
