"""What no HIS should send: strategies of bodies and of whole HTTP messages, all bounded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st
from wire_calls import ATTENDANCE, CALL, GOLDEN, NUMBER, attendance_call, his_call

from yibao_face.daemon.desk.table import ACTS, VIEWS
from yibao_face.daemon.wire.field import FIELDS

AUTH, ATTEND = b"/stdcashFaceAuth", b"/hisCallAtten"
CODES = [known.code for known in FIELDS]
# The scratch policy of the benchmarks spares this 医疗类别.
SPARED = "11"
# Of the persons in the samples of the document and in ours.
_NUMBERS = (b"320101194202156744", NUMBER.encode())
SAMPLES = [
    (GOLDEN / name).read_bytes().decode().encode(codec)
    for name in ("sample_a.txt", "sample_b.txt")
    for codec in ("utf-8", "gbk")
] + [his_call()]
PIECES = st.binary(max_size=4) | st.sampled_from(
    [
        *(b"'", b'"', b"{", b"}", b"[", b"]", b":", b",", b"(", b")", b"//", b"/*", b"*/", b"\\"),
        *("“”‘’（）｛｝［］，：；".encode()[i : i + 3] for i in range(0, 39, 3)),
        *(b"NaN", b"null", b"true", b"1e9999999", b"1e99999999999999999999", b"-", b"0.1"),
        *(b"inputJson=", b"%7B", b"%7D", b"%22", b"%", b"+", b"&", b'"{', b"True"),
        b"\x84\x31\x95\x33",
        *(b"\\u0069d", b"\\ud800", b"\\x00", b"\x00", b"\xef\xbb\xbf", b"\xa3\xba", b"char *x ="),
        *(b"'id' : '1',", b"'psn' : {},", b"'begntime' : [],", b'"name": "\\u0000",'),
    ]
)
EDITS = st.lists(
    st.tuples(st.integers(0, 1500), st.integers(0, 30), PIECES), min_size=1, max_size=6
)
# No quotes or backslashes in keys: whether "'id'" and "id" are one key is not asked here.
KEYS = st.text("abcdefgh胸外科 _", min_size=1, max_size=8)
LEAVES = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(max_size=40)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=4,
)
ODD = ["1e9999999", "20220111", "0.0", "\ud800", "{'a': 1}"]
CALLS = st.dictionaries(
    st.sampled_from(CODES), JSON | st.floats() | st.sampled_from(ODD), max_size=8
)


def mangled(body: bytes, edits: Sequence[tuple[int, int, bytes]]) -> bytes:
    """``body`` with pieces cut out and others put in: (position, bytes to cut, piece) each."""
    for at, cut, piece in edits:
        body = body[:at] + piece + body[at + cut :]
    return body


@dataclass(frozen=True, slots=True)
class Message:
    """One HTTP message as bytes. ``kind``: its row in the report; ``path``: as it was meant.

    ``replies``: how many answers must come; ``None``: the HTTP itself is broken, so any number.
    ``guarded``: the browser guard may refuse it. ``ends``: it is cut off, nothing more comes.
    """

    kind: str
    raw: bytes
    path: bytes = AUTH
    replies: int | None = 1
    guarded: bool = False
    ends: bool = False

    @property
    def is_head(self) -> bool:
        """Whether its answer has no body."""
        return self.raw.startswith(b"HEAD ")


def posted(
    body: bytes,
    path: bytes = AUTH,
    headers: Sequence[bytes] = (),
    *,
    method: bytes = b"POST",
    length: int | None = None,
) -> bytes:
    """A message with one Content-Length, the true one unless ``length`` says otherwise."""
    said = len(body) if length is None else length
    named = any(line.startswith(b"Host:") for line in headers)
    lines = [
        method + b" " + path + b" HTTP/1.1",
        *([] if named else [b"Host: 127.0.0.1"]),
        *headers,
        b"Content-Length: %d" % said,
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked(body: bytes, cuts: Sequence[int], extension: bytes = b"", path: bytes = AUTH) -> bytes:
    """A message in chunks of the sizes ``cuts``, the rest in one."""
    parts: list[bytes] = []
    for size in cuts:
        part, body = body[:size], body[size:]
        parts += [b"%x%s\r\n%s\r\n" % (len(part), extension, part)] if part else []
    parts += [b"%x\r\n%s\r\n" % (len(body), body)] if body else []
    head = b"POST " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(parts) + b"0\r\n\r\n"


def _text(changed: dict[str, Any], med_type: str = SPARED) -> str:
    return json.dumps({**CALL, "med_type": med_type, **changed})


def _spared(changed: dict[str, str]) -> bytes:
    return his_call(**{**changed, "med_type": SPARED})


def _deep(depth: int, piece: bytes, in_call: bool) -> bytes:
    return his_call().replace(b'""', piece * depth, 1) if in_call else piece * depth


def _in_field(code: str, raw: bytes) -> bytes:
    """A call with ``raw`` in place of the value of a field, quotes and all."""
    return his_call(**{code: "@"}).replace(b'"@"', raw)


def _huge(code: str, digits: int, form: bytes) -> bytes:
    return _in_field(code, form % (b"9" * digits))


def _doubled(code: str, value: Any) -> bytes:
    return his_call()[:-1] + b"," + json.dumps({code: value}).encode()[1:]


def _mixed(utf8: str, gbk: str) -> bytes:
    body = his_call(name="@", dise_name="#")
    body = body.replace(b"@", utf8.encode("utf-8", "replace"))
    return body.replace(b"#", gbk.encode("gb18030", "replace"))


def _wrapped(changed: dict[str, Any], way: str) -> bytes:
    text = _text(changed)
    return {
        "twice": json.dumps(text).encode(),
        "form": f"inputJson={quote(text, safe='')}".encode(),
        "bare form": b"json=" + text.encode(),
        "mark and nul": b"\xef\xbb\xbf" + text.encode() + b"\0\0",
        "utf-16": text.encode("utf-16"),
    }[way]


def _large(size: int, end: bytes) -> bytes:
    return his_call()[:-1] + b" " * size + end


def _attendance(changed: dict[str, Any]) -> bytes:
    return json.dumps({**ATTENDANCE, **changed}).encode()


_MED_TYPES = st.sampled_from([SPARED, SPARED, "41", "21", "011", ""])
_NAMES = st.text("联通胸外科·，“é\U00020000张", max_size=20)
_SHORT = st.dictionaries(
    st.sampled_from(CODES), st.text(st.characters(exclude_categories=["Cs"])), max_size=3
)
_OPENINGS = [b"[", b'{"a":', b"[{", b"(", "（".encode(), b'"{\\"a\\":', b"[[],"]
_NUMBER_FORMS = [b"%s", b"-%s", b"0.%s", b"1e%s", b'"%s"', b"[%s]", b"1e-%s"]
_HALVES = [
    *(b'"\\ud800"', b'"\\udfff\\ud800"', b'"\xed\xa0\x80"', b'"\\u0000"', b'"\\ud83d\\ude00"'),
    b'"\xf4\x90"',
]
_WAYS = ["twice", "form", "bare form", "mark and nul", "utf-16"]
_BYTES = st.binary(max_size=400) | st.text(max_size=100).map(str.encode)
_WHOLE = [*SAMPLES, his_call(med_type=SPARED), attendance_call()]
_AGAIN = [*CODES, "ID", "Name", "inscp_sep_amt", "ｉｄ", " id "]
_DEEP = st.builds(_deep, st.integers(1, 12_000), st.sampled_from(_OPENINGS), st.booleans())
_DIGITS = st.integers(1, 5000) | st.just(60_000)
_ATTENDANCE = st.builds(
    _attendance, st.dictionaries(st.sampled_from([*ATTENDANCE, "action", "x"]), JSON, max_size=3)
)

_CALL_BODIES = {
    "spared": st.builds(_spared, _SHORT),
    "values": st.builds(_text, CALLS, _MED_TYPES).map(str.encode),
    "mangled": st.builds(mangled, st.sampled_from(_WHOLE), EDITS),
    "bytes": _BYTES,
    "deep": _DEEP,
    "huge": st.builds(_huge, st.sampled_from(CODES), _DIGITS, st.sampled_from(_NUMBER_FORMS)),
    "surrogate": st.builds(_in_field, st.sampled_from(CODES), st.sampled_from(_HALVES)),
    "duplicate": st.builds(_doubled, st.sampled_from(_AGAIN), LEAVES),
    "mixed charset": st.builds(_mixed, _NAMES, _NAMES),
    "wrapped": st.builds(_wrapped, CALLS, st.sampled_from(_WAYS)),
    "large": st.builds(_large, st.integers(60_000, 70_000), _BYTES),
}
_SPOKEN = st.sampled_from(
    [b"utf-8", b"gbk", b"GB18030", b"utf-16", b"utf-7", b"rot13", b"no-such", b'"gbk', b"\xff\xfe"]
)
_HEADERS = st.lists(
    st.one_of(
        _SPOKEN.map(b"Content-Type: application/json; charset=".__add__),
        (_SPOKEN | st.sampled_from([b"936", b"65001", b"-1"])).map(b"X-HCF-ACP: ".__add__),
        st.sampled_from(
            [
                b"Content-Type: multipart/form-data; boundary=x",
                b"Content-Type: application/x-www-form-urlencoded",
                b"Content-Type: \xff;;;=",
                b"Content-Type: text/html; charset=",
                b"Accept: application/xml;q=x",
                b"Accept-Encoding: gzip, br, zstd",
                b"Expect: 100-continue",
                b"Expect: 200-ok",
                b"Connection: keep-alive, close, x",
                b"Connection: close",
                b"Upgrade: websocket",
                b"Connection: Upgrade",
                b"If-None-Match: *",
                b"Range: bytes=0-1",
                b"Authorization: Bearer \xff\xfe",
                b"Cookie: a=b; \xd1\x84",
                b"X-Forwarded-For: 192.0.2.1",
                b"X: " + b"y" * 7000,
            ]
        ),
    ),
    min_size=1,
    max_size=3,
)
_ENCODED = st.sampled_from(
    [b"Content-Encoding: gzip", b"Content-Encoding: deflate", b"Content-Encoding: br"]
)
_STRANGE = st.sampled_from(
    [
        b"Origin: https://page.example",
        b"Origin: null",
        b"Sec-Fetch-Site: cross-site",
        b"Sec-Fetch-Site: \xff",
        b"Host: page.example",
        b"Host: ",
        b"Host: [::1]:x",
    ]
)
_PATHS = st.sampled_from(
    [
        *(AUTH, AUTH.lower(), AUTH + b"/", AUTH + b"?a=1&a=2", AUTH + b"/..", b"/" + AUTH),
        *(AUTH + b"%00", b"/stdcash%46aceAuth", b"/", b"//", b"*", b"/%ff", b"/\xff", b"/a" * 500),
        *(b"http://127.0.0.1" + AUTH, b"/favicon.ico", b"/../../etc/passwd", ATTEND + b"/x"),
    ]
)
_METHODS = st.sampled_from(
    [b"GET", b"POST", b"PUT", b"HEAD", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE", b"FOO", b"post"]
)


def _inserted(at: int, piece: bytes) -> bytes:
    return mangled(posted(b"{}"), [(at, 0, piece)])


def _miscounted(length: int) -> bytes:
    return posted(b"{}", length=length)


_BROKEN = st.one_of(
    st.builds(mangled, st.just(posted(his_call())), EDITS),
    st.builds(_inserted, st.integers(0, 89), st.binary(min_size=1, max_size=9)),
    st.builds(_miscounted, st.sampled_from([-1, 1, 10**30])),
    st.binary(min_size=1, max_size=300).map(lambda data: data + b"\r\n\r\n"),
    st.sampled_from(
        [
            b"POST\r\n\r\n",
            b"POST / HTTP/9.9\r\n\r\n",
            b"POST  " + AUTH + b"  HTTP/1.1\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 40 + b"\r\n\r\n",
            b"POST " + AUTH + b" HTTP/1.1\r\n" + b"a: b\r\n" * 2000 + b"\r\n",
            b"POST " + AUTH + b" HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
            b"POST /" + b"a" * 20_000 + b" HTTP/1.1\r\n\r\n",
            b"POST " + AUTH + b" HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
            b"POST "
            + AUTH
            + b" HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
            b"POST " + AUTH + b" HTTP/1.1\r\nTransfer-Encoding: x\r\nContent-Length: 2\r\n\r\n{}",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ]
    ),
)
_OWN_PATHS = st.sampled_from(
    [
        *(b"/counter", b"/counter/cancel", b"/health", b"/desk/none", b"/desk/"),
        *(f"/desk/{name}".encode() for name in (*ACTS, *VIEWS)),
    ]
)
_TYPES = st.sampled_from(
    [
        b"Content-Type: application/json",
        b"Content-Type: text/plain; charset=no-such",
        b"Content-Encoding: gzip",
    ]
)
_FORMS = st.one_of(
    JSON.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(
        st.sampled_from(
            [
                *("id", "psn", "name", "institution", "staff", "case", "of", "approved", "day"),
                *("count", "photos", "document", "practitioners", "session", "data", "sign", "at"),
                *("item", "reason", "encounter", "by", "stage", "accepted", "id_photo"),
            ]
        ),
        JSON | st.sampled_from(["2026-01-01", "in", "self", "999999999999-01-01"]),
    ).map(lambda form: json.dumps(form).encode()),
    _BYTES,
    _DEEP,
)


def _call(kind: str, body: bytes) -> Message:
    return Message(kind, posted(body))


def _signing(body: bytes) -> Message:
    return Message("attendance", posted(body, ATTEND), ATTEND)


def _with_headers(body: bytes, headers: list[bytes]) -> Message:
    return Message("headers", posted(body, AUTH, headers))


def _encoded(body: bytes, header: bytes) -> Message:
    return Message("encoding", posted(body, AUTH, [header]), replies=None)


def _from_a_page(body: bytes, header: bytes) -> Message:
    return Message("guard", posted(body, AUTH, [header]), guarded=True)


def _in_chunks(body: bytes, cuts: list[int], extension: bytes) -> Message:
    return Message("chunked", chunked(body, cuts, extension))


def _elsewhere(method: bytes, path: bytes, body: bytes) -> Message:
    return Message("method or path", posted(body, path, method=method), path, None)


def _two(first: bytes, second: bytes) -> Message:
    return Message("pipelined", posted(first) + posted(second, ATTEND), b"", replies=2)


def _to_own(method: bytes, path: bytes, headers: list[bytes], body: bytes) -> Message:
    return Message("own windows", posted(body, path, headers, method=method), path)


def _cut_off(raw: bytes, at: int) -> Message:
    return Message("cut off", raw[: at % len(raw)], replies=None, ends=True)


def messages(token: str) -> st.SearchStrategy[Message]:
    """Every kind of hostile message; ``token``: of the daemon's own windows."""
    bodies = st.one_of(*_CALL_BODIES.values())
    cuts = st.lists(st.integers(1, 700), max_size=8)
    extensions = st.sampled_from([b"", b";a=b", b' ;x="y"'])
    plain = [st.builds(_call, st.just(kind), found) for kind, found in _CALL_BODIES.items()]
    known = [f"Authorization: Bearer {token}".encode()] * 4
    bearers = st.sampled_from([*known, b"X: 1", b"Authorization: Bearer \xff\xfe"])
    methods = st.sampled_from([b"GET", b"POST", b"POST", b"POST", b"DELETE"])
    return st.one_of(
        *plain,
        *plain[:3],
        st.builds(_signing, _ATTENDANCE),
        st.builds(_signing, bodies),
        st.builds(_with_headers, bodies, _HEADERS),
        st.builds(_encoded, bodies, _ENCODED),
        st.builds(_from_a_page, bodies, _STRANGE),
        st.builds(_in_chunks, bodies, cuts, extensions),
        st.builds(_elsewhere, _METHODS, _PATHS, bodies),
        st.builds(_two, bodies, bodies),
        st.builds(_to_own, methods, _OWN_PATHS, st.tuples(bearers, _TYPES).map(list), _FORMS),
    )


def broken_messages() -> st.SearchStrategy[Message]:
    """What is not HTTP, or not all of it: the daemon answers or hangs up, and lives on."""
    whole = st.one_of(*_CALL_BODIES.values()).map(posted)
    return st.one_of(
        _BROKEN.map(lambda raw: Message("broken HTTP", raw, replies=None)),
        st.builds(_cut_off, whole, st.integers(1, 5000)),
    )


def of_its_own(raw: bytes, number: str, serial: int) -> bytes:
    """``raw`` for the person ``number``, as a settlement of its own; of the same length."""
    deal_no = CALL["deal_no"].encode()
    raw = raw.replace(deal_no, deal_no[:-7] + b"%07d" % (serial % 10**7))
    for known in _NUMBERS:
        raw = raw.replace(known, number.encode())
    return raw
