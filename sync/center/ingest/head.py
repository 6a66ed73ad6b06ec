"""The device's own word on the end of its chain, and whether it is to be believed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from yibao_face.sync.center.device.key import genuine
from yibao_face.sync.chain import GENESIS, SHA256, head_statement


@dataclass(frozen=True, slots=True)
class Head:
    """The last record a device has written. ``seq`` 0, ``hash`` zeros (32 bytes): none yet.

    ``at_ms``, ``algorithm``: as signed; ``signature``: base64, empty where there is none.
    """

    seq: int
    hash: bytes
    at_ms: int = 0
    signature: str = ""
    algorithm: str = SHA256

    def statement(self) -> bytes:
        """The bytes that are signed."""
        return head_statement(self.seq, self.hash, self.at_ms, self.algorithm)


class Word(StrEnum):
    """What a head is worth."""

    GENUINE = "genuine"  # signed by the device
    KEYLESS = "keyless"  # of a device that has given no key: nothing better is to be had
    SILENT = "silent"  # nothing was written yet, so nothing is signed
    UNSIGNED = "head-unsigned"
    FORGED = "head-forged"


BELIEVED = (Word.GENUINE, Word.KEYLESS)


def word_of(head: Head, sign: bytes | None) -> Word:
    """What ``head`` is worth; ``sign``: the device's raw public key, ``None`` without one."""
    if sign is None:
        return Word.KEYLESS
    if head.signature:
        return Word.GENUINE if genuine(sign, head.signature, head.statement()) else Word.FORGED
    return Word.SILENT if (head.seq, head.hash) == (0, GENESIS) else Word.UNSIGNED
