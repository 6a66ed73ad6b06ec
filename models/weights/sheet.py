"""``site-model.json``: how a site describes an embedder of its own, every field checked."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import isfinite
from pathlib import PurePath
from typing import Any

from yibao_face.models.weights.manifest import Feed, Golden, ModelEntry, golden_of

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,47}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SHAPE = [1, 3, 112, 112]
# A looser golden vector, or a shorter one, would recognise anything. Of the largest number, as
# ``check_golden`` takes 1 for the largest where all are smaller.
_MOST_RTOL, _LEAST_HEAD = 0.02, 4
_OPTIONAL = {"thresholds", "calibrated_on", "accepted_by", "accepted_at"}


class SheetError(Exception):
    """The description cannot be used; the message names the field."""


def entry_of(raw: Mapping[str, Any]) -> ModelEntry:
    """The model ``raw`` describes, its thresholds left aside; raises ``SheetError``."""
    _check(raw, _FIELDS, "")
    _check(raw["input"], _INPUT, "input.")
    source = raw["input"]
    feed = Feed(
        source["name"], source["color"], float(source["mean"]), float(source["scale"]), raw["dim"]
    )
    who, when = (raw.get(key, "nobody") for key in ("accepted_by", "accepted_at"))
    return ModelEntry(
        id=raw["id"],
        role="embedder",
        source="site",
        member=raw["file"],
        sha256=raw["sha256"],
        convert="none",
        file=f"site-{raw['id']}.onnx",
        licence=raw["licence"],
        origin=f"put in by the site; licence accepted by {who} on {when}",
        input=f"NCHW {feed.color} (x - {feed.mean:g}) * {feed.scale:g}, aligned by five points",
        golden=_golden(raw["golden"]),
        thresholds={},
        feed=feed,
    )


Check = Callable[[Any], bool]


def _check(raw: Mapping[str, Any], fields: Mapping[str, Check], prefix: str) -> None:
    unknown = sorted(set(raw) - set(fields) - _OPTIONAL)
    if unknown:
        raise SheetError(f"unknown field {prefix}{unknown[0]}")
    for name, holds in fields.items():
        if name not in raw:
            raise SheetError(f"{prefix}{name} is missing")
        if not holds(raw[name]):
            raise SheetError(f"{prefix}{name} cannot be {str(raw[name])[:60]!r}")


def _golden(body: dict[str, Any]) -> Golden:
    try:
        golden = golden_of(body)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as exc:
        raise SheetError(f"golden cannot be read: {exc!r}") from exc
    heads = golden.head.values()
    if list(golden.shape) != _SHAPE:
        raise SheetError(f"golden.shape must be {_SHAPE}")
    if not heads or min(len(head) for head in heads) < _LEAST_HEAD:
        raise SheetError(f"golden.head needs {_LEAST_HEAD} numbers of an output at least")
    most = _MOST_RTOL * min(1.0, *(max(map(abs, head)) for head in heads))
    if not 0 < golden.rtol <= most:
        raise SheetError(f"golden.rtol must be above 0 and at most {most:.2g} for these numbers")
    if not (0 <= golden.seed < 2**32 and isfinite(golden.high)):
        raise SheetError("golden.seed or golden.high is out of range")
    return golden


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) < 1e6 and isfinite(value)


def _is_file(value: Any) -> bool:
    return _is_text(value) and PurePath(value).name == value and "\\" not in value


_FIELDS: dict[str, Check] = {
    "id": lambda v: isinstance(v, str) and _ID.fullmatch(v) is not None,
    "role": lambda v: v == "embedder",
    "file": _is_file,
    "sha256": lambda v: isinstance(v, str) and _SHA256.fullmatch(v) is not None,
    "input": lambda v: isinstance(v, dict),
    "align": lambda v: v == "arcface5",
    "dim": lambda v: type(v) is int and 16 <= v <= 4096,
    "metric": lambda v: v == "cosine",
    "licence": _is_text,
    "golden": lambda v: isinstance(v, dict),
}
_INPUT: dict[str, Check] = {
    "name": _is_text,
    "layout": lambda v: v == "NCHW",
    "size": lambda v: v == [112, 112],
    "color": lambda v: v in ("RGB", "BGR"),
    "mean": _is_number,
    "scale": lambda v: _is_number(v) and v != 0,
}
