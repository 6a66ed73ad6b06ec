"""What the two processes tell each other: JSON objects behind their length.

Not pickle: the child runs a vendor's code, and nothing it says may run in the daemon. Whatever
cannot be read is a ``MessageError``.
"""

from __future__ import annotations

import json
import struct
import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from io import RawIOBase
from typing import Any, cast

from yibao_face.drivers import api
from yibao_face.drivers.api import (
    CameraInfo,
    Capability,
    DeviceBusyError,
    DeviceError,
    DeviceLostError,
    Frame,
    Intrinsics,
    Pair,
)
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.host.ring import Place

Message = dict[str, Any]
_LENGTH = struct.Struct("<I")
_MAX_BYTES = 1 << 20
_MAX_TEXT = 1000
_ERRORS: Mapping[str, type[DeviceError]] = {
    name: kind
    for name, kind in vars(api).items()
    if isinstance(kind, type) and issubclass(kind, DeviceError)
}


class MessageError(ValueError):
    """The other process said what cannot be read."""


@dataclass(frozen=True, slots=True)
class Note:
    """A frame whose planes are elsewhere; ``facts``: the other fields of ``Frame`` by name."""

    place: Place
    facts: Mapping[str, Any]


def send(stream: RawIOBase, message: Message) -> None:
    """Write one message whole; ``OSError`` where nobody reads any more."""
    body = json.dumps(message).encode()
    left = memoryview(_LENGTH.pack(len(body)) + body)
    while left:
        left = left[stream.write(left) or 0 :]


def receive(stream: RawIOBase) -> Message | None:
    """The next message, ``None`` at the end of the stream; waits."""
    head = _exactly(stream, _LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (size,) = _LENGTH.unpack(head)
    if size > _MAX_BYTES:
        raise MessageError(f"a message of {size} bytes")
    body = _exactly(stream, size)
    if len(body) < size:
        return None
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise MessageError("a message that is no JSON") from exc
    if not isinstance(message, dict):
        raise MessageError("a message that is no object")
    return cast(Message, message)


def _exactly(stream: RawIOBase, size: int) -> bytes:
    held = b""
    while len(held) < size and (more := stream.read(size - len(held))):
        held += more
    return held


def told_settings(settings: Settings) -> Message:
    """For ``read_settings``."""
    return asdict(settings)


def read_settings(message: Message) -> Settings:
    """As sent by our own daemon: of the same release."""
    return Settings(**message)


def told_info(info: CameraInfo) -> Message:
    """For ``read_info``."""
    return {**asdict(info), "capability": info.capability.value}


def read_info(message: Any) -> CameraInfo:
    """Check and build; texts are cut at 1000 characters."""
    try:
        names = [field.name for field in fields(CameraInfo) if field.name != "capability"]
        texts = {name: _text(message[name]) for name in names}
        return CameraInfo(**texts, capability=Capability(_int(message["capability"])))
    except (ValueError, TypeError, KeyError) as exc:
        raise MessageError("a camera that is not told as one") from exc


def read_infos(message: Any) -> list[CameraInfo]:
    """A list of them."""
    if not isinstance(message, list):
        raise MessageError("no list of cameras")
    return [read_info(info) for info in cast(Sequence[Any], message)]


def told_frame(frame: Frame, place: Place) -> Message:
    """For ``read_frame``; a driver may have put numbers of numpy into the frame."""
    return {
        "place": [place.number, place.begin, place.slot_bytes, dict(place.shapes)],
        "seq": int(frame.seq),
        "at_ns": int(frame.at_ns),
        "device_us": int(frame.device_us),
        "skew_us": int(frame.skew_us),
        "ir_lit": None if frame.ir_lit is None else bool(frame.ir_lit),
        "intrinsics": _told_lens(frame.intrinsics),
        "pair": None if frame.pair is None else _told_pair(frame.pair),
    }


def read_frame(message: Message) -> Note:
    """Check and build."""
    try:
        number, begin, slot_bytes, shapes = message["place"]
        by_plane = {name: tuple(map(_int, shape)) for name, shape in shapes.items()}
        place = Place(_int(number), _int(begin), _int(slot_bytes), by_plane)
        facts = {name: _int(message[name]) for name in ("seq", "at_ns", "device_us", "skew_us")}
        lit, pair = message["ir_lit"], message["pair"]
        if not (lit is None or isinstance(lit, bool)) or "bgr" not in by_plane:
            raise MessageError("a frame that is not told as one")
        optics = {
            "intrinsics": _lens(message["intrinsics"]),
            "pair": None if pair is None else _pair(pair),
        }
        return Note(place, {**facts, **optics, "ir_lit": lit})
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise MessageError("a frame that is not told as one") from exc


def told_error(error: BaseException, shown: str) -> Message:
    """For ``read_error``. ``shown``: the uri, for errors no driver meant to raise."""
    if isinstance(error, DeviceError) and type(error).__name__ in _ERRORS:
        holder = error.holder if isinstance(error, DeviceBusyError) else ""
        return {"error": type(error).__name__, "message": str(error)[:_MAX_TEXT], "holder": holder}
    # Their text may hold anything, so the place has to do.
    last = traceback.extract_tb(error.__traceback__)[-1:]
    place = "".join(f" at {entry.name} ({entry.filename}:{entry.lineno})" for entry in last)
    text = f"{shown}: the driver failed with {type(error).__name__}{place}"
    return {"error": "DeviceLostError", "message": text, "holder": ""}


def read_error(message: Message) -> DeviceError:
    """The error as it was raised; one of no known class is ``DeviceLostError``."""
    kind = _ERRORS.get(str(message.get("error")), DeviceLostError)
    text = _text(str(message.get("message")))
    if issubclass(kind, DeviceBusyError):
        return kind(text, _text(str(message.get("holder", ""))))
    return kind(text)


def _told_lens(lens: Intrinsics) -> list[float]:
    sides = [int(lens.width), int(lens.height)]
    return [*sides, *(float(x) for x in (lens.fx, lens.fy, lens.cx, lens.cy))]


def _lens(values: Any) -> Intrinsics:
    width, height, fx, fy, cx, cy = values
    return Intrinsics(_int(width), _int(height), *map(_float, (fx, fy, cx, cy)))


def _told_pair(pair: Pair) -> list[list[float]]:
    rest = [[float(x) for x in row] for row in (pair.rotation, pair.translation_mm)]
    return [_told_lens(pair.infrared), *rest]


def _pair(values: Any) -> Pair:
    lens, rotation, translation_mm = values
    if len(rotation) != 9 or len(translation_mm) != 3:
        raise MessageError("a pair without its position")
    turned: Any = tuple(map(_float, rotation))
    moved: Any = tuple(map(_float, translation_mm))
    return Pair(_lens(lens), turned, moved)


def _int(value: Any) -> int:
    if type(value) is not int or abs(value) > sys.maxsize:
        raise MessageError(f"{type(value).__name__} where a whole number is due")
    return value


def _float(value: Any) -> float:
    if type(value) is not float:
        raise MessageError(f"{type(value).__name__} where a number is due")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise MessageError(f"{type(value).__name__} where a text is due")
    # Half a character pair is JSON, and nothing a log can hold.
    return value[:_MAX_TEXT].encode(errors="replace").decode()
