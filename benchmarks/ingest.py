"""Records per second through the centre (mutual TLS, batches of 200) against a bare upsert.

    .venv/bin/python benchmarks/ingest.py [--records 16000] [--devices 8] [--rows 5000000]

Both write the same rows into the same table of one PostgreSQL child, one after the other: first
the centre, in processes of its own on one port, called by as many machines as asked; then psycopg
with what the centre has stored, one unnest upsert per 200 rows and a commit each. Senders, centre
and database share the cores of this machine. Exit code 1 below 0.5 x. ``--engine sqlite``: the
embedded store alone. ``--bus 3``: so many JetStream servers and a writer between the two; then
the time ends when all is written, and the rate of answers is told beside. ``--rows N``: is the
rate the same with N records in the table? Measured by turns over an empty database and one with N
rows of 40 days and 1,000 invented machines; medians of five; exit code 1 when it is more than
1.3 x slower.
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
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
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex

from yibao_face.sync.center.api import CenterError
from yibao_face.sync.center.ingest.record import day_of_ms
from yibao_face.sync.center.store.database import Database, rows
from yibao_face.sync.center.store.tables import RECORD

ROOT = Path(__file__).resolve().parent.parent
# The bed is the tests', which are no package.
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from tests.center_bed import (  # noqa: E402  # as said above
    AT_MS,
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
_TURNS, _FILLERS = 5, 3
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
    folder: Path,
    url: str | None,
    given: argparse.Namespace,
    run: int = 0,
    bus: str | None = None,
) -> float:
    """Records per second of all machines together; ``run``: other machines and records each."""
    names = [f"counter-{run}-{n}" for n in range(given.devices)]
    each = given.records // given.devices
    with running(folder, url) as site:
        machines = [site.machine(name) for name in names]
    start = run * given.devices
    bodies = [batches(name, 1_000_000 * (start + n), each) for n, name in enumerate(names)]
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
    if new != each * given.devices:
        raise CenterError(f"{new} new of {each * given.devices}")
    return new / spent_s


def stored_in(folder: Path, url: str | None) -> list[dict[str, Any]]:
    """All that is stored."""
    with running(folder, url) as site, site.center.database.reading() as db:
        return rows(db, select(RECORD))


# Records of 1,000 invented machines over the 40 days up to the one that is measured on.
FILL = """
INSERT INTO record
SELECT {day} - n % 40, 'f' || md5(n::text), 'settlement', {at} - (n % 40)::bigint * 86400000,
 '2026-11-22', repeat('0', 64), 'P' || lpad((n % 1000)::text, 11, '0'), 'D' || n,
 repeat('5', 64), 1, 1, 'matched-self', '', '', '', '{{"match":0.71}}', '{{}}', '{{}}', '',
 'replay', '', '', '[]', '{{}}', decode(md5(n::text), 'hex'), false, 'fill-' || n % 1000,
 n / 1000 + 1, decode(repeat('00', 32), 'hex'), decode(md5(n::text) || md5(n::text), 'hex'),
 3, '{{}}', 'whole', 'boot', {at}, 0
FROM generate_series({first}, {last}) AS n
"""


def fill(url: str, count: int) -> None:
    """``count`` rows more in partitions as the centre makes them, under the same indexes."""
    day = day_of_ms(AT_MS)
    database = Database(url)
    database.ready_for({*range(day - 39, day + 1)}, day)
    database.close()
    ends = [count * n // _FILLERS for n in range(_FILLERS + 1)]

    def part(first: int, last: int) -> None:
        with psycopg.connect(url, autocommit=True) as db:
            _run(db, "SET synchronous_commit = off")
            for at in range(first, last, 250_000):
                span = {"first": at, "last": min(at + 250_000, last) - 1}
                _run(db, FILL.format(day=day, at=AT_MS, **span))

    with psycopg.connect(url, autocommit=True) as db, ThreadPoolExecutor(_FILLERS) as threads:
        for index in RECORD.indexes:
            _run(db, f"DROP INDEX {index.name}")
        list(threads.map(part, ends, ends[1:]))
        for index in sorted(RECORD.indexes, key=lambda index: str(index.name)):
            _run(db, str(CreateIndex(index).compile(dialect=postgresql.dialect())))
        _run(db, "ANALYZE record")
        _run(db, "CHECKPOINT")


def flat(folder: Path, empty: str, full: str, given: argparse.Namespace) -> int:
    """Rates of both, by turns, and whether they are near enough."""
    began_s = time.perf_counter()
    fill(full, given.rows)
    print(
        f"{given.rows:,} rows filled in within {time.perf_counter() - began_s:,.0f} s", flush=True
    )
    rates: dict[str, list[float]] = {empty: [], full: []}
    for run in range(_TURNS):
        for url, found in rates.items():
            found.append(through_the_centre(folder, url, given, run))
    for name, url in (("empty", empty), ("full", full)):
        told = ", ".join(f"{rate:,.0f}" for rate in rates[url])
        print(f"{name}: median {statistics.median(rates[url]):,.0f} records/s of {told}")
    slower = statistics.median(rates[empty]) / statistics.median(rates[full])
    print(f"with {given.rows:,} rows {slower:.2f} x slower than empty")
    return 0 if slower <= 1.3 else 1


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
    parser.add_argument("--rows", type=int, default=0, help="measure with so many rows as well")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        if given.engine == "sqlite":
            rate = through_the_centre(Path(made), None, given)
            print(f"centre over SQLite: {rate:,.0f} records/s")
            return 0
        with postgres() as server:
            url = server.new_database()
            if given.rows:
                return flat(Path(made), url, server.new_database(), given)
            with nats(given.bus) if given.bus else nullcontext() as bus:
                rate = through_the_centre(Path(made), url, given, bus=bus.url if bus else None)
            bare_rate = bare(server.new_database(), stored_in(Path(made), url))
    print(f"bare upsert by psycopg: {bare_rate:,.0f} records/s")
    print(f"centre over PostgreSQL: {rate:,.0f} records/s, {rate / bare_rate:.2f} x")
    return 0 if rate >= bare_rate / 2 else 1


if __name__ == "__main__":
    raise SystemExit(main())
