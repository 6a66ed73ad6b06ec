"""Which character set a HIS speaks: GBK and UTF-8 both arrive, named or not (Q9)."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass

UTF8 = "utf-8"
GB18030 = "gb18030"
_NAMES = {
    "utf-8": UTF8,
    "utf8": UTF8,
    "65001": UTF8,
    "gbk": GB18030,
    "gb2312": GB18030,
    "gb18030": GB18030,
    "936": GB18030,
    "54936": GB18030,
}
_MIDDLE_DOT = "\u00b7"
_WIDE, _ODD = re.compile("[\u0800-\uffff]+"), re.compile("[\u0080-\u07ff]+")
_BLANK = " \t\r\n\x00"
# A mark may come twice, or behind what a C buffer starts with.
_LEADING = re.compile(rb"(?:[ \t\r\n\x00]|\xef\xbb\xbf)+")


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text and the charset the answer goes back in."""

    text: str
    charset: str


def known(name: str | None) -> str | None:
    """Our name of a declared charset or Windows code page; ``None`` when we do not know it."""
    return _NAMES.get(name.strip().strip('"').lower()) if name else None


def stripped(body: bytes) -> bytes:
    """``body`` without byte order marks before it, spaces and NULs around it."""
    found = _LEADING.match(body)
    return body[found.end() if found else 0 :].rstrip(_BLANK.encode())


def decode(body: bytes, declared: str | None = None, forced: str | None = None) -> Decoded:
    """Decode by the bytes where they are clear, else as ``declared``; else ``UnicodeDecodeError``.

    A declared charset the bytes are not in is a HIS that copied a header, or the code page of a
    machine whose HIS speaks another: the bytes decide. ``forced``, the setting of a site, decides
    over both (Q9); ``LookupError`` when it is no charset of ours.
    """
    body = stripped(body)
    if forced:
        return _decoded(body, _ours(forced))
    declared = known(declared)
    if body.isascii():
        return Decoded(body.decode("ascii"), declared or UTF8)
    if _is_clearly_utf8(body):
        return _decoded(body, UTF8)
    for charset in (declared or GB18030, GB18030):
        with contextlib.suppress(UnicodeDecodeError):
            return _decoded(body, charset)
    return _decoded(body, UTF8)


def _decoded(body: bytes, charset: str) -> Decoded:
    """GB18030 has a byte order mark of its own, which only the text shows."""
    text = body.decode(charset)
    return Decoded(text.lstrip(_BLANK + "\ufeff") if text.startswith("\ufeff") else text, charset)


def _ours(name: str) -> str:
    charset = known(name)
    if charset is None:
        raise LookupError(f"unknown charset {name}")
    return charset


def _is_clearly_utf8(body: bytes) -> bool:
    """Whether ``body`` is UTF-8 that GBK text would hardly ever be taken for.

    Strict UTF-8 alone would be one in thirty two-character GBK names: two GBK bytes make one UTF-8
    letter of two. So most letters beyond ASCII must have three bytes, as Chinese has; the middle
    dot of names and letters of four bytes (two GBK letters) do not count.
    """
    try:
        text = body.decode(UTF8)
    except UnicodeDecodeError:
        return False
    wide = sum(map(len, _WIDE.findall(text)))
    odd = sum(map(len, _ODD.findall(text))) - text.count(_MIDDLE_DOT)
    return wide > odd
