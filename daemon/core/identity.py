"""Ids of results and certificates; time and randomness are arguments."""

from __future__ import annotations

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def uuid7(unix_ms: int, random: bytes) -> str:
    """UUID version 7 (RFC 9562) of a moment and 10 random bytes: ids that sort by time."""
    if len(random) != 10 or not 0 <= unix_ms < 1 << 48:
        raise ValueError("uuid7 wants a 48-bit millisecond and 10 random bytes")
    value = unix_ms << 80 | int.from_bytes(random, "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def certificate_no(result_id: str) -> str:
    """``cp_no`` of a result: its UUID in 26 characters a clerk can read out (S0-09)."""
    value = int(result_id.replace("-", ""), 16)
    digits: list[str] = []
    for _ in range(26):
        value, digit = divmod(value, 32)
        digits.append(_CROCKFORD[digit])
    return "".join(reversed(digits))


def masked(number: str) -> str:
    """An id number for logs and screens: first two and last two characters, the rest starred."""
    if len(number) <= 6:
        return "*" * len(number)
    return f"{number[:2]}{'*' * (len(number) - 4)}{number[-2:]}"
