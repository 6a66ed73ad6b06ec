"""Bytes as they come → whole codes: ended by a line end, bounded, prefix and suffix taken off."""

from __future__ import annotations

# A QR code of version 20 holds no more text; the 医保 codes are far shorter.
MAX_BYTES = 1024
_ENDS = b"\r\n\t"
# What came so far is damaged: keystrokes were lost.
CANCEL = b"\x18"


class Assembler:
    """One per scanner. A code over ``MAX_BYTES``, or without prefix or suffix, is left out."""

    def __init__(self, prefix: str = "", suffix: str = "") -> None:
        self._prefix, self._suffix = prefix, suffix
        self._held = bytearray()
        self._spoilt = False

    @property
    def is_amid(self) -> bool:
        """Whether a code has begun and not ended."""
        return bool(self._held) or self._spoilt

    def feed(self, data: bytes) -> list[str]:
        """The codes that end within ``data``."""
        found = [self._take(data[at : at + 1]) for at in range(len(data))]
        return [text for text in found if text]

    def end(self) -> str:
        """The code that silence ended; empty where there is none."""
        held, spoilt = bytes(self._held), self._spoilt
        self._held.clear()
        self._spoilt = False
        return "" if spoilt else self._bare(_decoded(held))

    def _take(self, byte: bytes) -> str:
        if byte in _ENDS:
            return self.end()
        if byte == CANCEL or len(self._held) >= MAX_BYTES:
            self._held.clear()
            self._spoilt = True
        if not self._spoilt:
            self._held += byte
        return ""

    def _bare(self, text: str) -> str:
        if len(text) < len(self._prefix) + len(self._suffix):
            return ""
        if not (text.startswith(self._prefix) and text.endswith(self._suffix)):
            return ""
        return text[len(self._prefix) : len(text) - len(self._suffix)].strip()


def _decoded(data: bytes) -> str:
    """Chinese codes come as UTF-8 or GBK; empty for what is neither, or holds control signs."""
    for charset in ("utf-8", "gb18030"):
        try:
            text = data.decode(charset)
        except UnicodeDecodeError:
            continue
        return text if text.isprintable() else ""
    return ""
