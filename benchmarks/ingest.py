"""Records per second through the centre (mutual TLS, batches of 200) against a bare upsert.

    .venv/bin/python benchmarks/ingest.py [--records 16000] [--devices 8] [--processes 2]

Both write the same rows into the same table of one PostgreSQL child, one after the other: first
the centre, in processes of its own on one port, called by as many machines as asked; then psycopg
with what the centre has stored, one unnest upsert per 200 rows and a commit each. Senders, centre
and database share the cores of this machine. Exit code 1 below 0.5 x. ``--engine sqlite``: the
embedded store alone. ``--bus 3``: so many JetStream servers and a writer between the two; then
the time ends when all is written, and the rate of answers is told beside.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any, LiteralString, cast

import psycopg
from sqlalchemy import select

from yibao_face.sync.center.api import CenterError
from yibao_face.sync.center.store.database import Database, rows
from yibao_face.sync.center.store.tables import RECORD

ROOT = Path(__file__).resolve().parent.parent
# The bed is the tests', which are no package.
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from tests.center_bed import (  # noqa: E402  # as said above
    Machine,
    chained,
    envelope,
    postgres,
    record,
    running,
)
from tests.cluster_bed import nats  # noqa: E402  # as said above

BATCH = 200
FILLING = json.dumps({"text": "实人核验记录" * 40}, ensure_ascii=False)
KINDS = {"INTEGER": "int4", "BIGINT": "int8", "BLOB": "bytea", "BOOLEAN": "bool"}
_NAMES = [column.name for column in RECORD.columns]


def batches(device: str, first: int, count: int) -> list[bytes]:
    """Packed batches of ``count`` records of about 1.6 kB, with ids from ``first`` on."""
    made = chained(
        record(n, detail=FILLING, sealed_request=bytes(300)) for n in range(first, first + count)
    )
    parts = [made[at : at + BATCH] for at in range(0, count, BATCH)]
    return [gzip.compress(json.dumps(envelope(p, device=device)).encode(), 1) for p in parts]


def bare(url: str, stored: list[dict[str, Any]]) -> float:
    """Records per second of one psycopg connection, from rows in memory to the commit."""
    Database(url).close()
    types = [KINDS.get(str(column.type), "text") for column in RECORD.columns]
    arrays = ", ".join(f"%({n})s::{t}[]" for n, t in zip(_NAMES, types, strict=True))
    query = (
        f"INSERT INTO record ({', '.join(_NAMES)}) SELECT * FROM unnest({arrays})"  # noqa: S608  # own names
        " ON CONFLICT DO NOTHING RETURNING id"
    )
    parts = [stored[at : at + BATCH] for at in range(0, len(stored), BATCH)]
    columns = [{name: [row[name] for row in part] for name in _NAMES} for part in parts]
    with psycopg.connect(url, autocommit=True) as db:
        part = int(stored[0]["part"])
        _run(db, f"CREATE TABLE d PARTITION OF record FOR VALUES FROM ({part}) TO ({part + 1})")
        began_s = time.perf_counter()
        new = sum(len(_run(db, query, one).fetchall()) for one in columns)
        spent_s = time.perf_counter() - began_s
    return new / spent_s


def _run(db: psycopg.Connection[Any], query: str, given: Any = None) -> psycopg.Cursor[Any]:
    return db.execute(cast(LiteralString, query), given)


@contextmanager
def serving(
    folder: Path, url: str | None, processes: int, bus: str | None = None
) -> Generator[int, None, None]:
    """The real command, so many of it on one port, and a writer if there is a bus; the port."""
    rest = [*(["--db", url] if url else []), *(["--bus", bus] if bus else [])]
    with ExitStack() as stack:
        first = ["serve", "--port", "0", "--share-port", *rest]
        port = int(stack.enter_context(_process(folder, first)).rsplit(":", 1)[1])
        again = ["serve", "--port", str(port), "--share-port", *rest]
        for _ in range(processes - 1):
            stack.enter_context(_process(folder, again))
        if bus:
            stack.enter_context(_process(folder, ["write", *rest]))
        yield port


@contextmanager
def _process(folder: Path, words: list[str]) -> Generator[str, None, None]:
    """``center`` with these words; the line it says when it is ready."""
    program = [sys.executable, "-m", "yibao_face.daemon.cli.main", "center"]
    command = [*program, words[0], "--data", str(folder), *words[1:]]
    log = (folder / "log").open("a")
    with log, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process:
        try:
            yield process.stdout.readline().strip() if process.stdout else ""
        finally:
            process.terminate()


def send(machine: Machine, bodies: list[bytes]) -> int:
    """All batches one after the other; how many records were new."""
    new = 0
    for body in bodies:
        answer = machine.call("POST", "/v1/batch", body, Content_Encoding="gzip")
        while answer.status == 429:
            time.sleep(int(answer.headers["Retry-After"]))
            answer = machine.call("POST", "/v1/batch", body, Content_Encoding="gzip")
        if answer.status != 200:
            raise CenterError(f"{answer.status} {answer.body}")
        new += sum(result["status"] == "new" for result in answer.body["results"])
    return new


def through_the_centre(
    folder: Path, url: str | None, given: argparse.Namespace, bus: str | None = None
) -> tuple[float, list[dict[str, Any]]]:
    """Records per second of all machines together, and what is stored then."""
    names = [f"counter-{n}" for n in range(given.devices)]
    with running(folder, url) as site:
        machines = [site.machine(name) for name in names]
    each = given.records // given.devices
    bodies = [batches(name, 10_000_000 * n, each) for n, name in enumerate(names, 1)]
    with (
        serving(folder, url, given.processes, bus) as port,
        ThreadPoolExecutor(given.devices) as threads,
    ):
        for name, machine in zip(names, machines, strict=True):
            machine.port = port
            machine.batch([], device=name)
        began_s = time.perf_counter()
        new = sum(threads.map(send, machines, bodies))
        spent_s = time.perf_counter() - began_s
        if bus:
            print(f"answered with {given.bus} bus server(s): {new / spent_s:,.0f} records/s")
            _wait_until_written(bus)
            spent_s = time.perf_counter() - began_s
        for machine in machines:
            machine.close()
    with running(folder, url) as site, site.center.database.reading() as db:
        stored = rows(db, select(RECORD))
    if not new == len(stored) == each * given.devices:
        raise CenterError(f"{new} new, {len(stored)} stored")
    return new / spent_s, stored


def _wait_until_written(bus: str) -> None:
    from yibao_face.sync.center.bus.address import read_address  # noqa: PLC0415  # with a bus only
    from yibao_face.sync.center.bus.jetstream import JetStream  # noqa: PLC0415  # with a bus only

    stream = JetStream(read_address(bus))
    while stream.waiting():
        time.sleep(0.02)
    stream.close()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=16_000)
    parser.add_argument("--devices", type=int, default=8)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--engine", choices=("postgresql", "sqlite"), default="postgresql")
    parser.add_argument("--bus", type=int, default=0, choices=(0, 1, 3), help="servers")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        if given.engine == "sqlite":
            rate, _ = through_the_centre(Path(made), None, given)
            print(f"centre over SQLite: {rate:,.0f} records/s")
            return 0
        with postgres() as server:
            with nats(given.bus) if given.bus else nullcontext() as bus:
                where = (Path(made), server.new_database())
                rate, stored = through_the_centre(*where, given, bus.url if bus else None)
            bare_rate = bare(server.new_database(), stored)
    print(f"bare upsert by psycopg: {bare_rate:,.0f} records/s")
    print(f"centre over PostgreSQL: {rate:,.0f} records/s, {rate / bare_rate:.2f} x")
    return 0 if rate >= bare_rate / 2 else 1


if __name__ == "__main__":
    raise SystemExit(main())
