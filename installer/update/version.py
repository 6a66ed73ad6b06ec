"""Versions of the program: three numbers, and the folder each lives in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

_VERSION = re.compile(r"(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})")
_PREFIX = "app-"


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """``major.minor.patch``, ordered by number."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``1.2.3``; ``ValueError`` for any other form."""
        found = _VERSION.fullmatch(text)
        if found is None:
            raise ValueError("a version is three numbers, as 1.2.3")
        return cls(*map(int, found.groups()))

    @classmethod
    def of_folder(cls, name: str) -> Self:
        """The version that lives in the folder ``app-1.2.3``; ``ValueError`` for another name."""
        if not name.startswith(_PREFIX):
            raise ValueError("a program's folder is named app-1.2.3")
        return cls.parse(name.removeprefix(_PREFIX))

    @property
    def folder(self) -> str:
        """Name of its folder."""
        return f"{_PREFIX}{self}"

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"
