"""Reports of a scanner in its own USB class are read where its descriptor says the code lies."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.drivers.scanner.api import ScannerConfigError, ScannerSettings
from yibao_face.drivers.scanner.assemble import CANCEL
from yibao_face.drivers.scanner.hidpos import HidSource, Layout, data_of, layout_of
from yibao_face.drivers.scanner.scanner import StreamScanner
from yibao_face.drivers.scanner.table import open_scanner

# As makers lay it out: id, length, three bytes of symbology, 56 of data, two of the maker's own,
# a byte whose first bit says that the code goes on. Put together from the usage tables.
DESCRIPTOR = bytes.fromhex(
    "058c 0902 a101"  # page bar code scanner, usage scanner, collection
    "0912 a102 8502 7508 9501"  # scanned data report 2, fields of one byte
    "0501 093b 8102"  # byte count
    "058c 09fb 09fc 09fd 9503 8102"  # symbology
    "09fe 9538 8202 01"  # decoded data
    "0600ff 0901 9502 8102"  # the maker's own
    "058c 09ff 7501 9501 8102 9507 8103"  # more follows, padding
    "c0 c0"
)
LAYOUT = Layout(id=2, count=8, data=40, size=56, more=504)


def report(data: bytes, *, more: bool = False, count: int | None = None) -> bytes:
    said = len(data) if count is None else count
    return bytes([2, said]) + b"]Q1" + data.ljust(56, b"\0") + b"\0\0" + bytes([more])


def test_the_descriptor_tells_where_the_code_lies() -> None:
    assert LAYOUT == layout_of(DESCRIPTOR)


def test_a_device_without_report_ids_begins_with_its_first_field() -> None:
    bare = bytes.fromhex("058c a101 7508 9501 0501 093b 8102 058c 09fe 9510 8102 c0")

    assert Layout(id=0, count=0, data=8, size=16, more=None) == layout_of(bare)


@pytest.mark.parametrize(
    "descriptor",
    [
        b"",
        DESCRIPTOR[:-60],
        DESCRIPTOR + b"\x26\xff",
        DESCRIPTOR + b"\xfe",
        # A keyboard; data and count in two reports; data that begins amid a byte.
        bytes.fromhex("0501 0906 a101 0507 19e0 29e7 7501 9508 8102 c0"),
        bytes.fromhex("058c 8501 7508 9501 0501 093b 8102 8502 058c 09fe 8102"),
        bytes.fromhex("058c 7501 9501 8102 7508 0501 093b 8102 058c 09fe 8102"),
    ],
)
def test_another_device_or_a_damaged_descriptor_has_no_layout(descriptor: bytes) -> None:
    assert layout_of(descriptor) is None


@pytest.mark.parametrize(
    ("raw", "data"),
    [
        (report(b"4240"), b"4240\n"),
        (report(b"1" * 56, more=True), b"1" * 56),
        (report(b"", count=0), b"\n"),
        (report(b"12", count=57), CANCEL),
        (report(b"12")[:6], CANCEL),
        (b"\x02", CANCEL),
        (b"\x03" + report(b"12")[1:], b""),
    ],
)
def test_a_report_gives_its_data_and_the_end_of_the_code(raw: bytes, data: bytes) -> None:
    assert data == data_of(LAYOUT, raw)


@given(st.binary(max_size=200))
def test_no_descriptor_does_anything_but_have_a_layout_or_none(descriptor: bytes) -> None:
    layout = layout_of(descriptor)

    assert layout is None or layout.size >= 0


@given(st.binary(max_size=80))
def test_no_report_gives_more_than_it_may(raw: bytes) -> None:
    assert len(data_of(LAYOUT, raw)) <= LAYOUT.size + 1


@pytest.mark.skipif(sys.platform != "linux", reason="packets in a pipe are of Linux")
def test_a_code_of_several_reports_is_one_code() -> None:
    out, into = os.pipe2(os.O_DIRECT)
    source = HidSource(out, LAYOUT)
    with StreamScanner("hidpos:recorded", source, ScannerSettings()) as scanner:
        for raw in (report(b"1" * 56, more=True), report(b"23"), report(b"4")):
            os.write(into, raw)
        os.close(into)
        scans = [scanner.read(2.0), scanner.read(2.0)]

    assert ["1" * 56 + "23", "4"] == [scan.text for scan in scans if scan]


@pytest.mark.skipif(sys.platform != "linux", reason="hidraw is of Linux")
def test_a_file_that_is_no_device_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(ScannerConfigError, match="is no scanner"):
        open_scanner(f"hidpos:{tmp_path / 'file'}")
