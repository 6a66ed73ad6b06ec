"""An answer → the keys of the interface, in the caller's charset, within 1023 bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yibao_face.daemon.core.encounter import Answer, Who
from yibao_face.daemon.wire.charset import GB18030

# outJson and outMsg are at least 1 KB, NUL included (S0-06, S0-45).
MAX_REPLY_BYTES = 1023
# The most one character takes: a control character as \u00XX.
_CHAR_BYTES = 6


@dataclass(frozen=True, slots=True)
class Reply:
    """What a HIS is told. ``cp_no``: certificate number, empty where nothing was passed."""

    code: Answer
    msg: str
    cp_no: str
    type: Who

    def body(self, msg: str) -> Mapping[str, Any]:
        """The four keys in the order of the document, with ``msg`` as far as it fits."""
        code, type_ = int(self.code), int(self.type)
        return {"code": code, "msg": msg, "cp_no": self.cp_no, "type": type_}


@dataclass(frozen=True, slots=True)
class AttendanceReply:
    """What a HIS is told of a sign-in or sign-out (S0-44, S0-45). ``code``: 0, 1, -1, -2, -4."""

    code: int
    msg: str

    def body(self, msg: str) -> Mapping[str, Any]:
        """The two keys in the order of the document, with ``msg`` as far as it fits."""
        return {"code": int(self.code), "msg": msg}


def encode(reply: Reply | AttendanceReply, charset: str) -> bytes:
    """JSON of exactly the keys of ``reply``; ``msg`` is cut at a character border to fit (Q11).

    Raw characters, not ``\\uXXXX``: many HIS parsers do not decode those. GBK callers get GBK;
    a character beyond it becomes ``?`` rather than four bytes they cannot read. ``ValueError``
    when even an empty ``msg`` does not fit.
    """
    msg = reply.msg
    while True:
        text = json.dumps(reply.body(msg), ensure_ascii=False, separators=(",", ":"))
        data = text.encode("gbk" if charset == GB18030 else charset, errors="replace")
        if len(data) <= MAX_REPLY_BYTES:
            return data
        if not msg:
            raise ValueError("reply does not fit without its message")
        msg = msg[: -max(1, (len(data) - MAX_REPLY_BYTES) // _CHAR_BYTES)]


def content_type(charset: str) -> str:
    """Header that names the charset the bytes are in."""
    return f"application/json; charset={'gbk' if charset == GB18030 else charset}"
