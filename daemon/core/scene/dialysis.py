"""Process data of a dialysis as a hospital uploads it: checked and bounded (S0-55)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

# 血液净化信息, 耗材信息, 设备信息, 检查检验信息.
SECTIONS = ("purification", "consumables", "device", "tests")
MAX_BYTES = 64 * 1024
MAX_DEPTH = 8
MAX_VALUES = 5_000


class DialysisError(Exception):
    """Uploaded dialysis data cannot be taken; the message names the section or the limit."""


def parse_dialysis(raw: object) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The process data of one dialysis from decoded JSON, unchanged, and its sections in order.

    At least one section, nothing else; each an object or a list of objects, none empty. Raises
    ``DialysisError``; bounded in depth, number of values and 64 KiB as JSON (S0-55).
    """
    if not isinstance(raw, Mapping):
        raise DialysisError("dialysis data is not an object")
    given = cast("Mapping[object, object]", raw)
    named = [name for name in SECTIONS if name in given]
    if not named or len(named) != len(given):
        raise DialysisError(f"dialysis data needs one or more of {', '.join(SECTIONS)}")
    found = {name: given[name] for name in named}
    for name in named:
        if not _is_section(found[name]):
            raise DialysisError(f"{name} is not an object or a list of objects")
    _check_shape(found)
    _check_size(found)
    return found, tuple(named)


def _is_section(value: object) -> bool:
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    return bool(items) and all(isinstance(item, dict) and item != {} for item in items)


def _check_shape(data: Mapping[str, object]) -> None:
    level: list[object] = [data]
    values = 0
    for _ in range(MAX_DEPTH):
        level = [child for value in level for child in _children(value)]
        values += len(level)
        if not level:
            return
        if values > MAX_VALUES:
            raise DialysisError(f"dialysis data holds more than {MAX_VALUES} values")
    raise DialysisError(f"dialysis data is nested deeper than {MAX_DEPTH}")


def _check_size(data: Mapping[str, object]) -> None:
    try:
        text = json.dumps(data, ensure_ascii=False, allow_nan=False, default=_number)
        size = len(text.encode())
    except (TypeError, ValueError) as exc:
        raise DialysisError("dialysis data holds a value that json has not") from exc
    if size > MAX_BYTES:
        raise DialysisError(f"dialysis data is larger than {MAX_BYTES} bytes")


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(cast("dict[object, object]", value).values())
    return cast("list[object]", value) if isinstance(value, list) else []


def _number(value: object) -> str:
    """Decimals stand for the numbers of the caller's JSON; nothing else is known."""
    if isinstance(value, Decimal) and value.is_finite():
        return str(value)
    raise TypeError("not a value of json")
