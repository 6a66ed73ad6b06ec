"""A batch on its way to the writer: what the device sent, who it was, and when it came.

Its records are those the ingest has found sound; the writer reads them once more.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from yibao_face.sync.center.api import Caller, CenterError, Limits
from yibao_face.sync.center.ingest.batch import (
    Batch,
    check_caller,
    read_batch,
    with_records,
)
from yibao_face.sync.center.ingest.body import strict_json, unpacked
from yibao_face.sync.center.ingest.record import Incoming, read_record
from yibao_face.sync.wire import WireError

_FORM = 1
_CALLER = {"device": str, "institution": str, "serial": str, "not_after_ms": int}


class UnreadableError(CenterError):
    """The message is no parcel; the text repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """``now_ms``: the centre's clock when it came. ``incoming``: what ``batch.records`` say."""

    caller: Caller
    now_ms: int
    batch: Batch
    incoming: Sequence[Incoming]

    @property
    def id(self) -> str:
        """The same for the same records of a device, whenever they are sent; hex digits.

        Without records every parcel has its own.
        """
        batch = self.batch
        told: list[Any] = [self.caller.device, batch.boot_id, batch.body["head"]]
        told += [[one.record.id, one.link.hash.hex()] for one in self.incoming]
        told += [] if self.incoming else [batch.sent_ms, self.now_ms]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def halves(self) -> tuple[Parcel, Parcel]:
        """Of two or more records the first and the last ones, in the same envelope."""
        middle = len(self.incoming) // 2
        return self._part(0, middle), self._part(middle, len(self.incoming))

    def _part(self, first: int, end: int) -> Parcel:
        batch = with_records(self.batch, self.batch.records[first:end])
        return Parcel(self.caller, self.now_ms, batch, self.incoming[first:end])


def packed(parcel: Parcel) -> bytes:
    """As it travels: the same bytes for the same parcel."""
    who = {name: getattr(parcel.caller, name) for name in _CALLER}
    body = {"form": _FORM, "caller": who, "now_ms": parcel.now_ms, "batch": parcel.batch.body}
    # ASCII: half a surrogate pair in a field we do not know has no other form.
    text = json.dumps(body, ensure_ascii=True, separators=(",", ":"))
    return gzip.compress(text.encode(), 1, mtime=0)


def opened(data: bytes, limits: Limits) -> Parcel:
    """The parcel in a message; raises ``UnreadableError`` for anything but one."""
    try:
        # ASCII needs up to three times the room of what came.
        body = strict_json(unpacked(data, "gzip", 4 * limits.unpacked_bytes))
        if body["form"] != _FORM or type(body["now_ms"]) is not int:
            raise UnreadableError("not the form of this version")
        caller = _caller(body["caller"])
        batch = read_batch(body["batch"], limits.records)
        check_caller(batch, caller)
        told = (batch.schema, caller.institution, batch.algorithm)
        incoming = [read_record(one, *told) for one in batch.records]
    except (KeyError, TypeError) as exc:
        raise UnreadableError("not a batch of this centre") from exc
    except WireError as exc:
        raise UnreadableError(str(exc)) from exc
    return Parcel(caller, body["now_ms"], batch, incoming)


def _caller(given: object) -> Caller:
    if not isinstance(given, dict):
        raise UnreadableError("not a batch of this centre")
    told = cast(dict[str, Any], given)
    if any(type(told[name]) is not kind for name, kind in _CALLER.items()):
        raise UnreadableError("not a batch of this centre")
    return Caller(**{name: told[name] for name in _CALLER})
