"""The body of a batch, record by record into text, so that no one step takes long."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from yibao_face.sync.chain import SCHEMA, canonical
from yibao_face.sync.delivery import Claimed, Head
from yibao_face.sync.wire import to_wire

MAX_RECORDS = 200
# Half of what the centre unpacks: room for what JSON makes of an unlucky text.
MAX_PLAIN_BYTES = 8 * 1024 * 1024
HEADERS = {"Content-Type": "application/json", "Content-Encoding": "gzip"}


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends. ``boot_id``: new at each start of the machine."""

    device: str
    institution: str
    boot_id: str


def wire_text(claimed: Claimed) -> bytes:
    """A record as it travels."""
    return canonical(to_wire(claimed.record, claimed.link))


def packed_batch(
    sender: Sender, sent_ms: int, seq_from: int, head: Head, records: Sequence[bytes]
) -> bytes:
    """A whole batch, gzip. ``head``: read after the records were claimed, not before.

    ``records``: each as ``wire_text`` spells it; none is a sign of life.
    """
    envelope: dict[str, Any] = {
        "schema": SCHEMA,
        "device": sender.device,
        "institution": sender.institution,
        "boot_id": sender.boot_id,
        "sent_ms": sent_ms,
        "seq_from": seq_from,
        "head": {
            "seq": head.seq,
            "hash": head.hash.hex(),
            "at_ms": head.at_ms,
            "signature": base64.b64encode(head.signature).decode(),
        },
    }
    text = b"".join([canonical(envelope)[:-1], b',"records":[', b",".join(records), b"]}"])
    return gzip.compress(text, 1, mtime=0)


def fitting(texts: Sequence[bytes]) -> int:
    """How many of these, from the first, make a batch of bearable size; at least one."""
    size = 0
    for count, text in enumerate(texts):
        size += len(text)
        if size > MAX_PLAIN_BYTES:
            return max(1, count)
    return len(texts)
