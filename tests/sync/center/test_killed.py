"""Kill -9 of the centre: what was acknowledged is there, what is sent again is there once."""

from __future__ import annotations

import http.client
import random
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from center_bed import Machine, Site, run_of, running, statuses

PROGRAM = Path(__file__).with_name("dying_center.py")
LOST = (http.client.HTTPException, ConnectionError)


@contextmanager
def child(
    folder: Path, url: str | None
) -> Generator[tuple[subprocess.Popen[str], int], None, None]:
    """A centre in a process of its own, and its port."""
    command = [sys.executable, str(PROGRAM), str(folder), url or "", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


def bound(folder: Path, url: str | None) -> Machine:
    """A machine of the centre in ``folder``; its port is told later."""
    with running(folder, url) as site:
        return site.machine()


@contextmanager
def looked_into(folder: Path, url: str | None) -> Generator[Site, None, None]:
    with running(folder, url) as site:
        yield site


def test_killed_between_commit_and_answer_nothing_is_lost_or_doubled(
    tmp_path: Path, url: str | None
) -> None:
    machine, sent = bound(tmp_path, url), run_of(1, 50)
    (tmp_path / "die").touch()
    for _ in range(2):
        with child(tmp_path, url) as (process, machine.port):
            with suppress(*LOST):
                raise AssertionError(machine.batch(sent))
            assert -9 == process.wait(10)
    (tmp_path / "die").unlink()

    with child(tmp_path, url) as (_, machine.port):
        assert ["dup"] * 50 == statuses(machine.batch(sent))
        machine.close()
    with looked_into(tmp_path, url) as site:
        assert [*range(1, 51)] == [row["seq"] for row in site.stored()]
        assert {"whole"} == {row["chain"] for row in site.stored()}
        assert {} == site.alarms()


def test_killed_at_any_moment_nothing_is_lost_or_doubled(tmp_path: Path, url: str | None) -> None:
    machine, sent, dice = bound(tmp_path, url), run_of(1, 400), random.Random(8)  # noqa: S311  # moments
    done, kills = 0, 0
    while done < len(sent):
        with child(tmp_path, url) as (process, machine.port):
            if kills < 6:
                threading.Timer(dice.uniform(0.02, 0.25), process.kill).start()
            with suppress(*LOST):
                while done < len(sent):
                    assert {"new", "dup"} >= {*statuses(machine.batch(sent[done : done + 10]))}
                    done += 10
            machine.close()
            kills += done < len(sent)

    with looked_into(tmp_path, url) as site:
        assert [*range(1, 401)] == [row["seq"] for row in site.stored()]
        assert {"whole"} == {row["chain"] for row in site.stored()}
        assert {} == site.alarms()
    assert kills > 0
