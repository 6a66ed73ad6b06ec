"""The body of a batch, record by record into text, so that no one step takes long."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from yibao_face.sync.chain import SCHEMA, SHA256, canonical
from yibao_face.sync.delivery import Claimed, Head
from yibao_face.sync.wire import to_wire

MAX_RECORDS = 200
# Half of what the centre unpacks: room for what JSON makes of an unlucky text.
MAX_PLAIN_BYTES = 8 * 1024 * 1024
HEADERS = {"Content-Type": "application/json", "Content-Encoding": "gzip"}


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends. ``boot_id``: new at each start of the machine. ``algorithm``: of its chain."""

    device: str
    institution: str
    boot_id: str
    algorithm: str = SHA256


def wire_text(claimed: Claimed) -> bytes:
    """A record as it travels."""
    return canonical(to_wire(claimed.record, claimed.link))


def packed_batch(  # noqa: PLR0913  # what a batch is made of
    sender: Sender,
    sent_ms: int,
    seq_from: int,
    head: Head,
    records: Sequence[bytes],
    *,
    health: Mapping[str, Any] | None = None,
) -> bytes:
    """A whole batch, gzip. ``head``: read after the records were claimed, not before.

    ``records``: each as ``wire_text`` spells it; none is a sign of life. ``health``: facts about
    the machine (docs/protocol.md), ``None``: nothing is said of it.
    """
    envelope: dict[str, Any] = {
        "schema": SCHEMA,
        "device": sender.device,
        "institution": sender.institution,
        "boot_id": sender.boot_id,
        "algorithm": sender.algorithm,
        "sent_ms": sent_ms,
        "seq_from": seq_from,
        "head": {
            "seq": head.seq,
            "hash": head.hash.hex(),
            "at_ms": head.at_ms,
            "signature": base64.b64encode(head.signature).decode(),
        },
    }
    if health is not None:
        envelope["health"] = dict(health)
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
