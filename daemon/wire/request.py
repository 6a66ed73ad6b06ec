"""A HIS call as bytes → a typed request, or one message that names what to mend."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from yibao_face.daemon.wire.charset import Decoded, decode
from yibao_face.daemon.wire.field import ALIASES, FIELDS, IDENTITY, Field, Kind
from yibao_face.daemon.wire.tolerant import NotJsonError, parse

MAX_BODY_BYTES = 64 * 1024
# 16,2: sixteen digits in all, two behind the point.
_AMOUNT = re.compile(r"[+-]?[0-9]{1,14}(?:\.[0-9]{1,2}0*)?")
_MOMENT_FORMS = {8: "%Y%m%d", 14: "%Y%m%d%H%M%S"}


class BadRequestError(Exception):
    """The call cannot be understood; ``advice`` is one Chinese sentence for the HIS vendor."""

    def __init__(self, advice: str, charset: str = "utf-8") -> None:
        super().__init__(advice)
        self.advice, self.charset = advice, charset


class TooLargeError(BadRequestError):
    """The body is longer than any call of the interface."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A field that is wrong but does not stop the patient: kept with the result, counted."""

    field: str
    problem: str


@dataclass(frozen=True, slots=True)
class AuthRequest:
    """One parsed call. ``fields``: all 26 by code, as text; ``extra``: what else was sent."""

    id_number: str
    person_number: str
    name: str
    deal_no: str
    institution_code: str
    charset: str
    fields: Mapping[str, str] = field(repr=False)
    expansion: Mapping[str, Any] = field(repr=False)
    extra: Mapping[str, Any] = field(repr=False)
    findings: tuple[Finding, ...] = ()


def parse_request(body: bytes, declared_charset: str | None = None) -> AuthRequest:
    """Parse ``body``; raises ``BadRequestError`` whose advice names the field or the fault."""
    if len(body) > MAX_BODY_BYTES:
        raise TooLargeError("请求内容过大，请检查HIS传入的数据")
    if not body.strip(b"\x00 \t\r\n"):
        raise BadRequestError("请求内容为空，请HIS传入JSON入参")
    try:
        decoded = decode(body, declared_charset)
    except UnicodeDecodeError as exc:
        raise BadRequestError("字符集无法识别，请使用UTF-8或GBK") from exc
    try:
        raw, lenient = parse(decoded.text)
    except NotJsonError as exc:
        raise BadRequestError("入参不是有效的JSON，请检查格式", decoded.charset) from exc
    return _typed(raw, decoded, lenient)


def _typed(raw: dict[str, Any], decoded: Decoded, lenient: bool) -> AuthRequest:
    by_code = _by_code(raw, decoded.charset)
    findings = [Finding("", "lenient-json")] if lenient else []
    texts: dict[str, str] = {}
    expansion: Mapping[str, Any] = {}
    for known in FIELDS:
        value = by_code.pop(known.code, None)
        if known.kind is Kind.NESTED:
            expansion = _expansion(value, findings)
        texts[known.code] = text = _text(value)
        problem = _problem(known, value, text)
        if problem and known.code in IDENTITY:
            raise BadRequestError(_advice(known, problem), decoded.charset)
        if problem:
            findings.append(Finding(known.code, problem))
    if not texts["id"] and not texts["psn"]:
        raise BadRequestError("证件号码(id)和个人编号(psn)不能同时为空", decoded.charset)
    return AuthRequest(
        texts["id"].upper(),
        texts["psn"],
        texts["name"],
        texts["deal_no"],
        texts["fixmedins_code"],
        decoded.charset,
        texts,
        expansion,
        by_code,
        tuple(findings),
    )


def _by_code(raw: dict[str, Any], charset: str) -> dict[str, Any]:
    """Keys in lower case, aliases resolved; the same field twice is refused (Q2, Q3)."""
    found: dict[str, Any] = {}
    for key, value in raw.items():
        code = ALIASES.get(key.strip().lower(), key.strip().lower())
        if code in found:
            raise BadRequestError(f"字段{code}重复，请HIS只传一次", charset)
        found[code] = value
    return found


def _text(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    if value is None or isinstance(value, bool):
        return ""
    return str(value).strip()


def _problem(known: Field, value: Any, text: str) -> str | None:
    """What is wrong with one value, as a stable word; ``None``: nothing."""
    nested = isinstance(value, dict | list)
    if isinstance(value, bool) or (nested and known.kind is not Kind.NESTED):
        return "wrong-type"
    if known.code in ("id", "psn", "deal_no", "fixmedins_code") and isinstance(
        value, float | Decimal
    ):
        return "wrong-type"  # digits may already be lost
    if not text:
        return "missing" if known.required else None
    if len(text) > known.max_chars:
        return "too-long"
    if any(ord(ch) < 0x20 or ord(ch) == 0x7F or 0xD800 <= ord(ch) < 0xE000 for ch in text):
        return "control-character" if known.kind is not Kind.NESTED else None
    check = {Kind.AMOUNT: _is_amount, Kind.MOMENT: _is_moment}.get(known.kind)
    return None if check is None or check(text) else "wrong-value"


def _advice(known: Field, problem: str) -> str:
    asked = {
        "missing": "不能为空，请HIS补填",
        "too-long": f"超过{known.max_chars}个字符，请HIS核对",
        "wrong-type": "类型不对，请HIS按字符串传入",
        "control-character": "含有非法字符，请HIS核对",
    }
    return f"{known.title}({known.code}){asked[problem]}"


def _is_amount(text: str) -> bool:
    return _AMOUNT.fullmatch(text) is not None


def _is_moment(text: str) -> bool:
    """8 digits, 14 digits or ISO 8601 (Q5)."""
    try:
        if text.isascii() and text.isdigit():
            # Wall-clock of the institution: the interface carries no zone.
            datetime.strptime(text, _MOMENT_FORMS[len(text)])  # noqa: DTZ007
        else:
            datetime.fromisoformat(text)
    except (ValueError, KeyError):
        return False
    return True


def _expansion(value: Any, findings: list[Finding]) -> Mapping[str, Any]:
    """``exp_content`` as an object, a string that holds one, or nothing (Q4)."""
    if isinstance(value, dict):
        return cast(dict[str, Any], value)
    if value is None or isinstance(value, bool) or not str(value).strip():
        return {}
    inner = _object_in(value)
    if inner is None:
        findings.append(Finding("exp_content", "not-an-object"))
    return inner or {}


def _object_in(value: Any) -> Mapping[str, Any] | None:
    if not isinstance(value, str):
        return None
    try:
        return parse(value)[0]
    except NotJsonError:
        return None
