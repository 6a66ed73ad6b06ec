"""Read a payload of the centre strictly: every key known, every value of its type."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from yibao_face.daemon.core.scene.detail import date_in, has_control
from yibao_face.daemon.inbox.letter import NotUnderstoodError

_MOST_ROWS = 20_000


@dataclass(frozen=True, slots=True)
class Fields:
    """A JSON object. ``where``: for messages, which name keys and never values."""

    body: Mapping[str, Any]
    where: str = ""

    def only(self, *keys: str) -> Fields:
        """Itself, if no key is unknown."""
        unknown = sorted(self.body.keys() - set(keys))
        if unknown:
            raise NotUnderstoodError(f"{self.where}unknown key {unknown[0][:32]!r}")
        return self

    def text(self, key: str, most: int = 64, *, least: int = 1) -> str:
        """A printable text of ``least`` to ``most`` characters; absent is empty."""
        value = self.body.get(key, "")
        if not isinstance(value, str) or not least <= len(value) <= most or has_control(value):
            raise self.wrong(key, f"is not a text of {least} to {most} characters")
        return value

    def choice(self, key: str, known: Collection[str]) -> str:
        """One of ``known``."""
        value = self.body.get(key)
        if not isinstance(value, str) or value not in known:
            raise self.wrong(key, f"is none of {', '.join(sorted(known))}")
        return value

    def whole(self, key: str, least: int, most: int) -> int:
        """A whole number of ``least`` to ``most``."""
        value = self.body.get(key)
        if type(value) is not int or not least <= value <= most:
            raise self.wrong(key, f"is not a whole number of {least} to {most}")
        return value

    def day(self, key: str) -> date:
        """A date ``YYYY-MM-DD``."""
        found = date_in(self.body.get(key))
        if found is None:
            raise self.wrong(key, "is not a date like 2026-12-31")
        return found

    def flag(self, key: str) -> bool:
        """``true`` or ``false``; absent is false."""
        value = self.body.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, "is neither true nor false")
        return value

    def items(self, key: str, most: int = _MOST_ROWS) -> list[object]:
        """A list; absent is empty."""
        value: object = self.body.get(key, [])
        if not isinstance(value, list) or len(cast(list[object], value)) > most:
            raise self.wrong(key, f"is not a list of at most {most}")
        return cast(list[object], value)

    def rows(self, key: str, most: int = _MOST_ROWS) -> list[Fields]:
        """A list of objects, each with its number in what it says of itself."""
        found = self.items(key, most)
        return [fields_of(row, f"{self.where}{key} {n}: ") for n, row in enumerate(found, 1)]

    def wrong(self, key: str, what: str) -> NotUnderstoodError:
        """The error that says ``what`` is wrong with ``key``."""
        return NotUnderstoodError(f"{self.where}{key} {what}")


def fields_of(payload: object, where: str = "") -> Fields:
    """The fields of a decoded JSON object; ``NotUnderstoodError`` for anything else."""
    if not isinstance(payload, dict):
        raise NotUnderstoodError(f"{where}not an object")
    return Fields(cast(dict[str, Any], payload), where)
