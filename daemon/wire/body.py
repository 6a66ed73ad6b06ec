"""Bytes of a HIS call → its members by key → the texts of one table of fields, or a refusal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import unquote_to_bytes

from yibao_face.daemon.wire.charset import UTF8, Decoded, decode, known, stripped
from yibao_face.daemon.wire.field import ALIASES, Field
from yibao_face.daemon.wire.tolerant import NotJsonError, parse, value_of
from yibao_face.daemon.wire.value import UNUSABLE, problems_of, text_of

MAX_BODY_BYTES = 64 * 1024
# What old HIS post as a form: one parameter that holds the JSON.
_FORM = re.compile(
    rb"(?:inputjson|hismsg|json)[ \t]{0,9}=[ \t]{0,9}(?=[%{\"'\xa3\xef])", re.IGNORECASE
)
_ESCAPE = re.compile(rb"%[0-9A-Fa-f]{2}")
_NO_JSON = "入参不是有效的JSON，请检查格式"
_WHAT_TO_MEND = {
    "missing": "不能为空，请HIS补填",
    "wrong-type": "类型不对，请HIS按字符串传入",
    "control-character": "含有非法字符，请HIS核对",
    "full-width": "含有全角字符，请HIS改用半角",
    "placeholder": "不是实际内容，请HIS填写实际值",
}


class BadRequestError(Exception):
    """The call cannot be understood; ``advice`` is one Chinese sentence for the HIS vendor."""

    def __init__(self, advice: str, charset: str = UTF8) -> None:
        super().__init__(advice)
        self.advice, self.charset = advice, charset


class TooLargeError(BadRequestError):
    """The body is longer than any call of the interface."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A field that is wrong but does not stop the patient: kept with the result, counted.

    ``field`` is the code of the document, empty for the call as a whole.
    """

    field: str
    problem: str


@dataclass(frozen=True, slots=True)
class Body:
    """The members of a call by lower-case key, as sent."""

    members: Mapping[str, Any] = field(repr=False)
    charset: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Texts:
    """``fields``: every field of a table by code, as text; ``extra``: what else was sent."""

    fields: Mapping[str, str] = field(repr=False)
    extra: Mapping[str, Any] = field(repr=False)
    findings: tuple[Finding, ...]


def read_body(body: bytes, declared: str | None, forced: str | None) -> Body:
    """The object in ``body``; ``BadRequestError`` where there is none or a field comes twice.

    ``declared``: charset of the header; ``forced``: that of the site's setting (Q9), which wins.
    """
    spoken = known(forced) or known(declared) or UTF8
    if len(body) > MAX_BODY_BYTES:
        raise TooLargeError("请求内容过大，请检查HIS传入的数据", spoken)
    content = stripped(body)
    if not content:
        raise BadRequestError("请求内容为空，请HIS传入JSON入参", spoken)
    inner = _form_value(content, spoken)
    decoded = _decoded(content if inner is None else inner, declared, forced)
    raw, problems = _object(decoded)
    if inner is not None:
        problems.insert(0, "lenient-form")
    if _is_mismatch(decoded, known(declared)):
        problems.insert(0, "charset-mismatch")
    members, bent = _by_key(raw, decoded.charset)
    if bent and "lenient-json" not in problems:
        problems.append("lenient-json")
    return Body(members, decoded.charset, tuple(Finding("", word) for word in problems))


def texts_of(body: Body, table: tuple[Field, ...], identity: tuple[str, ...]) -> Texts:
    """The fields of ``table``; a fault in a field of ``identity`` raises ``BadRequestError``."""
    extra = dict(body.members)
    texts: dict[str, str] = {}
    findings: list[Finding] = []
    for entry in table:
        value = extra.pop(entry.code.lower(), None)
        texts[entry.code] = text = text_of(value)
        for problem in problems_of(entry, value, text):
            if entry.code in identity and problem in UNUSABLE:
                raise BadRequestError(_advice(entry, problem), body.charset)
            findings.append(Finding(entry.code, problem))
    return Texts(texts, extra, tuple(findings))


def _form_value(content: bytes, charset: str) -> bytes | None:
    """The value of ``inputJson=…``; ``None`` when the body is no form.

    Wholly percent-encoded or not at all: what could be meant in two ways is refused.
    """
    found = _FORM.match(content)
    if found is None:
        return None
    value = content[found.end() :]
    escaped = _ESCAPE.search(value) is not None
    # An encoder that leaves ":" or writes "%20" leaves a plus sign; others mean a space by it.
    plus_is_unclear = b"+" in value and (b":" in value or b"%20" in value)
    bad_escape = b"%" in _ESCAPE.sub(b"", value)
    if value[:1] != b"%":
        unclear = escaped or plus_is_unclear
    else:
        unclear = plus_is_unclear or bad_escape or b"&" in value or not value.isascii()
    if unclear:
        raise BadRequestError("入参的表单编码有歧义，请HIS直接传JSON", charset)
    return value if value[:1] != b"%" else unquote_to_bytes(value.replace(b"+", b" "))


def _decoded(content: bytes, declared: str | None, forced: str | None) -> Decoded:
    try:
        return decode(content, declared, forced)
    except UnicodeDecodeError as exc:
        asked = {None: "UTF-8或GBK", UTF8: "本机设定的UTF-8"}.get(known(forced), "本机设定的GBK")
        spoken = known(forced) or UTF8
        raise BadRequestError(f"字符集无法识别，请使用{asked}", spoken) from exc


def _is_mismatch(decoded: Decoded, declared: str | None) -> bool:
    return declared not in (None, decoded.charset) and not decoded.text.isascii()


def _object(decoded: Decoded) -> tuple[dict[str, Any], list[str]]:
    """The object, which some HIS send encoded a second time as a JSON string."""
    problems: list[str] = []
    try:
        found, lenient = value_of(decoded.text)
        if isinstance(found, str):
            problems.append("double-encoded")
            found, inner_lenient = parse(found)
            lenient = lenient or inner_lenient
    except NotJsonError as exc:
        raise BadRequestError(_NO_JSON, decoded.charset) from exc
    if not isinstance(found, dict):
        raise BadRequestError(_NO_JSON, decoded.charset)
    return cast(dict[str, Any], found), problems + ["lenient-json"] * lenient


def _by_key(raw: dict[str, Any], charset: str) -> tuple[dict[str, Any], bool]:
    """Keys in lower case, aliases resolved; the same field twice is refused (Q2, Q3).

    Second: whether a key came in full-width letters.
    """
    found: dict[str, Any] = {}
    bent = False
    for key, value in raw.items():
        narrow = unicodedata.normalize("NFKC", key)
        bent = bent or (narrow != key and narrow.isascii())
        code = narrow.strip().lower()
        code = ALIASES.get(code, code)
        if code in found:
            # A key that is no word of an interface may hold anything, a name too.
            shown = code if code.isascii() and code.isidentifier() and len(code) <= 30 else "名"
            raise BadRequestError(f"字段{shown}重复，请HIS只传一次", charset)
        found[code] = value
    return found, bent


def _advice(entry: Field, problem: str) -> str:
    told = _WHAT_TO_MEND.get(problem, f"超过{entry.max_chars}个字符，请HIS核对")
    return f"{entry.title}({entry.code}){told}"
