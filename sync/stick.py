"""Records on a USB stick, for a counter whose network is gone: one signed file of lines.

The first line is the header: device, numbers, count and SHA-256 of the rest, signed; every other
line is a record in the wire form, in canonical JSON. The signature is the device's, so that the
centre can tell whose records they are, whoever carried them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from yibao_face.sync.api import Link, Record
from yibao_face.sync.chain import SHA256, canonical
from yibao_face.sync.delivery import Delivery
from yibao_face.sync.wire import WireError, parse_wire, to_wire

FORMAT = "yibao-face queue v1"
MAX_LINE_BYTES = 4 * 1024 * 1024
_CONTEXT = b"yibao-face queue v1\n"


class StickError(Exception):
    """The file is not what a device exported, or cannot be written."""


@dataclass(frozen=True, slots=True)
class Header:
    """``device``: short name of its key; ``first``/``last``: numbers, 0 where ``count`` is.

    ``sha256``: hex, of all bytes after the first line; ``algorithm``: hash of the chain.
    """

    device: str
    first: int
    last: int
    count: int
    algorithm: str
    sha256: str

    def signed(self) -> bytes:
        """The bytes the signature is over."""
        return _CONTEXT + canonical({"format": FORMAT, **asdict(self)})


def export(
    delivery: Delivery, to: Path, device: str, sign: Callable[[bytes], bytes], algorithm: str
) -> Header:
    """Write all records not acknowledged to ``to``, for its owner alone; ``StickError``.

    The whole file or none, on disk when this returns. Raises ``StoreError`` as well.
    """
    body = to.with_name(f"{to.name}.{secrets.token_hex(4)}.body")
    whole = to.with_name(f"{to.name}.{secrets.token_hex(4)}.part")
    try:
        with _made(body) as file:
            header = _body(delivery, file, device, algorithm)
        line = {"format": FORMAT, **asdict(header), "signature": sign(header.signed()).hex()}
        with _made(whole) as out, body.open("rb") as source:
            out.write(canonical(line) + b"\n")
            while data := source.read(1 << 20):
                out.write(data)
            out.flush()
            os.fsync(out.fileno())
        whole.replace(to)
    except OSError as exc:
        raise StickError(f"{to.name} cannot be written: {exc.strerror}") from exc
    finally:
        for part in (body, whole):
            # Where it could not be made, it cannot be removed either.
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
    return header


def read_export(
    path: Path, check: Callable[[str, bytes, bytes], bool]
) -> Iterator[tuple[Record, Link]]:
    """The records of an exported file, after all of it was found genuine; ``StickError``.

    ``check``: device, signature and signed bytes → whether it is that device's.
    """
    yield from open_export(path, check)[1]


def open_export(
    path: Path, check: Callable[[str, bytes, bytes], bool]
) -> tuple[Header, Iterator[tuple[Record, Link]]]:
    """As ``read_export``, with the header; all of the file is verified when this returns."""
    try:
        with path.open("rb") as file:
            header = _header(file.readline(MAX_LINE_BYTES), check)
            at = file.tell()
            running = hashlib.sha256()
            while data := file.read(1 << 20):
                running.update(data)
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    if running.hexdigest() != header.sha256:
        raise StickError("the records are not those that were signed")
    return header, _read(path, at, header)


def _read(path: Path, at: int, header: Header) -> Iterator[tuple[Record, Link]]:
    try:
        with path.open("rb") as file:
            file.seek(at)
            yield from _records(file, header)
    except OSError as exc:
        raise _unreadable(path, exc) from exc


def _unreadable(path: Path, exc: OSError) -> StickError:
    return StickError(f"{path.name} cannot be read: {exc.strerror}")


def _made(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _body(delivery: Delivery, file: BinaryIO, device: str, algorithm: str) -> Header:
    running, count, first, last = hashlib.sha256(), 0, 0, 0
    while page := delivery.unsent(last):
        for claimed in page:
            line = canonical(to_wire(claimed.record, claimed.link)) + b"\n"
            running.update(line)
            file.write(line)
        first, last = first or page[0].link.seq, page[-1].link.seq
        count += len(page)
    return Header(device, first, last, count, algorithm, running.hexdigest())


def _header(line: bytes, check: Callable[[str, bytes, bytes], bool]) -> Header:
    try:
        body = dict(cast(dict[str, Any], json.loads(line)))
        signature = bytes.fromhex(body.pop("signature"))
        if body.pop("format") != FORMAT:
            raise StickError("the file is of another format")
        header = Header(**body)
        genuine = check(header.device, signature, header.signed())
    except (ValueError, TypeError, KeyError, RecursionError) as exc:
        raise StickError("the first line is no header of an export") from exc
    if not genuine:
        raise StickError("the signature is not that of the device")
    return header


def _records(file: BinaryIO, header: Header) -> Iterator[tuple[Record, Link]]:
    algorithm = header.algorithm or SHA256
    for number in range(header.count):
        line = file.readline(MAX_LINE_BYTES)
        try:
            yield parse_wire(line.rstrip(b"\n"), algorithm)
        except WireError as exc:
            raise StickError(f"line {number + 2}: {exc}") from exc
