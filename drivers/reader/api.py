"""What a card says, what every card reader is, and the ways it may fail.

Names, numbers and pictures are in no ``repr`` and no error text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum, unique
from typing import Any, Protocol, Self

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_MARKS = "10X98765432"
_NUMBER = re.compile(r"[1-9][0-9]{16}[0-9X]", re.ASCII)
_OLD_FOREIGN = re.compile(r"[A-Z]{3}[0-9]{12}", re.ASCII)


class ReaderError(Exception):
    """A card reader did not do its work; the message holds its uri."""


class ReaderMissingError(ReaderError):
    """Nothing answered at this port: unplugged, switched off or never there."""


class ReaderBusyError(ReaderError):
    """Another program holds the reader."""


class ReaderLostError(ReaderError):
    """The reader, or its library, went away or fell silent after a good open."""


class ReaderUnsupportedError(ReaderError):
    """Not with this installation: no such library or function, a part without its licence."""


class ReaderConfigError(ReaderError):
    """The configured uri, library or checksum cannot be."""


@unique
class CardKind(StrEnum):
    """Which document lies there. ``OLD_FOREIGN``: of 2017, number of 15 characters."""

    RESIDENT = "resident"
    HONGKONG_MACAO_TAIWAN = "hongkong-macao-taiwan"
    OLD_FOREIGN = "foreign-2017"
    FOREIGN = "foreign-2023"


@unique
class Sex(StrEnum):
    """As the card codes it (GB/T 2261.1)."""

    UNKNOWN = "0"
    MALE = "1"
    FEMALE = "2"
    UNSAID = "9"


@unique
class Again(StrEnum):
    """No fault: the card must be put on the reader again.

    ``MOVED``: taken away or shifted too early. ``OTHER_CARD``: no identity document.
    ``UNREADABLE``: what came makes no sense.
    """

    MOVED = "moved"
    OTHER_CARD = "other-card"
    UNREADABLE = "unreadable"


def check_mark(number: str) -> str:
    """The 18th character GB 11643 demands after the 17 digits ``number`` begins with."""
    total = sum(int(digit) * weight for digit, weight in zip(number, _WEIGHTS, strict=False))
    return _MARKS[total % 11]


def is_number(text: str) -> bool:
    """Whether it is an 18-character number of GB 11643 with the right check mark."""
    return _NUMBER.fullmatch(text) is not None and check_mark(text) == text[-1]


@dataclass(frozen=True, slots=True, repr=False)
class IdCard:
    """What the chip of an identity document says.

    ``number``: 18 characters, the check mark verified; 15 on a foreigner's card of 2017.
    ``nation``: two digits of GB/T 3304, the three letters of a state, or empty. ``valid_until``:
    ``None`` is for life. ``photo``: BMP or JPEG of 102x126 px; empty where the reader gives none.
    Raises ``ValueError``, which names the field alone, for what no card can say.
    """

    kind: CardKind
    name: str
    number: str
    sex: Sex
    nation: str
    born: date
    address: str
    issuer: str
    valid_from: date
    valid_until: date | None
    photo: bytes = b""

    def __post_init__(self) -> None:
        old = self.kind is CardKind.OLD_FOREIGN
        if not (_OLD_FOREIGN.fullmatch(self.number) if old else is_number(self.number)):
            raise ValueError("number")
        if not old and self.number[6:14] != f"{self.born:%Y%m%d}" and not self._is_foreign:
            raise ValueError("born")
        if not self.name or not self.name.isprintable():
            raise ValueError("name")
        if self.valid_until is not None and self.valid_until < self.valid_from:
            raise ValueError("valid_until")

    @property
    def _is_foreign(self) -> bool:
        # Of a number that begins with 9 we know the check mark, not where the birthday stands.
        return self.kind is CardKind.FOREIGN

    def is_valid_on(self, day: date) -> bool:
        """Whether the document is in force on ``day``."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)

    def __repr__(self) -> str:
        return f"IdCard({self.kind}, number of {len(self.number)}, photo of {len(self.photo)} B)"


@dataclass(frozen=True, slots=True)
class ReaderInfo:
    """Which reader this is. ``virtual``: software, no card was ever there."""

    uri: str
    vendor: str
    virtual: bool = False


class CardReader(Protocol):
    """An open reader. ``table.open_reader`` opens it; ``close`` may be called twice."""

    @property
    def info(self) -> ReaderInfo:
        """Identity, fixed while open."""
        ...

    def wait(self, timeout_s: float) -> IdCard | Again | None:
        """The next card put on the reader, or ``None`` when none came within ``timeout_s``.

        Returns within ``timeout_s`` + the time one card takes (at most ``child.ANSWER_S``).
        Raises ``ReaderLostError`` once the reader has gone, and keeps raising it.
        """
        ...

    def close(self) -> None:
        """Release the reader; never raises."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: Any) -> None: ...
