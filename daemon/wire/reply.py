"""An answer → the four keys of the interface, in the caller's charset, within 1023 bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass

from yibao_face.daemon.core.encounter import Answer, Who
from yibao_face.daemon.wire.charset import GB18030

# outJson is at least 1 KB, NUL included (S0-06).
MAX_REPLY_BYTES = 1023


@dataclass(frozen=True, slots=True)
class Reply:
    """What a HIS is told. ``cp_no``: certificate number, empty where nothing was passed."""

    code: Answer
    msg: str
    cp_no: str
    type: Who


def encode(reply: Reply, charset: str) -> bytes:
    """JSON of exactly ``code``, ``msg``, ``cp_no``, ``type``; ``msg`` is cut to fit (Q11).

    Raw characters, not ``\\uXXXX``: many HIS parsers do not decode those. GBK callers get GBK;
    a character beyond it becomes ``?`` rather than four bytes they cannot read.
    """
    msg = reply.msg
    while True:
        body = {
            "code": int(reply.code),
            "msg": msg,
            "cp_no": reply.cp_no,
            "type": int(reply.type),
        }
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        data = text.encode("gbk" if charset == GB18030 else charset, errors="replace")
        if len(data) <= MAX_REPLY_BYTES:
            return data
        msg = msg[: len(msg) - max(1, (len(data) - MAX_REPLY_BYTES) // 4)]


def content_type(charset: str) -> str:
    """Header that names the charset the bytes are in."""
    return f"application/json; charset={'gbk' if charset == GB18030 else charset}"
