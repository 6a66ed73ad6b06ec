"""Kill -9 of a counter in the middle of sending: nothing it had written is lost, none doubled."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

from harness import ROOT, wait_for
from uplink_bed import Centre, Machine, skewed

PROGRAM = Path(__file__).with_name("dying_counter.py")
KILLS = 8


def test_killed_again_and_again_nothing_is_lost_and_nothing_doubled(
    site: Centre, counter: Machine
) -> None:
    chance, written = random.Random(20261127), 0  # noqa: S311  # a seed that repeats
    counter.close()
    for _ in range(KILLS):
        written = max(written, _life(counter.folder, site.port, chance.random()))

    survivor = Machine(counter.folder, site.place)
    records = survivor.outbox.count()
    # Who died holds leases: they end by themselves, here at once.
    survivor.uplink = survivor.another(hands=skewed(130_000))
    with survivor.sending():
        wait_for(lambda: survivor.uplink.drained)

    assert records >= written > KILLS
    stored = site.stored()
    assert [*range(1, records + 1)] == [row["seq"] for row in stored]
    assert records == len({row["id"] for row in stored})
    assert set() == {kind for kind in site.alarms() if kind != "clock-skew"}
    assert (0, 0) == (survivor.status.waiting, survivor.status.dead)
    survivor.close()


def _life(folder: Path, port: int, chance: float) -> int:
    """Start it, let it send for a while, kill it; the last number it told of."""
    command = [sys.executable, str(PROGRAM), str(folder), str(port)]
    environment = {"PYTHONPATH": str(ROOT / "tests"), "PATH": ""}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline()
            time.sleep(0.05 + 0.4 * chance)
        finally:
            process.kill()
        told = process.stdout.read().split("\n")[:-1]
    return int(told[-1]) if told else 0
