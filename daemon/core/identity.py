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
    """A record's UUID in 26 characters a clerk can read out: the head of ``cp_no`` (S0-09)."""
    return _spelled(int(result_id.replace("-", ""), 16), 26)


def check_mark(digest: bytes) -> str:
    """The first 20 bits of ``digest`` in four characters: ties a number to what it is about."""
    return _spelled(int.from_bytes(digest[:3], "big") >> 4, 4)


def masked(number: str) -> str:
    """An id number for logs and screens: first two and last two characters, the rest starred."""
    if len(number) <= 6:
        return "*" * len(number)
    return f"{number[:2]}{'*' * (len(number) - 4)}{number[-2:]}"


def masked_name(name: str) -> str:
    """A name for screens others see: first character and, of three or more, the last.

    Only what can be shown in a line is kept: no control, direction or line signs. At most 12.
    """
    shown = "".join(ch for ch in name if ch.isprintable()).strip()
    if len(shown) < 3:
        return shown[:1] + "*" * (len(shown) - 1)
    return f"{shown[0]}{'*' * min(len(shown) - 2, 10)}{shown[-1]}"


def _spelled(value: int, length: int) -> str:
    digits: list[str] = []
    for _ in range(length):
        value, digit = divmod(value, 32)
        digits.append(_CROCKFORD[digit])
    return "".join(reversed(digits))
