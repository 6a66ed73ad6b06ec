"""Records carried on a stick arrive whole, or not at all."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path

import pytest
from sync_bed import SIGNER, check, filled

from yibao_face.sync.outbox import Outbox
from yibao_face.sync.stick import Header, StickError, export, read_export

DEVICE = SIGNER.key_id


@pytest.fixture
def outbox(path: Path) -> Generator[Outbox, None, None]:
    with Outbox(filled(path, 450), sign=SIGNER.sign) as outbox:
        yield outbox


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    return tmp_path / "stick.jsonl"


def known(device: str, signature: bytes, data: bytes) -> bool:
    return device == DEVICE and check(signature, data)


def exported(outbox: Outbox, to: Path) -> Header:
    return export(outbox.delivery, to, DEVICE, SIGNER.sign, outbox.file.algorithm)


def test_what_was_exported_is_read_record_by_record(outbox: Outbox, stick: Path) -> None:
    header = exported(outbox, stick)
    read = list(read_export(stick, known))

    assert (DEVICE, 1, 450, 450) == (header.device, header.first, header.last, header.count)
    assert [*range(1, 451)] == [link.seq for _, link in read]
    assert [f"{n:04d}" for n in range(1, 451)] == [record.id for record, _ in read]
    assert 0o600 == stick.stat().st_mode & 0o777
    assert [stick.name] == [file.name for file in stick.parent.glob("stick*")]


def test_only_what_the_centre_lacks_is_exported_dead_ones_too(outbox: Outbox, stick: Path) -> None:
    outbox.delivery.acknowledge([f"{n:04d}" for n in range(1, 449)], 5)
    outbox.delivery.bury("0450", "no")
    header = exported(outbox, stick)

    assert (449, 450, 2) == (header.first, header.last, header.count)
    assert ["0449", "0450"] == [record.id for record, _ in read_export(stick, known)]


def test_an_export_claims_nothing(outbox: Outbox, stick: Path) -> None:
    exported(outbox, stick)

    assert 450 == len(outbox.delivery.claim(500, 1))


def test_an_empty_queue_gives_a_file_that_says_so(path: Path, stick: Path) -> None:
    with Outbox(path) as outbox:
        assert (0, 0, 0) == (
            *((header := exported(outbox, stick)).first, header.last, header.count),
        )
    assert [] == list(read_export(stick, known))


@pytest.mark.parametrize("place", [0.0005, 0.3, 0.999])
def test_one_changed_byte_and_no_record_comes_out(
    outbox: Outbox, stick: Path, place: float
) -> None:
    exported(outbox, stick)
    data = bytearray(stick.read_bytes())
    data[int(len(data) * place)] ^= 1
    stick.write_bytes(data)

    with pytest.raises(StickError):
        next(read_export(stick, known))


def test_a_cut_file_gives_no_record(outbox: Outbox, stick: Path) -> None:
    exported(outbox, stick)
    stick.write_bytes(stick.read_bytes()[:-700])

    with pytest.raises(StickError, match="not those that were signed"):
        next(read_export(stick, known))


def test_another_device_is_refused(outbox: Outbox, stick: Path) -> None:
    exported(outbox, stick)

    with pytest.raises(StickError, match="signature"):
        next(read_export(stick, lambda device, _signature, _data: device == "another"))


@pytest.mark.parametrize(
    "line",
    [b"", b"{}", b"[]", b"[1]", b'"x"', b"\xff", b"[" * 100_000, b"null", b'{"signature": 1}'],
)
def test_a_file_without_header_is_refused(stick: Path, line: bytes) -> None:
    stick.write_bytes(line + b"\n{}\n")

    with pytest.raises(StickError, match="header"):
        next(read_export(stick, known))


def test_another_format_is_told_as_such(outbox: Outbox, stick: Path) -> None:
    exported(outbox, stick)
    first, rest = stick.read_bytes().split(b"\n", 1)
    other = json.dumps({**json.loads(first), "format": "yibao-face queue v2"}).encode()
    stick.write_bytes(other + b"\n" + rest)

    with pytest.raises(StickError, match="another format"):
        next(read_export(stick, known))


def test_a_stick_that_cannot_be_written_is_named_and_left_clean(
    outbox: Outbox, tmp_path: Path
) -> None:
    (tmp_path / "full").write_bytes(b"")

    with pytest.raises(StickError, match=r"out\.jsonl cannot be written"):
        exported(outbox, tmp_path / "full" / "out.jsonl")


def test_a_missing_stick_is_named(stick: Path) -> None:
    with pytest.raises(StickError, match="cannot be read"):
        next(read_export(stick, known))
