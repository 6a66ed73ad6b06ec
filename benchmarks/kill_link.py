"""Kill -9 of a counter and its centre, again and again, while records go up: is anything lost?

A counter writes records and sends them over mTLS to a real centre, through a wire that loses some
answers after the centre has committed. The parent kills the counter, the centre or both at random
moments and tears the end of their write-ahead logs, as a power cut does; both meet full disks now
and then. At the end both run undisturbed: every record the counter was told to be on disk must be
at the centre, once, nothing may be stuck, and both chains must be whole. Exit code 1 when not.
Linux and macOS only (``resource``).

    .venv/bin/python benchmarks/kill_link.py [--kills 500] [--seed 1]
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import cast

from kill_outbox import put_on_full_disk, tear
from sqlalchemy import func, select

ROOT = Path(__file__).resolve().parent.parent
# The beds are the tests', which are no package.
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from tests.center_bed import record  # noqa: E402  # as said above
from tests.uplink_bed import SIGNER, Cable, Machine, centre  # noqa: E402  # as said above
from yibao_face.daemon.trust.signature import BadSignatureError, verifier  # noqa: E402
from yibao_face.sync.api import Query  # noqa: E402
from yibao_face.sync.center.center import open_center  # noqa: E402
from yibao_face.sync.center.http.server import serve  # noqa: E402
from yibao_face.sync.center.store.database import Database, rows  # noqa: E402
from yibao_face.sync.center.store.tables import ALARM, CONFLICT, GAP, RECORD  # noqa: E402
from yibao_face.sync.store.verify import verify  # noqa: E402
from yibao_face.sync.uplink.api import Place  # noqa: E402

_LIFE_S, _DRAIN_S, _START_S = 1.2, 120.0, 30.0
_FULL_DISK = 0.03
_PER_RUN = 100_000


@dataclass
class Tally:
    """What went wrong, and how much was tried."""

    kills: Counter[str] = field(default_factory=Counter[str])
    told: set[str] = field(default_factory=set[str])
    full: int = 0
    torn: int = 0
    wrong: list[str] = field(default_factory=list[str])

    def hear(self, lines: list[str]) -> None:
        """What the counter said before it died; half a line was never said."""
        words = [line.split() for line in lines if line.endswith("\n")]
        self.told |= {word[1] for word in words if word[0] == "put"}
        self.full += sum(word[0] == "full" for word in words)


def counter_child(folder: Path, port: int, run: int) -> None:
    """Write and send until killed; every line on stdout is a promise."""
    chance = random.Random(run)  # noqa: S311  # repeatable, guards nothing
    machine = Machine(folder, Place("localhost", port))
    with machine.sending():
        for n in count(run * _PER_RUN):
            made = record(n)
            full = chance.random() < _FULL_DISK
            if full and not put_on_full_disk(machine.outbox, folder / "results.db", made):
                print("full", made.id, flush=True)
            if machine.outbox.get(made.id) is None:
                machine.outbox.put(made)
            print("put", made.id, flush=True)
            time.sleep(chance.random() * 0.02)


def centre_child(folder: Path, port: int, full: bool, host: str) -> None:
    """A centre until killed. ``full``: whatever it writes soon meets a full disk."""
    with open_center(folder) as center:
        if full:
            _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            largest = max(file.stat().st_size for file in folder.glob("center.db*"))
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest // 2, hard))

        def ready(bound: int) -> None:
            print("ready", bound, flush=True)

        asyncio.run(serve(center, host, port, ready, asyncio.Event()))


class Child:
    """One of the two, started anew whenever it is dead."""

    def __init__(self, *words: str) -> None:
        command = [sys.executable, __file__, *words]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None  # noqa: S101  # it was asked for
        self._said = [self._process.stdout.readline()]
        if not self._said[0]:
            raise SystemExit(f"the child {words[0]} ended by itself")

    def kill(self) -> list[str]:
        """All it said."""
        self._process.kill()
        assert self._process.stdout is not None  # noqa: S101  # it was asked for
        self._said += self._process.stdout.readlines()
        self._process.wait()
        return self._said


class Pair:
    """A counter and a centre in folders of their own, and the wire between them."""

    def __init__(self, folder: Path, chance: random.Random, tally: Tally) -> None:
        self.edge, self.home = folder / "counter", folder / "centre"
        self._chance, self._tally = chance, tally
        self.port = free_port()
        for place in (self.edge, self.home):
            place.mkdir()
        with centre(self.home) as site:
            machine = Machine(self.edge, Place("localhost", site.port))
            machine.enrol(site)
            machine.close()
        self.wire = Cable(self.port)
        self._runs = count(1)
        self._counter = self._new_counter()
        self._centre = self._new_centre()

    def _new_counter(self) -> Child:
        words = ("--counter", str(self.edge), "--port", str(self.wire.port))
        return Child(*words, "--run", str(next(self._runs)))

    def _new_centre(self, *, full: bool = False) -> Child:
        words = ("--centre", str(self.home), "--port", str(self.port))
        return Child(*words, *(["--full"] if full else []))

    def kill_once(self) -> None:
        """Let both live a while, end one or both, and start them again."""
        if self._chance.random() < 0.2:
            self.wire.lose_answers(1)
        time.sleep(self._chance.random() * _LIFE_S)
        victim = self._chance.choice(("counter", "counter", "centre", "centre", "both"))
        self._tally.kills[victim] += 1
        if victim != "centre":
            self._tally.hear(self._counter.kill())
            self._tally.torn += tear(self.edge / "results.db", self._chance)
        if victim != "counter":
            self._centre.kill()
            self._tally.torn += tear(self.home / "center.db", self._chance)
            self._centre = self._new_centre(full=self._chance.random() < _FULL_DISK * 2)
        if victim != "centre":
            self._counter = self._new_counter()

    def end(self) -> None:
        """Let both end, and the counter send the rest to an undisturbed centre."""
        self._tally.hear(self._counter.kill())
        self._centre.kill()
        self._centre = self._new_centre()
        machine = Machine(self.edge, Place("localhost", self.port))
        with machine.sending() as uplink:
            _wait(lambda: uplink.drained)
        kept = Counter(row.id for row in machine.outbox.briefs(Query()))
        counts = machine.outbox.delivery.counts()
        machine.close()
        self._centre.kill()
        self.wire.close()
        self._compare(kept, counts.waiting + counts.dead)

    def _compare(self, kept: Counter[str], stuck: int) -> None:
        told, wrong = self._tally.told, self._tally.wrong
        stored, alarms, strays = stored_at(self.home)
        lost = told - stored.keys() | told - kept.keys()
        doubled = [key for table in (kept, stored) for key, n in table.items() if n > 1]
        foreign = stored.keys() - kept.keys()
        wrong += [
            f"counter's chain: {f.told}" for f in verify(self.edge / "results.db", signed).findings
        ]
        wrong += [f"centre: {line}" for line in (*alarms, *strays)]
        for name, found in (("lost", len(lost)), ("doubled", len(doubled)), ("stuck", stuck)):
            wrong += [f"{found} {name}"] if found else []
        wrong += [f"{len(foreign)} at the centre that the counter has not"] if foreign else []
        print(
            f"{sum(self._tally.kills.values())} kills {dict(self._tally.kills)},"
            f" {self._tally.torn} torn logs, {self._tally.full} full disks,"
            f" {self.wire.lost} answers lost, {len(told)} records told, {sum(kept.values())} kept,"
            f" {sum(stored.values())} stored:"
            f" {len(lost)} lost / {len(doubled)} doubled / {stuck} stuck"
        )


def stored_at(home: Path) -> tuple[Counter[str], list[str], list[str]]:
    """Ids at the centre; alarms and records of another verdict than a whole chain; strays."""
    database = Database(f"sqlite:///{home / 'center.db'}")
    try:
        with database.reading() as db:
            stored = Counter(row["id"] for row in rows(db, select(RECORD.c.id)))
            alarms = [f"alarm {row['kind']} {row['subject']}" for row in rows(db, select(ALARM))]
            broken = select(func.count()).where(RECORD.c.chain.in_(("broken", "fork")))
            counted = {
                "records off the chain": db.execute(broken).scalar_one(),
                "conflicts": db.execute(select(func.count()).select_from(CONFLICT)).scalar_one(),
                "gaps": db.execute(select(func.count()).select_from(GAP)).scalar_one(),
            }
    finally:
        database.close()
    return stored, alarms, [f"{found} {name}" for name, found in counted.items() if found]


def signed(signature: bytes, data: bytes) -> bool:
    """Whether it is the signature of the counter of this run."""
    try:
        verifier(SIGNER.algorithm, SIGNER.public_key()).verify(signature, data)
    except BadSignatureError:
        return False
    return True


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return cast(int, found.getsockname()[1])


def _wait(true: Callable[[], bool]) -> None:
    until = time.monotonic() + _DRAIN_S
    while not true() and time.monotonic() < until:
        time.sleep(0.1)


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    for name in ("counter", "centre"):
        parser.add_argument(f"--{name}", type=Path, help=argparse.SUPPRESS)
    for name in ("port", "run"):
        parser.add_argument(f"--{name}", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--host", default="127.0.0.1", help=argparse.SUPPRESS)
    parser.add_argument("--full", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.counter:
        counter_child(given.counter, given.port, given.run)
    if given.centre:
        centre_child(given.centre, given.port, given.full, given.host)
    chance, tally = random.Random(given.seed), Tally()  # noqa: S311  # repeatable
    folder = Path(tempfile.mkdtemp())
    try:
        pair = Pair(folder, chance, tally)
        for _ in range(given.kills):
            pair.kill_once()
        pair.end()
    finally:
        shutil.rmtree(folder)
    for line in tally.wrong:
        print(f"WRONG: {line}")
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
