"""The short form of the benchmark: killed again and again, nothing is lost, doubled or stuck."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from harness import ROOT


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits exist on POSIX only")
def test_twenty_kills_lose_nothing_double_nothing_and_leave_nothing_stuck(tmp_path: Path) -> None:
    script = ROOT / "benchmarks" / "kill_outbox.py"
    counts = ("--kills", "20", "--cuts", "20")
    done = subprocess.run(
        [sys.executable, str(script), *counts, "--folder", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, "") == (done.returncode, done.stderr), done.stdout
    first, second = done.stdout.splitlines()
    assert first.startswith("20 kills, ")
    assert first.endswith(": 0 lost / 0 doubled / 0 stuck")
    assert "20 logs cut or zeroed anywhere: 20 whole beginnings" == second
