"""Thirty days offline: how long until the centre has them, and does anybody at the counter notice?

    .venv/bin/python benchmarks/backlog.py [--records 60000] [--pieces 3000] [--calls N]

A real daemon before a recorded clip wakes with a month of invented results and pieces of evidence,
its centre (a process of its own, SQLite, mutual TLS) comes back, and it is asked all the while.
Then another one, which has nothing to send, is asked as often (``--calls``: N times at the most):
calls warm a daemon up, too, so memory is compared after as many of them. Told: seconds until the
last result and the last piece were taken, whether results came first, memory of both daemons, and
the times of the calls. The centre runs at low priority: in life it is another machine.
Exit code 1 beyond 10 min, 200 MB more, or 1.2 x at p99.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
from kill_link import free_port
from scratch import ENROLLED, enrol_one, scratch_site
from sqlalchemy import func, select

from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config, load_config, to_toml
from yibao_face.daemon.core.identity import uuid7
from yibao_face.daemon.demo.child import Child, child_daemon
from yibao_face.daemon.door.client import sample_request
from yibao_face.daemon.gallery.evidence import Evidence
from yibao_face.daemon.section import CentreConfig
from yibao_face.daemon.wiring import outbox_path, signer_of, vault_of
from yibao_face.sync.api import FIELDS, Record
from yibao_face.sync.center.store.database import Database
from yibao_face.sync.center.store.tables import EVIDENCE, RECORD
from yibao_face.sync.outbox import Outbox

MOST_S, MOST_MB, MOST_RATIO = 600.0, 200.0, 1.2
INSTITUTION = sample_request(ENROLLED, "", Clock(), 0)["fixmedins_code"]
DEVICE = "counter-1"
_MONTH_MS = 30 * 24 * 3600 * 1000
_PIECE_BYTES = 40_000
_WORDS = "实人核验记录" * 30
_CENTRE = Path(__file__).with_name("kill_link.py")
_PROGRAM = (sys.executable, "-m", "yibao_face.daemon")


@dataclass
class Seen:
    """What was measured of a daemon that is called all the time. Times in ms, memory in MB."""

    calls_ms: list[float] = field(default_factory=list[float])
    rss_mb: list[float] = field(default_factory=list[float])
    refused: int = 0

    def told(self) -> str:
        """One line."""
        cuts = statistics.quantiles(self.calls_ms, n=100)
        first, last = self.rss_mb[0], self.rss_mb[-1]
        return (
            f"{len(self.calls_ms)} calls, p50 {cuts[49]:.0f} ms, p95 {cuts[94]:.0f} ms,"
            f" p99 {cuts[98]:.0f} ms, refused {self.refused}, RSS {first:.0f} MB after the first,"
            f" {max(self.rss_mb):.0f} at most, {last:.0f} after the last"
        )

    def most_mb(self, calls: int) -> float:
        """The most it held within so many calls."""
        return max(self.rss_mb[:calls])

    @property
    def p99_ms(self) -> float:
        """The time 99 of 100 calls keep within."""
        return statistics.quantiles(self.calls_ms, n=100)[98]


def call_once(child: Child, seen: Seen, sequence: int) -> None:
    """One verification of the person before the camera."""
    body = sample_request(ENROLLED, "李四", Clock(), sequence)
    began = time.perf_counter()
    answer = child.caller.authenticate(json.dumps(body, ensure_ascii=False).encode())
    seen.calls_ms.append((time.perf_counter() - began) * 1000)
    seen.refused += answer["code"] != 1
    seen.rss_mb.append(psutil.Process(child.process.pid).memory_info().rss / 2**20)


def quiet_calls(config: Config, calls: int) -> Seen:
    """A daemon that is bound and has nothing to send."""
    seen = Seen()
    with child_daemon(config) as child:
        call_once(child, Seen(), 1_000_000)  # the camera is warm
        _online(child)
        for n in range(calls):
            call_once(child, seen, n)
    return seen


def fill(config: Config, records: int, pieces: int) -> None:
    """A month of invented results, one in twenty with a piece of evidence."""
    vault = vault_of(config)
    evidence = Evidence(config.data / "evidence", vault)
    now_ms = time.time_ns() // 1_000_000
    every = max(1, records // max(1, pieces))
    with Outbox(outbox_path(config), sign=signer_of(vault).sign) as outbox:
        for n in range(records):
            name = evidence.put(os.urandom(_PIECE_BYTES)) if n % every == 0 else ""
            outbox.put(_record(now_ms - _MONTH_MS + n * (_MONTH_MS // records), n, name))


def _record(at_ms: int, n: int, evidence: str) -> Record:
    fixed = {
        "id": uuid7(at_ms, n.to_bytes(10, "big")),
        "kind": "settlement",
        "at_unix_ms": at_ms,
        "day": time.strftime("%Y-%m-%d", time.gmtime(at_ms / 1000 + 8 * 3600)),
        "institution": INSTITUTION,
        "deal_no": f"M{n:08d}",
        "person": "5" * 64,
        "code": 1,
        "who": 1,
        "cause": "matched-self",
        "evidence_sha256": evidence,
        "detail": f'{{"text":"{_WORDS}"}}',
        "sealed_request": os.urandom(300),
        "demo": True,
        **dict.fromkeys(("scores", "models", "thresholds"), "{}"),
        "findings": "[]",
    }
    texts = dict.fromkeys(set(FIELDS) - fixed.keys(), "")
    return Record(**fixed, **texts)  # type: ignore[arg-type]  # names and values of one table


@dataclass
class Drained:
    """Seconds from the centre's return until all results, then all evidence were there."""

    results_s: float = 0.0
    evidence_s: float = 0.0


def drain(config: Config, home: Path, port: int, pieces: int) -> tuple[Seen, Drained]:
    """Call all the while the backlog goes up."""
    seen, drained = Seen(), Drained()
    done = threading.Event()
    with child_daemon(config) as child:
        call_once(child, Seen(), 3_000_000)  # the camera is warm
        with serving(home, port):
            watcher = threading.Thread(target=_watch, args=(child, home, pieces, drained, done))
            watcher.start()
            sequence = 2_000_000
            while not done.is_set():
                call_once(child, seen, sequence)
                sequence += 1
            watcher.join()
    return seen, drained


def _watch(child: Child, home: Path, pieces: int, drained: Drained, done: threading.Event) -> None:
    began = time.monotonic()
    try:
        while not drained.results_s and time.monotonic() < began + 2 * MOST_S:
            time.sleep(1.0)
            centre = child.caller.health()["centre"]
            if centre["state"] == "online" and centre["waiting"] < 200:
                drained.results_s = time.monotonic() - began
        while not drained.evidence_s and time.monotonic() < began + 3 * MOST_S:
            time.sleep(1.0)
            if stored(home)[1] >= pieces:
                drained.evidence_s = time.monotonic() - began
    finally:
        done.set()


def stored(home: Path) -> tuple[int, int]:
    """Records and pieces of evidence at the centre."""
    database = Database(f"sqlite:///{home / 'center.db'}")
    try:
        with database.reading() as db:
            counted = [db.scalar(select(func.count()).select_from(t)) for t in (RECORD, EVIDENCE)]
    finally:
        database.close()
    return int(counted[0] or 0), int(counted[1] or 0)


def results_first(home: Path) -> bool:
    """Whether the month's results were taken before its first piece of evidence."""
    database = Database(f"sqlite:///{home / 'center.db'}")
    month = RECORD.c.deal_no.like("M%")
    try:
        with database.reading() as db:
            last = db.scalar(select(func.max(RECORD.c.received_ms)).where(month))
            first = db.scalar(select(func.min(EVIDENCE.c.received_ms)))
    finally:
        database.close()
    return last is not None and first is not None and last <= first


@contextmanager
def serving(home: Path, port: int, host: str = "127.0.0.1") -> Generator[None, None, None]:
    """The centre, at low priority."""
    # As `center serve`, but with evidence at any time of the day.
    words = [sys.executable, str(_CENTRE), "--centre", str(home), "--port", str(port)]
    words += ["--host", host]
    with (home / "centre.log").open("ab") as log:
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log)
    psutil.Process(process.pid).nice(15)
    try:
        assert process.stdout is not None  # noqa: S101  # it was asked for
        if not process.stdout.readline().startswith(b"ready"):
            raise SystemExit("the centre did not start")
        yield
    finally:
        process.terminate()
        process.wait()


def bind(config: Config, home: Path, port: int) -> None:
    """Set up the centre and bind this machine to it, as an operator and an engineer do."""
    run("center", "init", "--data", str(home))
    who = ("--institution", INSTITUTION, "--device", DEVICE)
    code = run("center", "code", "--data", str(home), *who).split()[0]
    file = config.data / "config.toml"
    file.write_text(to_toml(config), "utf-8")
    with serving(home, port):
        link = ("link", "--config", str(file), "enrol")
        run(*link, "--ca", str(home / "ca.pem"), "--code", code)


def run(*words: str) -> str:
    """A command of ours, to its end; what it printed."""
    done = subprocess.run([*_PROGRAM, *words], check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(words[:2])}: {done.stderr.strip()}")
    return done.stdout


def _online(child: Child) -> None:
    until = time.monotonic() + 30
    while child.caller.health()["centre"]["state"] != "online":
        if time.monotonic() > until:
            raise SystemExit("the daemon is not bound to the centre")
        time.sleep(0.2)


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--records", type=int, default=60_000)
    parser.add_argument("--pieces", type=int, default=3_000)
    parser.add_argument("--calls", type=int, help="most calls of the daemon with nothing to send")
    given = parser.parse_args()
    home_config = load_config()
    with scratch_site(home_config) as bare:
        port, home = free_port(), bare.data / "centre"
        site = replace(bare, centre=CentreConfig(url=f"https://localhost:{port}"))
        enrol_one(site, home_config)
        bind(site, home, port)
        began = time.monotonic()
        fill(site, given.records, given.pieces)
        print(f"written in {time.monotonic() - began:.0f} s: {given.records} results")
        busy, drained = drain(site, home, port, stored(home)[1] + given.pieces)
        records, pieces = stored(home)
        first = results_first(home)
        calls = min(len(busy.calls_ms), given.calls or len(busy.calls_ms))
        with serving(home, port):
            quiet = quiet_calls(site, calls)
    print(f"while sending:   {busy.told()}")
    print(f"nothing to send: {quiet.told()}")
    more_mb = busy.most_mb(calls) - quiet.most_mb(calls)
    ratio = busy.p99_ms / quiet.p99_ms
    print(
        f"results {drained.results_s:.0f} s, evidence {drained.evidence_s:.0f} s after its centre"
        f" came back; there now {records} records, {pieces} pieces;"
        f" {'results first' if first else 'EVIDENCE BEFORE RESULTS'};"
        f" {more_mb:+.0f} MB within the same {calls} calls; p99 {ratio:.2f} x"
    )
    complete = records >= given.records and pieces >= given.pieces and first
    met = complete and 0 < drained.results_s <= MOST_S and more_mb <= MOST_MB
    return 0 if met and ratio <= MOST_RATIO and not busy.refused else 1


if __name__ == "__main__":
    raise SystemExit(main())
