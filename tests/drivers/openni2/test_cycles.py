"""Faults one after the other, in a process of its own: each is got over, nothing is kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from beds.openni2 import camera

TESTS = Path(__file__).parents[2]
# 300 in the laboratory: python tests/beds/openni2/cycles.py RUNTIME FOLDER 300
COUNT = 18
RECOVERED_S = 3.0


def test_each_fault_is_got_over_in_time_and_nothing_is_kept(runtime: Path, tmp_path: Path) -> None:
    script = camera.HERE / "cycles.py"
    command = [sys.executable, str(script), str(runtime), str(tmp_path), str(COUNT)]
    # Planes go back to the system when they are freed, so that what stays is what is kept.
    environment = os.environ | {"PYTHONPATH": str(TESTS), "MALLOC_MMAP_THRESHOLD_": "65536"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert 0 == done.returncode, done.stderr
    told = json.loads(done.stdout)

    assert 6 == len(told["worst_s"])
    assert max(told["worst_s"].values()) <= RECOVERED_S, told
    assert (0, 0) == (told["files"], told["threads"])
    assert told["rss_kb"] < 4096
