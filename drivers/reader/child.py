"""The process a vendor's library lives in: ``python -m yibao_face.drivers.reader.child``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import BinaryIO

from yibao_face.drivers.reader.api import Again, ReaderError
from yibao_face.drivers.reader.chip import ChipError
from yibao_face.drivers.reader.line import Kind, receive, send
from yibao_face.drivers.reader.sdt import Library
from yibao_face.drivers.reader.vendor import VENDORS


def serve(heard: BinaryIO, said: BinaryIO) -> None:
    """Open what the first frame names, then answer polls until the other side has gone."""
    first = receive(heard)
    if first is None or first[0] is not Kind.JOB:
        return
    job = json.loads(first[1])
    try:
        vendor = VENDORS[job["vendor"]]
        library = Library(vendor, job["library"], job["decoder"], Path(job["folder"]))
        send(said, Kind.OPENED, str(library.open(job["port"])).encode())
        while receive(heard) is not None:
            _answer(library, said)
        library.close()
    except ReaderError as exc:
        send(said, Kind.FAILED, json.dumps([type(exc).__name__, str(exc)]).encode())


def _answer(library: Library, said: BinaryIO) -> None:
    try:
        found = library.poll()
    except ChipError:
        found = Again.UNREADABLE
    if found is None:
        send(said, Kind.NOTHING)
    elif isinstance(found, Again):
        send(said, Kind.AGAIN, found.encode())
    else:
        send(said, Kind.CARD, found.text + found.photo)


def main() -> None:
    """Keep both streams for the frames: libraries print, and persons' data, where they like."""
    heard, said = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415  # of that system alone

        for kept in (heard, said):
            msvcrt.setmode(kept.fileno(), os.O_BINARY)
    serve(heard, said)


if __name__ == "__main__":
    main()
