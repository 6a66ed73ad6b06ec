"""``yibao-face reader`` and ``scanner``: try the ID-card reader and the code scanner."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from yibao_face.daemon.cli.common import CliError, Commands, command, config_of, say
from yibao_face.daemon.config import Config
from yibao_face.daemon.core.identity import masked
from yibao_face.daemon.wire.scan import read_code
from yibao_face.daemon.wiring import reader_of
from yibao_face.drivers.reader.api import Again, CardReader, IdCard
from yibao_face.drivers.scanner.api import ScannerSettings
from yibao_face.drivers.scanner.table import open_scanner

_LOOK_S = 0.5
_ADVICE = {
    Again.MOVED: "请重新放置身份证并保持不动 / lay the card down again",
    Again.OTHER_CARD: "不是身份证，请换身份证 / this is no identity card",
    Again.UNREADABLE: "身份证读不出，请重新放置 / the card cannot be read, lay it down again",
}


def add(commands: Commands) -> None:
    """Register both commands."""
    reading = command(commands, "reader", "try the ID-card reader / 身份证阅读器")
    scanning = command(commands, "scanner", "try the code scanner / 扫码器")
    for parser, run, what in ((reading, _test_reader, "card"), (scanning, _test_scanner, "code")):
        actions = parser.add_subparsers(required=True, metavar="ACTION")
        testing = actions.add_parser("test", help=f"read one {what}, show it masked / 试读")
        testing.add_argument("--seconds", type=float, default=30.0, help="how long to wait")
        testing.set_defaults(run=run)


def configured_reader(config: Config) -> Callable[[], CardReader]:
    """What opens the reader of this configuration; ``CliError`` where none is."""
    opener = reader_of(config)
    if opener is None:
        raise CliError("no reader is configured: [reader] uri")
    return opener


def awaited_card(reader: CardReader, seconds: float) -> IdCard:
    """The card put on ``reader``, with advice while it cannot be read; ``CliError`` for none."""
    say("请把身份证放在阅读器上 / put the card on the reader")
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = reader.wait(_LOOK_S)
        if isinstance(found, Again):
            say(_ADVICE[found])
        elif found is not None:
            return found
    raise CliError(f"no card was read within {seconds:g} s")


def _test_reader(given: argparse.Namespace) -> int:
    with configured_reader(config_of(given))() as reader:
        card = awaited_card(reader, given.seconds)
    until = card.valid_until.isoformat() if card.valid_until else "长期"
    say(f"kind      {card.kind}")
    say(f"name      {card.name[:1]}{'*' * (len(card.name) - 1)}")
    say(f"number    {masked(card.number)}")
    say(f"valid     {card.valid_from} … {until}")
    say(f"picture   {len(card.photo)} bytes")
    return 0


def _test_scanner(given: argparse.Namespace) -> int:
    scanner = config_of(given).scanner
    if not scanner.uri:
        raise CliError("no scanner is configured: [scanner] uri")
    settings = ScannerSettings(scanner.baud, scanner.prefix, scanner.suffix)
    with open_scanner(scanner.uri, settings) as opened:
        say("请扫码 / scan a code")
        scan = opened.read(given.seconds)
    if scan is None:
        raise CliError(f"no code was scanned within {given.seconds:g} s")
    code = read_code(scan.text)
    say(f"kind      {code.kind}")
    say(f"code      {masked(code.text)} ({len(code.text)})")
    return 0
