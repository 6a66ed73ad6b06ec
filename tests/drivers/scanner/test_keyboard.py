"""What a typing scanner sends the kernel, byte by byte, becomes the text it read."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.drivers.scanner.api import (
    ScannerConfigError,
    ScannerLostError,
    ScannerMissingError,
    ScannerSettings,
)
from yibao_face.drivers.scanner.assemble import CANCEL
from yibao_face.drivers.scanner.keyboard import KeyboardSource
from yibao_face.drivers.scanner.keymap import EVENT, KeyDecoder
from yibao_face.drivers.scanner.scanner import StreamScanner
from yibao_face.drivers.scanner.table import open_scanner

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="evdev is of Linux")
LEFT_SHIFT, CAPS, ENTER = 42, 58, 28
DIGITS = {"0": 11, **{str(n): n + 1 for n in range(1, 10)}}


def event(kind: int, code: int, value: int) -> bytes:
    return EVENT.pack(1_795_000_000, 123_456, kind, code, value)


def press(*codes: int) -> bytes:
    """Each key down and up, with the reports a device sends between."""
    sync = event(0, 0, 0)
    return b"".join(event(1, c, 1) + sync + event(1, c, 0) + sync for c in codes)


def shifted(*codes: int) -> bytes:
    return event(1, LEFT_SHIFT, 1) + press(*codes) + event(1, LEFT_SHIFT, 0)


def typed(digits: str) -> bytes:
    return press(*(DIGITS[digit] for digit in digits))


@pytest.mark.parametrize(
    ("events", "text"),
    [
        (typed("4401"), b"4401"),
        (press(45), b"x"),
        (shifted(45, 3, 12), b"X@_"),
        (press(CAPS, 45) + shifted(45) + press(CAPS, 45, CAPS, 2), b"Xxx1"),
        (press(71, 82, 98, 96), b"70/\n"),
        (press(53, 51, 52, 57, 15), b"/,. \t"),
        (event(1, 2, 1) + event(1, 2, 2) * 5 + event(1, 2, 0), b"1"),
        (press(59, 125, 240), b""),
        (event(4, 4, 458_782) + event(2, 0, 5), b""),
        (typed("1") + event(0, 3, 0) + typed("2"), b"1" + CANCEL + b"2"),
        (event(1, LEFT_SHIFT, 1) + event(0, 3, 0) + press(45), CANCEL + b"x"),
    ],
)
def test_events_type_what_they_would_in_a_window(events: bytes, text: bytes) -> None:
    assert text == KeyDecoder().feed(events)


def test_half_an_event_waits_for_its_other_half() -> None:
    decoder, events = KeyDecoder(), typed("44")

    assert b"44" == b"".join(decoder.feed(events[at : at + 7]) for at in range(0, len(events), 7))


@given(st.binary(max_size=EVENT.size * 8))
def test_no_events_do_anything_but_type(events: bytes) -> None:
    KeyDecoder().feed(events)


@pytest.fixture
def pipe() -> Generator[tuple[StreamScanner, int], None, None]:
    """A scanner over recorded events, and where they are written."""
    out, into = os.pipe()
    with StreamScanner("keyboard:recorded", KeyboardSource(out), ScannerSettings()) as scanner:
        yield scanner, into


def test_a_code_is_delivered_at_its_enter(pipe: tuple[StreamScanner, int]) -> None:
    scanner, into = pipe
    os.write(into, typed("123") + shifted(45) + press(ENTER) + typed("45") + press(ENTER))
    os.close(into)

    scans = [scanner.read(2.0), scanner.read(2.0)]
    assert ["123X", "45"] == [scan.text for scan in scans if scan]
    assert "123X" not in repr(scans)


def test_a_code_without_enter_ends_with_silence_but_not_at_a_shift(
    pipe: tuple[StreamScanner, int],
) -> None:
    scanner, into = pipe
    pieces = (typed("12"), event(1, LEFT_SHIFT, 1), press(45) + event(1, LEFT_SHIFT, 0))
    after_s = (0.0, 0.05, 0.15)
    timers = [
        threading.Timer(s, os.write, (into, piece))
        for s, piece in zip(after_s, pieces, strict=True)
    ]
    for timer in timers:
        timer.start()
    scan = scanner.read(5.0)
    for timer in timers:
        timer.join()
    os.close(into)

    assert scan is not None
    assert "12X" == scan.text


def test_silence_is_none(pipe: tuple[StreamScanner, int]) -> None:
    scanner, into = pipe

    assert scanner.read(0.05) is None
    os.close(into)


def test_an_unplugged_scanner_is_lost_for_ever(pipe: tuple[StreamScanner, int]) -> None:
    scanner, into = pipe
    os.close(into)

    for _ in range(2):
        with pytest.raises(ScannerLostError, match=r"^keyboard:recorded: "):
            scanner.read(1.0)


def test_a_device_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ScannerMissingError, match="is not there"):
        open_scanner(f"keyboard:{tmp_path / 'event9'}")


def test_a_file_that_is_no_device_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(ScannerConfigError, match="is no scanner"):
        open_scanner(f"keyboard:{tmp_path / 'file'}")
