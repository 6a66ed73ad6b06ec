"""A serial scanner over a pair of pseudo terminals: the system's own serial line."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from yibao_face.drivers.scanner.api import (
    Scanner,
    ScannerBusyError,
    ScannerConfigError,
    ScannerLostError,
    ScannerMissingError,
    ScannerSettings,
)
from yibao_face.drivers.scanner.table import open_scanner

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are of Unix")


@pytest.fixture
def line() -> Generator[tuple[int, str], None, None]:
    """The scanner's end of a serial line, and the name of ours."""
    import pty  # noqa: PLC0415  # of Unix alone

    theirs, ours = pty.openpty()
    name = os.ttyname(ours)
    yield theirs, name
    os.close(ours)
    try:
        os.close(theirs)
    except OSError:
        return  # the test unplugged it


@pytest.fixture
def scanner(line: tuple[int, str]) -> Generator[Scanner, None, None]:
    with open_scanner(f"serial:{line[1]}") as opened:
        yield opened


def texts(scanner: Scanner, count: int) -> list[str]:
    scans = [scanner.read(5.0) for _ in range(count)]
    return [scan.text for scan in scans if scan is not None]


def test_codes_are_read_one_by_one(scanner: Scanner, line: tuple[int, str]) -> None:
    os.write(line[0], b"110101199003070003\r\n4240000000000000\r")

    assert ["110101199003070003", "4240000000000000"] == texts(scanner, 2)


def test_a_code_without_line_end_ends_with_silence(
    scanner: Scanner, line: tuple[int, str]
) -> None:
    os.write(line[0], b"6901234567892")

    assert ["6901234567892"] == texts(scanner, 1)


def test_silence_is_none_in_time(scanner: Scanner) -> None:
    started = time.monotonic()

    assert scanner.read(0.2) is None
    assert time.monotonic() - started < 0.2 + 0.5


def test_what_the_scanner_adds_is_taken_off(line: tuple[int, str]) -> None:
    settings = ScannerSettings(baud=115200, prefix="QR:", suffix="#")
    with open_scanner(f"serial:{line[1]}", settings) as scanner:
        os.write(line[0], b"EAN:1#\nQR:42#\n")

        assert ["42"] == texts(scanner, 1)


def test_a_second_program_finds_the_port_busy(scanner: Scanner, line: tuple[int, str]) -> None:
    with pytest.raises(ScannerBusyError, match="held by another program"):
        open_scanner(scanner.uri)


def test_an_unplugged_scanner_is_lost_for_ever(scanner: Scanner, line: tuple[int, str]) -> None:
    os.close(line[0])

    for _ in range(2):
        with pytest.raises(ScannerLostError, match=r"^serial:"):
            scanner.read(1.0)


def test_a_closed_scanner_is_lost(scanner: Scanner) -> None:
    scanner.close()
    scanner.close()

    with pytest.raises(ScannerLostError, match="closed"):
        scanner.read(0.1)


def test_a_port_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ScannerMissingError, match="cannot be opened"):
        open_scanner(f"serial:{tmp_path / 'ttyACM9'}")


@pytest.mark.parametrize("uri", ["", "serial", "serial:", "mouse:0"])
def test_a_uri_that_names_no_scanner_is_refused(uri: str) -> None:
    with pytest.raises(ScannerConfigError):
        open_scanner(uri)


def test_a_baud_rate_that_cannot_be_is_refused(line: tuple[int, str]) -> None:
    with pytest.raises(ScannerConfigError, match="-1 baud cannot be set"):
        open_scanner(f"serial:{line[1]}", ScannerSettings(baud=-1))
