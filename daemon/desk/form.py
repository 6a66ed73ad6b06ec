"""Read what a clerk's window sends: one field at a time, a Chinese sentence for each slip."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeVar, cast

from yibao_face.daemon.core.scene.detail import CHINA
from yibao_face.daemon.wire.request import BadRequestError

_MAX_PHOTOS = 9
_MAX_ROWS = 20_000
_Choice = TypeVar("_Choice", bound=StrEnum)


class FormError(BadRequestError):
    """A field is missing or wrong; ``advice`` is one Chinese sentence for the clerk."""


@dataclass(frozen=True, slots=True)
class Form:
    """The JSON object of one desk call."""

    raw: Mapping[str, Any]

    def text(self, key: str, title: str, limit: int = 50) -> str:
        """A text of 1..``limit`` characters."""
        found = self.text_or_empty(key, title, limit)
        if not found:
            raise FormError(f"请填写{title}({key})")
        return found

    def text_or_empty(self, key: str, title: str, limit: int = 50) -> str:
        """A text of at most ``limit`` characters, or nothing."""
        value = self.raw.get(key, "")
        if value is None:
            return ""
        if not isinstance(value, str) or not value.isprintable():
            raise FormError(f"{title}({key})须为文字")
        if len(value.strip()) > limit:
            raise FormError(f"{title}({key})超过{limit}个字符")
        return value.strip()

    def choice(self, key: str, title: str, kind: type[_Choice]) -> _Choice:
        """One of the values of ``kind``."""
        value = self.text(key, title)
        try:
            return kind(value)
        except ValueError as exc:
            raise FormError(f"{title}({key})须为{'、'.join(kind)}之一") from exc

    def flag(self, key: str, title: str) -> bool:
        """``true`` or ``false``."""
        value = self.raw.get(key)
        if not isinstance(value, bool):
            raise FormError(f"{title}({key})须为true或false")
        return value

    def count(self, key: str, title: str) -> int:
        """A whole number of 0..10,000,000."""
        value = self.raw.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 10_000_000:
            raise FormError(f"{title}({key})须为0以上的整数")
        return value

    def day(self, key: str, title: str, default: date | None = None) -> date:
        """A date ``YYYY-MM-DD``."""
        if default is not None and not self.raw.get(key):
            return default
        try:
            return date.fromisoformat(self.text(key, title))
        except ValueError as exc:
            raise FormError(f"{title}({key})须为日期，如2026-12-31") from exc

    def moment_ms(self, key: str, title: str) -> int:
        """A time ``YYYY-MM-DDTHH:MM`` in China, as Unix milliseconds."""
        try:
            found = datetime.fromisoformat(self.text(key, title))
        except ValueError as exc:
            raise FormError(f"{title}({key})须为时间，如2026-12-31T09:30") from exc
        there = found if found.tzinfo else found.replace(tzinfo=CHINA)
        return round(there.timestamp() * 1000)

    def photos(self, key: str, title: str) -> list[bytes]:
        """Pictures in base64; none is an empty list."""
        texts = self._list(key, title, _MAX_PHOTOS)
        if not all(isinstance(text, str) for text in texts):
            raise FormError(f"{title}({key})须为base64编码的图片")
        try:
            return [base64.b64decode(str(text), validate=True) for text in texts]
        except (binascii.Error, ValueError) as exc:
            raise FormError(f"{title}({key})须为base64编码的图片") from exc

    def rows(self, key: str, title: str) -> list[Form]:
        """A list of objects, each read as a form of its own; at most 20,000."""
        items = self._list(key, title, _MAX_ROWS)
        rows = [Form(cast("dict[str, Any]", i)) for i in items if isinstance(i, dict)]
        if len(rows) != len(items):
            raise FormError(f"{title}({key})的每一项须为对象")
        return rows

    def _list(self, key: str, title: str, limit: int) -> list[object]:
        value = self.raw.get(key, [])
        if not isinstance(value, list) or len(cast("list[object]", value)) > limit:
            raise FormError(f"{title}({key})须为列表，最多{limit}项")
        return cast("list[object]", value)
