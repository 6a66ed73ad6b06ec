"""An answer and its record beside what the case expects; each difference is one line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from yibao_face.daemon.conform.case import Expect, Interface, RecordWanted
from yibao_face.daemon.conform.target import Answer
from yibao_face.daemon.core.scene.event import Kind

# outJson and outMsg are at least 1 KB, NUL included (S0-06, S0-45).
MAX_REPLY_BYTES = 1023
MAX_CERTIFICATE_CHARS = 30
KEYS: Mapping[Interface, tuple[str, ...]] = {
    "auth": ("code", "msg", "cp_no", "type"),
    "attendance": ("code", "msg"),
}


def answer_faults(
    expect: Expect, interface: Interface, answer: Answer, *, ascii_call: bool
) -> list[str]:
    """What is wrong with ``answer``. Beside what the case says, for every answer: the keys and
    their types, at most 1023 bytes, raw characters of the caller's charset, a certificate number
    with codes 1 and 2 and only there, a function value equal to ``code``."""
    faults = list(answer.faults)
    if answer.status != expect.status:
        return [*faults, _differs("HTTP", expect.status, answer.status)]
    if expect.status != 200:
        return faults
    if len(answer.raw) > MAX_REPLY_BYTES:
        faults.append(_differs("字节数 bytes", f"<= {MAX_REPLY_BYTES}", len(answer.raw)))
    told, problem = _object(answer, expect.charset, ascii_call)
    if problem:
        return [*faults, problem]
    shape = _shape_faults(told, interface)
    return [*faults, *(shape or _value_faults(expect, told, interface, answer))]


def record_faults(
    expect: Expect, records: Sequence[Mapping[str, Any]], told: Mapping[str, Any]
) -> list[str]:
    """What is wrong with the records of a call's settlement, oldest first."""
    faults: list[str] = []
    if expect.records is not None and len(records) != expect.records:
        faults.append(_differs("记录数 records", expect.records, len(records)))
    if expect.record is None:
        return faults
    if not records:
        return [*faults, "没有记录 / no record"]
    last = records[-1]
    if last["certificate_no"] != told.get("cp_no", ""):
        faults.append(_differs("记录的 cp_no", told.get("cp_no", ""), last["certificate_no"]))
    return [*faults, *_record_faults(expect.record, last)]


def alarm_faults(expect: Expect, records: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is wrong with the number of alarms of a case."""
    alarms = sum(record["kind"] == Kind.ALARM for record in records)
    wrong = expect.alarms is not None and alarms != expect.alarms
    return [_differs("报警数 alarms", expect.alarms, alarms)] if wrong else []


def told(answer: Answer) -> dict[str, Any]:
    """The answer as an object; empty where it is none."""
    for charset in ("utf-8", "gbk"):
        try:
            found = json.loads(answer.raw.decode(charset))
        except ValueError:
            continue
        return cast(dict[str, Any], found) if isinstance(found, dict) else {}
    return {}


def _object(answer: Answer, charset: str, ascii_call: bool) -> tuple[dict[str, Any], str]:
    """The answer in ``charset``. A library chooses itself where the call was ASCII only."""
    if answer.charset and answer.charset != charset:
        return {}, _differs("字符集 charset", charset, answer.charset)
    charsets = ["utf-8", "gbk"] if ascii_call and not answer.charset else [charset]
    for known in charsets:
        try:
            found = json.loads(answer.raw.decode(known))
        except ValueError:
            continue
        if isinstance(found, dict):
            return cast(dict[str, Any], found), ""
    return {}, f"不是{charset}的JSON对象 / no JSON object in {charset}: {answer.raw[:200]!r}"


def _shape_faults(told: Mapping[str, Any], interface: Interface) -> list[str]:
    keys = KEYS[interface]
    if tuple(told) != keys:
        return [_differs("键 keys", list(keys), list(told))]
    types = {"code": int, "type": int, "msg": str, "cp_no": str}
    return [
        _differs(f"{key} 类型 type", types[key].__name__, type(told[key]).__name__)
        for key in keys
        if type(told[key]) is not types[key]
    ]


def _value_faults(
    expect: Expect, told: Mapping[str, Any], interface: Interface, answer: Answer
) -> list[str]:
    faults = [
        _differs(key, wanted, told[key])
        for key, wanted in (("code", expect.code), ("type", expect.type), ("msg", expect.msg))
        if wanted is not None and key in KEYS[interface] and told[key] != wanted
    ]
    if expect.says not in told["msg"]:
        faults.append(_differs("msg", f"…{expect.says}…", told["msg"]))
    if not told["msg"]:
        faults.append("msg 为空 / msg is empty")
    if answer.returned not in (None, told["code"]):
        faults.append(_differs("返回值 return value", told["code"], answer.returned))
    if interface == "auth":
        faults += _certificate_faults(told)
    return faults


def _certificate_faults(told: Mapping[str, Any]) -> list[str]:
    passed, number = told["code"] in (1, 2), told["cp_no"]
    if bool(number) != passed:
        return [_differs("cp_no", "code 1、2时有 / with codes 1, 2 only", number)]
    if len(number) > MAX_CERTIFICATE_CHARS:
        return [_differs("cp_no 长度 length", f"<= {MAX_CERTIFICATE_CHARS}", len(number))]
    return []


def _record_faults(wanted: RecordWanted, found: Mapping[str, Any]) -> list[str]:
    pairs: list[tuple[str, Any, Any]] = [
        (f"记录 {name}", getattr(wanted, name), found[name])
        for name in ("kind", "cause", "code", "rule")
    ]
    if wanted.findings is not None:
        pairs.append(("记录 findings", sorted(wanted.findings), found["findings"]))
    for part in ("fields", "detail"):
        kept: Mapping[str, Any] = found[part]
        asked: Mapping[str, Any] = getattr(wanted, part)
        pairs += [(f"记录 {part}.{key}", value, kept.get(key)) for key, value in asked.items()]
    return [_differs(what, want, have) for what, want, have in pairs if want not in (None, have)]


def _differs(what: str, wanted: Any, found: Any) -> str:
    return f"{what}: 应为 expected {wanted!r}，实为 actual {found!r}"
