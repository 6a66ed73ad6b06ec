"""What is inside a sealed frame: the very request and answer of a local call, HTTP/1.0."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from yibao_face.daemon.lan.exchange import TAG_BYTES, LanError
from yibao_face.daemon.trust.reply import HEADER_NONCE, nonce_of
from yibao_face.daemon.wire.request import MAX_BODY_BYTES

# Of the library; its body is one byte longer than allowed where it was cut.
HEAD_BYTES = 512
CALL_BYTES = HEAD_BYTES + MAX_BODY_BYTES + 1 + TAG_BYTES
REPLY_BYTES = 16_384
# An answer is filled up to a multiple: its length shall not tell a pass from a refusal.
_STEP_BYTES = 2048
_FIRST = re.compile(r"POST (/[!-~]{1,100}) HTTP/1\.0")
_LINE = re.compile(r"([A-Za-z-]{1,40}): ([ -~]*)")
_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Call:
    """One call. ``nonce``: 32 bytes the answer is signed over. ``code_page``: of the HIS.

    ``caller``: how records name the machine it came from; empty until that is proven.
    """

    path: str
    nonce: bytes
    code_page: str | None
    body: bytes
    caller: str = ""


def read_call(text: bytes) -> Call:
    """The call in an opened frame; ``LanError`` for what our library does not write."""
    head, end, body = text.partition(_END)
    if not end or len(head) > HEAD_BYTES or not head.isascii():
        raise LanError("message")
    first, *lines = head.decode("ascii").split("\r\n")
    asked = _FIRST.fullmatch(first)
    headers = _headers(lines)
    nonce = nonce_of(headers.get(HEADER_NONCE.lower()))
    if asked is None or nonce is None or headers.get("content-length") != str(len(body)):
        raise LanError("message")
    return Call(asked[1], nonce, headers.get("x-hcf-acp"), body)


def write_reply(headers: Mapping[str, str], body: bytes) -> bytes:
    """The answer, filled up with blanks the library does not read; ``LanError``: too long."""
    lines = [f"{name}: {value}" for name, value in headers.items()]
    top = "\r\n".join(["HTTP/1.0 200 OK", *lines, f"Content-Length: {len(body)}"])
    text = top.encode("ascii") + _END + body
    if len(text) > REPLY_BYTES - TAG_BYTES:
        raise LanError("reply")
    filled = -(-(len(text) + TAG_BYTES) // _STEP_BYTES) * _STEP_BYTES - TAG_BYTES
    return text.ljust(filled)


def _headers(lines: list[str]) -> dict[str, str]:
    """By lower-case name; one twice, or no header at all, is ``LanError``."""
    found: dict[str, str] = {}
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None or match[1].lower() in found:
            raise LanError("message")
        found[match[1].lower()] = match[2]
    return found
