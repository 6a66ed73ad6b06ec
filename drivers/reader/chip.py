"""The 256 bytes of text and the picture an identity document's chip holds (GA/T 490).

Whatever the bytes are, the answer is an ``IdCard`` or ``ChipError``, which names the field.
"""

from __future__ import annotations

import struct
from datetime import date

from yibao_face.drivers.reader.api import CardKind, IdCard, Sex

TEXT_BYTES = 256
WIDTH, HEIGHT = 102, 126
_FOR_LIFE = "长期"
_KIND = slice(248, 250)
# Capital letter at the end of the text; nothing on a resident's card.
_KINDS = {
    "I": CardKind.OLD_FOREIGN,
    "J": CardKind.HONGKONG_MACAO_TAIWAN,
    "Y": CardKind.FOREIGN,
}
_BMP_HEAD = struct.Struct("<2sIHHIIiiHHI")

# Field -> bytes, UTF-16LE padded with spaces. Three documents share one arrangement; the third
# field and the address mean something else on some of them and are then left out.
_FIELDS = {
    "name": slice(0, 30),
    "sex": slice(30, 32),
    "nation": slice(32, 36),
    "born": slice(36, 52),
    "address": slice(52, 122),
    "number": slice(122, 158),
    "issuer": slice(158, 188),
    "valid_from": slice(188, 204),
    "valid_until": slice(204, 220),
}
_OLD_FOREIGN_FIELDS = {
    "latin": slice(0, 120),
    "sex": slice(120, 122),
    "number": slice(122, 152),
    "nation": slice(152, 158),
    "name": slice(158, 188),
    "valid_from": slice(188, 204),
    "valid_until": slice(204, 220),
    "born": slice(220, 236),
}


class ChipError(ValueError):
    """The chip's bytes are no identity document; the message names the field, never its text."""


def parse(text: bytes, photo: bytes) -> IdCard:
    """The card the 256 bytes ``text`` and the decoded ``photo`` (empty: none) make."""
    if len(text) != TEXT_BYTES:
        raise ChipError(f"text has {len(text)} bytes, not {TEXT_BYTES}")
    kind = kind_of(text)
    arrangement = _OLD_FOREIGN_FIELDS if kind is CardKind.OLD_FOREIGN else _FIELDS
    found = {name: _text(text[place], name) for name, place in arrangement.items()}
    if photo:
        check_photo(photo)
    try:
        return IdCard(
            kind,
            found["name"] or found.get("latin", ""),
            found["number"],
            _sex(found["sex"]),
            found["nation"] if kind in (CardKind.RESIDENT, CardKind.OLD_FOREIGN) else "",
            _day(found["born"], "born"),
            "" if kind is CardKind.FOREIGN else found.get("address", ""),
            "" if kind is CardKind.FOREIGN else found.get("issuer", ""),
            _day(found["valid_from"], "valid_from"),
            None
            if found["valid_until"] == _FOR_LIFE
            else _day(found["valid_until"], "valid_until"),
            photo,
        )
    except ChipError:
        raise
    except ValueError as exc:
        raise ChipError(str(exc)) from None


def kind_of(text: bytes) -> CardKind:
    """Which document the type mark names; ``ChipError`` for a mark nobody knows."""
    mark = _text(text[_KIND], "kind")
    if mark in ("", "\0"):
        return CardKind.RESIDENT
    if mark not in _KINDS:
        raise ChipError("kind")
    return _KINDS[mark]


def check_photo(photo: bytes) -> None:
    """``ChipError`` unless ``photo`` is a JPEG, or a plain BMP of 102x126 px that is whole."""
    if photo.startswith(b"\xff\xd8\xff") and photo.rstrip(b"\0").endswith(b"\xff\xd9"):
        return
    if len(photo) < _BMP_HEAD.size or not photo.startswith(b"BM"):
        raise ChipError("photo")
    _, _, _, _, start, _, width, height, planes, bits, packing = _BMP_HEAD.unpack_from(photo)
    if (width, abs(height), planes, bits, packing) != (WIDTH, HEIGHT, 1, 24, 0):
        raise ChipError("photo")
    if start + _row_bytes() * HEIGHT > len(photo):
        raise ChipError("photo")


def bmp_of(pixels: bytes) -> bytes:
    """A BMP of 102x126 BGR pixels, rows from the top, 3 bytes each without padding."""
    row = WIDTH * 3
    if len(pixels) != row * HEIGHT:
        raise ChipError("photo")
    padding = bytes(_row_bytes() - row)
    rows = [pixels[at : at + row] + padding for at in range(0, len(pixels), row)]
    # Such files begin with the lowest row.
    body = b"".join(reversed(rows))
    head = _BMP_HEAD.pack(b"BM", 54 + len(body), 0, 0, 54, 40, WIDTH, HEIGHT, 1, 24, 0)
    return head + struct.pack("<IiiII", len(body), 0, 0, 0, 0) + body


def _row_bytes() -> int:
    return (WIDTH * 3 + 3) // 4 * 4


def _text(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-16-le").strip(" \0")
    except UnicodeDecodeError:
        raise ChipError(name) from None


def _sex(text: str) -> Sex:
    # A foreigner's card of 2017 may code it in letters.
    code = {"M": "1", "F": "2"}.get(text, text)
    if code not in set(Sex):
        raise ChipError("sex")
    return Sex(code)


def _day(text: str, name: str) -> date:
    if len(text) != 8 or not (text.isascii() and text.isdigit()):
        raise ChipError(name)
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        raise ChipError(name) from None
