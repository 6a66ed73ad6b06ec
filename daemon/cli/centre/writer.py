"""``yibao-face center write`` and ``dead``: from the bus into the database, and what cannot be."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING

from yibao_face.daemon.cli.common import CliError, say
from yibao_face.daemon.clock import moment
from yibao_face.sync.center.api import Limits, unix_ms

if TYPE_CHECKING:
    from yibao_face.sync.center.bus.api import Bus

_NO_BUS = "no bus: give --bus nats://a,b,c"


def bus_at(url: str) -> Bus:
    """Connected; ``CenterError``."""
    from yibao_face.sync.center.bus.address import read_address  # noqa: PLC0415  # no counter has it
    from yibao_face.sync.center.bus.jetstream import JetStream  # noqa: PLC0415  # no counter has it

    return JetStream(read_address(url))


def write(given: argparse.Namespace) -> int:
    """Write until told to stop."""
    from yibao_face.sync.center.bus.writer import Writer  # noqa: PLC0415  # no counter has it
    from yibao_face.sync.center.store.database import Database  # noqa: PLC0415  # no counter has it
    from yibao_face.sync.center.store.records import Records  # noqa: PLC0415  # no counter has it

    if not given.bus:
        raise CliError(_NO_BUS)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, ask)
    limits = Limits()
    database, bus = Database(given.db or f"sqlite:///{given.data / 'center.db'}"), None
    try:
        bus = bus_at(given.bus)
        say("writing")
        Writer(bus, database, Records(database, limits), limits, unix_ms).run(stop)
    finally:
        if bus is not None:
            bus.close()
        database.close()
    return 0


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
