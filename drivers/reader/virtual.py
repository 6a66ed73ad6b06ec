"""A reader that plays a script of cards and faults: shipped for the demo and tests above it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Self

from yibao_face.drivers.reader.api import (
    Again,
    CardKind,
    IdCard,
    ReaderConfigError,
    ReaderError,
    ReaderInfo,
    ReaderLostError,
    Sex,
)

# A card is put on, something goes wrong, or nothing happens for one wait.
Step = IdCard | Again | ReaderError | None


class VirtualReader:
    """Plays ``script`` in order, one step a wait; then no card comes any more."""

    def __init__(self, script: Sequence[Step], uri: str = "virtual:") -> None:
        self._steps: Iterator[Step] = iter(script)
        self._info = ReaderInfo(uri, "virtual", virtual=True)
        self._silence = threading.Event()
        self._closed = False

    @property
    def info(self) -> ReaderInfo:
        """See ``CardReader.info``."""
        return self._info

    def wait(self, timeout_s: float) -> IdCard | Again | None:
        """See ``CardReader.wait``."""
        if self._closed:
            raise ReaderLostError(f"{self._info.uri}: closed")
        step = next(self._steps, None)
        if isinstance(step, ReaderError):
            raise step
        if step is None:
            self._silence.wait(timeout_s)
        return step

    def close(self) -> None:
        """See ``CardReader.close``."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.close()


def write_card(file: Path, card: IdCard, photo: str) -> None:
    """Keep an invented card for ``open_virtual``; ``photo``: the picture's name beside it."""
    until = card.valid_until
    said = {
        "kind": card.kind.value,
        "name": card.name,
        "number": card.number,
        "sex": card.sex.value,
        "nation": card.nation,
        "born": card.born.isoformat(),
        "address": card.address,
        "issuer": card.issuer,
        "valid_from": card.valid_from.isoformat(),
        "valid_until": until.isoformat() if until else "",
        "photo": photo,
    }
    (file.parent / photo).write_bytes(card.photo)
    file.write_text(json.dumps(said, ensure_ascii=False), "utf-8")


def open_virtual(rest: str) -> VirtualReader:
    """A reader on which the card in the file ``rest`` is put at once; ``ReaderConfigError``."""
    file = Path(rest)
    try:
        said = json.loads(file.read_text("utf-8"))
        card = IdCard(
            CardKind(said["kind"]),
            said["name"],
            said["number"],
            Sex(said["sex"]),
            said["nation"],
            date.fromisoformat(said["born"]),
            said["address"],
            said["issuer"],
            date.fromisoformat(said["valid_from"]),
            date.fromisoformat(said["valid_until"]) if said["valid_until"] else None,
            (file.parent / said["photo"]).read_bytes(),
        )
    except (OSError, ValueError, LookupError, TypeError) as exc:
        raise ReaderConfigError(
            f"virtual: no card in {file.name} ({type(exc).__name__})"
        ) from None
    return VirtualReader([card], f"virtual:{file.name}")
