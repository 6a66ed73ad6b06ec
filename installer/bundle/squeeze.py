"""The smallest xz stream of a program: jumps and calls of x86 made alike, and far back looked for.

What unpacks it needs 65 MB of memory, and nothing but liblzma, as dpkg, tar and Python have.
"""

from __future__ import annotations

import lzma
import shutil
from pathlib import Path
from typing import IO, Any

_DICTIONARY_BYTES = 64 * 1024**2


def filters(preset: int) -> list[dict[str, Any]]:
    """``preset``: xz's, 0..9; from 7 on with a dictionary in which libraries find each other."""
    deep: dict[str, Any] = {"dict_size": _DICTIONARY_BYTES} if preset > 6 else {}
    return [{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2, "preset": preset, **deep}]


def squeezing(file: IO[bytes] | Path, preset: int) -> lzma.LZMAFile:
    """A file to write into, in one thread: the bytes are the same on every machine."""
    return lzma.LZMAFile(file, "wb", check=lzma.CHECK_CRC64, filters=filters(preset))


def squeeze(source: Path, to: Path, preset: int) -> Path:
    """``source`` as ``to``; the path of that."""
    with source.open("rb") as plain, squeezing(to, preset) as packed:
        shutil.copyfileobj(plain, packed, 1 << 20)
    return to
