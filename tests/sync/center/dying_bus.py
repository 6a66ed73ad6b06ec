"""Either side of the bus; kills itself behind its point of no return while ``die`` is there.

``ingest``: the bus has acknowledged, the device was not answered. ``writer``: the database has
committed, the bus was not told.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from yibao_face.sync.center.api import Caller, Limits, unix_ms
from yibao_face.sync.center.bus.address import read_address
from yibao_face.sync.center.bus.jetstream import JetStream
from yibao_face.sync.center.bus.writer import Writer
from yibao_face.sync.center.center import open_center
from yibao_face.sync.center.http.server import serve
from yibao_face.sync.center.ingest.batch import Batch
from yibao_face.sync.center.ingest.record import Incoming
from yibao_face.sync.center.store.database import Database
from yibao_face.sync.center.store.records import Records, Taken


def die() -> None:
    if Path(sys.argv[2], "die").exists():
        os.kill(os.getpid(), signal.SIGKILL)


class DyingStream(JetStream):
    """The real one, until it was acknowledged."""

    def publish(self, id_: str, data: bytes) -> bool:
        fresh = super().publish(id_, data)
        die()
        return fresh

    def bury(self, data: bytes, device: str, reason: str) -> str:
        name = super().bury(data, device, reason)
        die()
        return name


class DyingRecords(Records):
    """The real one, until it has committed."""

    def take(
        self, caller: Caller, batch: Batch, incoming: Sequence[Incoming], now_ms: int
    ) -> Taken:
        taken = super().take(caller, batch, incoming, now_ms)
        die()
        return taken


def say(word: object) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main() -> None:
    role, folder, url, bus = sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    stream = DyingStream(read_address(bus), silent_s=1)
    if role == "ingest":
        with open_center(folder, url or None, bus=stream) as center:
            asyncio.run(serve(center, "127.0.0.1", 0, say, asyncio.Event()))
        return
    database = Database(url or f"sqlite:///{folder / 'center.db'}")
    say("writing")
    records = DyingRecords(database, Limits())
    Writer(stream, database, records, Limits(), unix_ms).run(threading.Event())


main()
