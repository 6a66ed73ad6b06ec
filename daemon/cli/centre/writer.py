"""``yibao-face center write`` and ``dead``: from the bus into the database, and what cannot be."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING

from yibao_face.daemon.cli.centre.service import action, add_log, add_metrics, log_lines, watched
from yibao_face.daemon.cli.common import CliError, Commands, say
from yibao_face.daemon.clock import moment
from yibao_face.sync.center.api import Limits, unix_ms

if TYPE_CHECKING:
    from yibao_face.sync.center.bus.api import Bus
    from yibao_face.sync.center.bus.writer import Writer
    from yibao_face.sync.center.http.metrics import Part

_BUS = "YIBAO_FACE_CENTER_BUS"
_NO_BUS = "no bus: give --bus nats://a,b,c"


def add(actions: Commands) -> None:
    """Register the actions."""
    writing = action(actions, "write", "from the bus into the database / 写库", write, db=True)
    add_log(writing)
    add_metrics(writing)
    add_bus(writing)
    burying = action(actions, "dead", "what could not be written / 死信", dead)
    burying.add_argument("--retry", action="store_true", help="try once more / 重试")
    add_bus(burying)


def add_bus(parser: argparse.ArgumentParser) -> None:
    """Which bus is meant."""
    told = f"nats://a,b,c: records wait there for `write` (default: {_BUS}, else no bus)"
    parser.add_argument("--bus", default=os.environ.get(_BUS), metavar="URL", help=told)


def bus_at(url: str) -> Bus:
    """Connected; ``CenterError``."""
    from yibao_face.sync.center.bus.address import read_address  # noqa: PLC0415  # no counter has it
    from yibao_face.sync.center.bus.jetstream import JetStream  # noqa: PLC0415  # no counter has it

    return JetStream(read_address(url))


def write(given: argparse.Namespace) -> int:
    """Write until told to stop."""
    from yibao_face.sync.center.bus.writer import Writer  # noqa: PLC0415  # no counter has it
    from yibao_face.sync.center.center import database_url  # noqa: PLC0415  # no counter has it
    from yibao_face.sync.center.http.metrics import Part  # noqa: PLC0415  # no counter has it
    from yibao_face.sync.center.store.database import Database  # noqa: PLC0415  # no counter has it
    from yibao_face.sync.center.store.records import Records  # noqa: PLC0415  # no counter has it

    if not given.bus:
        raise CliError(_NO_BUS)
    log_lines(given)
    stop = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, ask)
    limits = Limits()
    database, bus = Database(database_url(given.data, given.db)), None
    try:
        bus = bus_at(given.bus)
        writer = Writer(bus, database, Records(database, limits), limits, unix_ms)
        part = Part(given.data, database, writer.metrics, unix_ms, bus)
        asyncio.run(_write(given, writer, part, stop))
    finally:
        if bus is not None:
            bus.close()
        database.close()
    return 0


async def _write(
    given: argparse.Namespace, writer: Writer, part: Part, stop: threading.Event
) -> None:
    """The writer waits for bus and database: it has a thread, and this one answers who watches."""
    async with watched(given, part):
        say("writing")
        await asyncio.to_thread(writer.run, stop)


def dead(given: argparse.Namespace) -> int:
    """List what was put aside; with ``--retry`` hand it to the writers once more."""
    if not given.bus:
        raise CliError(_NO_BUS)
    bus = bus_at(given.bus)
    try:
        letters = bus.buried()
        for letter in letters:
            if given.retry:
                bus.revive(letter.place)
            when = moment(letter.at_ms).isoformat(timespec="seconds")
            whose = letter.device or "?"
            say(f"#{letter.place} {when} {whose} {letter.size_bytes} B: {letter.reason}")
    finally:
        bus.close()
    done = "重新投递 / handed out again" if given.retry else "无法写入 / not written"
    say(f"{done}: {len(letters)}")
    return 0
