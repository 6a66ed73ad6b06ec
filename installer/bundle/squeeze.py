"""The smallest xz stream of a program: jumps and calls of x86 made alike, far back looked for, and
tables of 4-byte numbers in blocks of their own, read as such.

What unpacks it needs 65 MB of memory, and nothing but liblzma, as dpkg, tar and Python have.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, TypeAlias

_DICTIONARY_BYTES = 64 * 1024**2
_CHUNK_BYTES = 1024 * 1024
# Of the format, https://tukaani.org/xz/xz-file-format.txt: lengths of head and foot.
_HEAD = _FOOT = 12

Filters: TypeAlias = list[dict[str, Any]]
# Begin and end of a table, bytes from the start of a file.
Span: TypeAlias = tuple[int, int]


def filters(preset: int) -> Filters:
    """``preset``: xz's, 0..9; from 7 on with a dictionary in which libraries find each other."""
    deep: dict[str, Any] = {"dict_size": _DICTIONARY_BYTES} if preset > 6 else {}
    # What a byte of x86 is like depends on the one before, and not on where it lies.
    code = {"id": lzma.FILTER_LZMA2, "preset": preset, "lc": 4, "pb": 0, **deep}
    return [{"id": lzma.FILTER_X86}, code]


def of_numbers(preset: int) -> Filters:
    """For floats: what a byte is like depends on which of the four it is."""
    [_, code] = filters(preset)
    return [{**code, "lc": 2, "lp": 2, "pb": 2}]


def squeezing(file: IO[bytes] | Path, preset: int) -> lzma.LZMAFile:
    """A file to write into, in one thread: the bytes are the same on every machine."""
    return lzma.LZMAFile(file, "wb", check=lzma.CHECK_CRC64, filters=filters(preset))


def squeeze(source: Path, to: Path, preset: int, numbers: Sequence[Span] = ()) -> Path:
    """``source`` as the one stream ``to``; its path. ``numbers``: tables in it, in order."""
    if not source.stat().st_size:
        to.write_bytes(lzma.compress(b"", check=lzma.CHECK_CRC64))
        return to
    records, count, flags = bytearray(), 0, b""
    with source.open("rb") as plain, to.open("wb") as out:
        for length, chain in _pieces(source.stat().st_size, preset, numbers):
            stream = _stream(plain, length, chain)
            block, record = _block(stream)
            out.write(stream[:_HEAD] * (count == 0) + block)
            records += record
            count, flags = count + 1, stream[-4:-2]
        out.write(_end(count, bytes(records), flags))
    return to


def _pieces(size: int, preset: int, numbers: Sequence[Span]) -> Iterator[tuple[int, Filters]]:
    """Lengths that make up ``size``, none of them 0, each with its filters."""
    at = 0
    for begin, end in numbers:
        if begin > at:
            yield begin - at, filters(preset)
        yield end - begin, of_numbers(preset)
        at = end
    if size > at:
        yield size - at, filters(preset)


def _stream(plain: IO[bytes], length: int, chain: Filters) -> bytes:
    """The next ``length`` bytes as a stream of one block."""
    made = lzma.LZMACompressor(check=lzma.CHECK_CRC64, filters=chain)
    parts: list[bytes] = []
    while length > 0:
        data = plain.read(min(length, _CHUNK_BYTES))
        length -= len(data)
        parts.append(made.compress(data))
    return b"".join([*parts, made.flush()])


def _block(stream: bytes) -> tuple[bytes, bytes]:
    """The block of a stream of one, and what its index says of it."""
    index_bytes = (int.from_bytes(stream[-8:-4], "little") + 1) * 4
    index = stream[-_FOOT - index_bytes : -_FOOT]
    # A null, how many (one), two numbers, nulls up to four bytes, a sum.
    end = 2
    for _ in range(2):
        while index[end] & 0x80:
            end += 1
        end += 1
    return stream[_HEAD : -_FOOT - index_bytes], index[2:end]


def _end(count: int, records: bytes, flags: bytes) -> bytes:
    """Index and foot of a stream of ``count`` blocks, fewer than 128."""
    index = bytes([0, count]) + records
    index += b"\0" * (-len(index) % 4)
    index += zlib.crc32(index).to_bytes(4, "little")
    tail = (len(index) // 4 - 1).to_bytes(4, "little") + flags
    return index + zlib.crc32(tail).to_bytes(4, "little") + tail + b"YZ"
