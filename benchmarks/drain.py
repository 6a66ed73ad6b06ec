"""A month's backlog goes up over TLS while verifications go on: how long, and at what cost.

    .venv/bin/python benchmarks/drain.py [--records 60000] [--files 200] [--calls 60] [--rounds 3]

A centre in a process of its own (SQLite), a daemon with its link in this one: invented records
of about 2 kB and sealed files of 100 kB wait (仿真: no real counter). Verifications (demo clip,
frames from memory, the real networks and record log) are timed in turns, without the link and
while it drains; then the rest is drained with nobody at the counter. Exit code 1 where the drain
takes over 10 min, memory grows over 200 MB, p99 over 1.2 x, or a record is lost or doubled.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil

from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config, load_config
from yibao_face.daemon.demo.bench import (
    MemoryCamera,
    _frames,  # pyright: ignore[reportPrivateUsage]  # the same bench
    _scratch,  # pyright: ignore[reportPrivateUsage]  # the same bench
)
from yibao_face.daemon.demo.play import Stage, enrol_cast
from yibao_face.daemon.door.client import sample_request
from yibao_face.daemon.link.keys import link_secret, public_keys
from yibao_face.daemon.section import CentreConfig
from yibao_face.daemon.service import body_digest
from yibao_face.daemon.wire.request import parse_request
from yibao_face.daemon.wiring import Daemon, build, vault_of
from yibao_face.models.suite import FaceModels
from yibao_face.sync.outbox import RESULT, Outbox
from yibao_face.sync.uplink.api import State, place_of
from yibao_face.sync.uplink.identity.enrol import Application, enrol
from yibao_face.sync.uplink.identity.identity import IdentityFolder
from yibao_face.sync.uplink.wire.client import Client

ROOT = Path(__file__).resolve().parent.parent
# The bed is the tests', which are no package.
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from tests.center_bed import INSTITUTION, record  # noqa: E402  # as said above

FIRST = "320101194202156744"
FILLING = json.dumps({"text": "实人核验记录" * 50}, ensure_ascii=False)
FILE_BYTES = 100_000
HERE = {"fixmedins_code": INSTITUTION}
MOST_S, MOST_MB, MOST_RATIO = 600.0, 200.0, 1.2


def command(*words: str) -> list[str]:
    """``yibao-face center`` as a process."""
    return [sys.executable, "-m", "yibao_face.daemon", "center", *words]


@contextmanager
def centre(folder: Path) -> Generator[str, None, None]:
    """The URL of a centre in a process of its own."""
    data = ("--data", str(folder))
    subprocess.run(command("init", *data), check=True, stdout=subprocess.DEVNULL)
    serving = command("serve", *data, "--port", "0")
    with subprocess.Popen(
        serving, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            ready = (process.stdout or sys.stdin).readline().rsplit(":", 1)[1]
            yield f"https://localhost:{int(ready)}"
        finally:
            process.terminate()


def bind(config: Config, folder: Path) -> None:
    """Enrol the machine of ``config``."""
    words = ("code", "--data", str(folder), "--institution", INSTITUTION, "--device", "counter-1")
    code = subprocess.run(command(*words), check=True, capture_output=True, text=True).stdout
    vault, ca = vault_of(config), (folder / "ca.pem").read_bytes()
    identities = IdentityFolder(config.data / "link", link_secret(vault))
    client = Client(place_of(config.centre.url), identities.context(ca, known=False))
    enrol(identities, client, Application(ca, code, public_keys(vault)))
    client.close()


def fill(outbox: Outbox, records: int) -> None:
    """Records that wait, in one transaction: how they got there is not measured."""
    append = outbox._append  # pyright: ignore[reportPrivateUsage]  # one commit instead of many
    with outbox.file.transaction() as db:
        for n in range(1, records + 1):
            made = record(n, detail=FILLING, sealed_request=bytes(600))
            append(db, made, RESULT, outbox.file.algorithm)


def fill_files(config: Config, count: int) -> None:
    """Sealed files, as far as the link can tell."""
    folder = config.data / "evidence"
    folder.mkdir()
    for n in range(count):
        (folder / f"{n:064x}").write_bytes(os.urandom(FILE_BYTES))


def verifications(daemon: Daemon, first: int, count: int) -> list[float]:
    """Seconds of each whole call, record included."""
    found: list[float] = []
    for n in range(first, first + count):
        body = json.dumps({**sample_request(FIRST, "演示", Clock(), n), **HERE}).encode()
        request = parse_request(body)
        begun = time.perf_counter()
        reply = daemon.service.serve(request, body_digest(body), Attempt(60.0))
        found.append(time.perf_counter() - begun)
        if reply.code != 1:
            raise RuntimeError(f"the live clip was refused: {reply.msg}")
    return found


def told(name: str, times: list[float]) -> float:
    """Print the figures; p99 in ms."""
    p50, p99 = (float(np.percentile(times, share)) * 1000 for share in (50, 99))
    print(f"{name}: n = {len(times)}, p50 {p50:.0f} ms, p99 {p99:.0f} ms")
    return p99


def drained(daemon: Daemon) -> bool:
    """Whether no record waits."""
    view = daemon.link.view()
    return view["state"] == State.ONLINE and view["waiting"] == 0


def measure(daemon: Daemon, given: argparse.Namespace) -> bool:
    """The figures, and whether they hold."""
    process, peak = psutil.Process(), 0
    verifications(daemon, 1, 5)
    quiet: list[float] = []
    sending: list[float] = []
    drain_s, at = 0.0, 10
    before = process.memory_info().rss
    for _ in range(given.rounds):
        quiet += verifications(daemon, at, given.calls)
        begun = time.perf_counter()
        daemon.link.start()
        sending += verifications(daemon, at + given.calls, given.calls)
        peak = max(peak, process.memory_info().rss)
        daemon.link.stop()
        drain_s += time.perf_counter() - begun
        at += 2 * given.calls
    left = daemon.link.view()["waiting"]
    print(f"while verifying: {given.records - left} records in {drain_s:.0f} s")
    begun = time.perf_counter()
    daemon.link.start()
    while not drained(daemon):
        peak = max(peak, process.memory_info().rss)
        time.sleep(0.2)
    rest_s = time.perf_counter() - begun
    print(f"nobody at the counter: {left} records in {rest_s:.0f} s: {left / rest_s:.0f}/s")
    grown_mb = (peak - before) / 1e6
    ratio = told("verification, link on", sending) / told("verification, link off", quiet)
    all_s = drain_s + rest_s
    print(f"p99 ratio {ratio:.2f}; memory grown by {grown_mb:.0f} MB; all in {all_s:.0f} s")
    return all_s <= MOST_S and grown_mb <= MOST_MB and ratio <= MOST_RATIO


def counted(folder: Path, records: int) -> bool:
    """Whether the centre has each record once."""
    with closing(sqlite3.connect(folder / "center.db")) as db:
        rows, ids = db.execute("SELECT count(*), count(DISTINCT id) FROM record").fetchone()
    print(f"centre: {rows} records, {ids} ids, {rows - ids} doubled")
    return rows == ids >= records


def main() -> int:
    """Run it; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=60_000)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--calls", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    home = load_config(None)
    clip = home.data / "clips" / "live-first.rgbd"
    with (
        tempfile.TemporaryDirectory(prefix="yibao-drain-") as scratch,
        centre(Path(scratch) / "center") as url,
    ):
        folder = Path(scratch) / "counter"
        folder.mkdir()
        config = replace(_scratch(home, folder, clip), centre=CentreConfig(url))
        config = replace(config, repeat=replace(config.repeat, pass_s=0.0))
        camera = MemoryCamera(_frames(clip))
        with build(config, demo=True, camera=lambda: camera) as daemon:
            if not isinstance(daemon.models, FaceModels):
                raise daemon.models
            enrol_cast(Stage(config, clip.parent), daemon.models, home.downloads)
            fill(daemon.ledger.outbox, given.records)
            fill_files(config, given.files)
            bind(config, Path(scratch) / "center")
            holds = measure(daemon, given)
        holds &= counted(Path(scratch) / "center", given.records)
    return 0 if holds else 1


if __name__ == "__main__":
    raise SystemExit(main())
