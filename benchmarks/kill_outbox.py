"""Kill -9 of a process that writes and delivers records, again and again: is anything lost?

Every run starts a child on the same file. It puts records, lets a "centre" (a file of lines, on
disk before the acknowledgement) take some, and meets a full disk now and then; the parent kills it
at a random moment and tears the end of the write-ahead log, as a power cut does. At the end all is
delivered: every record the child told of must be at the centre, once, and the chain be whole.
``--cuts``: then as many copies, each cut or zeroed anywhere in the log: a disk that lied. What is
left must be a whole beginning. Exit code 1 when not. Linux and macOS only (``resource``).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import resource
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from yibao_face.daemon.trust.signature import BadSignatureError, Ed25519Signer, verifier
from yibao_face.sync.api import Query, Record, StoreError
from yibao_face.sync.outbox import Outbox
from yibao_face.sync.store.verify import verify

SIGNER = Ed25519Signer(bytes(range(32)))
_FOREVER_MS = 1 << 45
_WAL_HEAD, _FRAME_HEAD = 32, 24


@dataclass
class Tally:
    """What went wrong, and how much was tried."""

    kills: int = 0
    told: set[str] = field(default_factory=set[str])
    full: int = 0
    torn: int = 0
    wrong: list[str] = field(default_factory=list[str])


def check(signature: bytes, data: bytes) -> bool:
    """Whether it is the signature of the device of this run."""
    try:
        verifier(SIGNER.algorithm, SIGNER.public_key()).verify(signature, data)
    except BadSignatureError:
        return False
    return True


def record(id_: str) -> Record:
    """An invented record of common size."""
    text = json.dumps({"x": "x" * 500})
    fixed = {"kind": "settlement", "at_unix_ms": 1_795_305_600_000, "day": "2026-11-22"}
    texts = {
        name: ""
        for name in Record.__dataclass_fields__
        if name not in {*fixed, "id", "code", "who", "sealed_request", "demo"}
    }
    texts |= {"scores": text, "models": "{}", "thresholds": "{}", "findings": "[]", "detail": "{}"}
    return Record(id=id_, **fixed, **texts, code=1, who=1, sealed_request=b"s" * 700, demo=False)  # type: ignore[arg-type]  # names and values of one table


def child(path: Path, run: int) -> None:
    """Put, deliver and meet a full disk until killed; every line on stdout is a promise."""
    chance = random.Random(run)  # noqa: S311  # repeatable, guards nothing
    with Outbox(path, sign=SIGNER.sign) as outbox:
        for n in count():
            id_ = f"{run:04d}-{n:05d}"
            full = chance.random() < 0.05
            if full and not put_on_full_disk(outbox, path, record(id_)):
                _say("full", id_)
            if outbox.get(id_) is None:
                outbox.put(record(id_))
            _say("put", id_)
            if chance.random() < 0.2:
                deliver(outbox, path, 7, n)


def put_on_full_disk(outbox: Outbox, path: Path, wanted: Record) -> bool:
    """Whether the record got there all the same: the log may have had room."""
    size = path.with_name(f"{path.name}-wal").stat().st_size
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2 + 1000, hard))
    try:
        outbox.put(wanted)
    except StoreError:
        return False
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    return True


def deliver(outbox: Outbox, path: Path, limit: int, now_ms: int) -> int:
    """One batch to the centre's file, then acknowledged; how many there were."""
    batch = outbox.delivery.claim(limit, now_ms)
    lines = "".join(f"{c.record.id} {c.link.seq} {c.link.hash.hex()}\n" for c in batch)
    with centre(path).open("a") as file:
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())
    outbox.delivery.acknowledge([c.record.id for c in batch], now_ms)
    return len(batch)


def centre(path: Path) -> Path:
    """The file that stands for the centre."""
    return path.with_name("centre.txt")


def _say(*words: str) -> None:
    os.write(1, (" ".join(words) + "\n").encode())


def kill_once(path: Path, run: int, chance: random.Random, tally: Tally) -> None:
    """One child, its life and its end."""
    command = [sys.executable, __file__, "--child", str(path), "--run", str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None  # noqa: S101  # it was asked for
        first = started.stdout.readline()
        time.sleep(chance.random() * 0.3)
        started.kill()
        lines = [first, *started.stdout.readlines()]
    if not first:
        tally.wrong.append(f"run {run}: the child ended by itself")
    words = [line.split() for line in lines if line.endswith("\n")]
    tally.told |= {w[1] for w in words if w[0] == "put"}
    tally.full += sum(w[0] == "full" for w in words)
    tally.torn += tear(path, chance)
    tally.kills += 1


def log_end(data: bytes) -> int:
    """Where the last committed frame of a write-ahead log ends."""
    if len(data) < _WAL_HEAD:
        return len(data)
    page, salts = struct.unpack(">I", data[8:12])[0], data[16:24]
    end, at = _WAL_HEAD, _WAL_HEAD
    while at + _FRAME_HEAD + page <= len(data) and data[at + 8 : at + 16] == salts:
        committed = struct.unpack(">I", data[at + 4 : at + 8])[0]
        at += _FRAME_HEAD + page
        end = at if committed else end
    return end


def tear(path: Path, chance: random.Random) -> int:
    """What a power cut leaves behind the last commit: half a frame, zeros, or noise."""
    log = path.with_name(f"{path.name}-wal")
    if not log.exists():
        return 0
    data = log.read_bytes()
    end = log_end(data)
    half_frame = data[_WAL_HEAD : _WAL_HEAD + chance.randrange(1, 4096)]
    tails = (b"", bytes(512 * chance.randrange(1, 9)), chance.randbytes(700), half_frame)
    log.write_bytes(data[:end] + chance.choice(tails))
    return 1


def drain(path: Path, tally: Tally) -> None:
    """Deliver the rest and compare what was told with what is there."""
    with Outbox(path, sign=SIGNER.sign) as outbox:
        while deliver(outbox, path, 200, _FOREVER_MS):
            pass
        kept = Counter(row.id for row in outbox.briefs(Query()))
        counts = outbox.delivery.counts()
    arrived = {tuple(line.split()) for line in centre(path).read_text().splitlines()}
    by_id, by_seq = (Counter(line[part] for line in arrived) for part in (0, 1))
    report = verify(path, check)
    lost = tally.told - by_id.keys() | tally.told - kept.keys()
    tables: list[Counter[str]] = [kept, by_id, by_seq]
    doubled = [key for table in tables for key, times in table.items() if times > 1]
    stuck = counts.waiting + counts.dead
    tally.wrong += [f"chain: {finding.told}" for finding in report.findings]
    tally.wrong += [f"{len(lost)} lost"] if lost else []
    tally.wrong += [f"{len(doubled)} doubled"] if doubled else []
    tally.wrong += [f"{stuck} stuck"] if stuck else []
    print(
        f"{tally.kills} kills, {tally.torn} torn logs, {tally.full} full disks,"
        f" {len(tally.told)} records told, {sum(kept.values())} kept:"
        f" {len(lost)} lost / {len(doubled)} doubled / {stuck} stuck"
    )


def cut_copies(path: Path, cuts: int, chance: random.Random, tally: Tally) -> None:
    """Damage the log of a copy anywhere: what is left must be a whole beginning."""
    source = path.with_name("source.db")
    with Outbox(source, sign=SIGNER.sign) as outbox:
        for n in range(200):
            outbox.put(record(f"cut-{n:05d}"))
        names = [source, source.with_name(f"{source.name}-wal")]
        originals = [name.read_bytes() for name in names]
    bad = 0
    for _ in range(cuts):
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            copy = Path(folder) / "copy.db"
            copy.write_bytes(originals[0])
            copy.with_name("copy.db-wal").write_bytes(_damaged(originals[1], chance))
            bad += not _whole_beginning(copy)
    tally.wrong += [f"{bad} of {cuts} cut copies are no whole beginning"] if bad else []
    print(f"{cuts} logs cut or zeroed anywhere: {cuts - bad} whole beginnings")


def _damaged(log: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(log))
    if chance.random() < 0.5:
        return log[:at]
    at -= at % 512
    return log[:at] + bytes(512) + log[at + 512 :]


def _whole_beginning(copy: Path) -> bool:
    with contextlib.closing(sqlite3.connect(copy)) as db:
        if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return True  # the log lost its first commit: nothing was ever there
    with Outbox(copy, sign=SIGNER.sign) as outbox:
        ids = [row.id for row in outbox.briefs(Query())]
        outbox.put(record("after"))
    return ids == [f"cut-{n:05d}" for n in range(len(ids))] and verify(copy, check).ok


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--cuts", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary folder)")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--run", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(given.child, given.run)
    chance, tally = random.Random(given.seed), Tally()  # noqa: S311  # repeatable
    wanted: Path | None = given.folder
    folder = Path(tempfile.mkdtemp(dir=wanted))
    try:
        for run in range(given.kills):
            kill_once(folder / "results.db", run, chance, tally)
        drain(folder / "results.db", tally)
        cut_copies(folder / "results.db", given.cuts, chance, tally)
    finally:
        shutil.rmtree(folder)
    for line in tally.wrong:
        print(f"WRONG: {line}")
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
