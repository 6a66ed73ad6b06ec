"""The bytes of a call in every way HIS vendors are known to write it (Q1, Q9)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote_plus

from yibao_face.daemon.conform.case import Send

_PLACEHOLDER = re.compile(r"\{(inst|deal[1-9]|first|second|third)\}")


@dataclass(frozen=True, slots=True)
class Marks:
    """How a vendor writes an object. ``quote`` and ``key``: opening and closing one."""

    quote: str = "''"
    key: str = "''"
    colon: str = " : "
    comma: str = " ,\n "
    braces: str = "{}"


def body_of(send: Send, baseline: Mapping[str, Any], words: Mapping[str, str]) -> bytes:
    """What goes over the wire. ``words``: the value of each placeholder (``deal1``)."""
    if send.hex is not None:
        body = bytes.fromhex(send.hex)
    elif send.text is not None:
        body = filled(send.text, words).encode(send.charset)
    else:
        body = _encoded(send, _members(send, baseline, words))
    short = send.pad_to - len(body)
    return body + send.pad.encode(send.charset) * max(0, short)


def filled(text: str, words: Mapping[str, str]) -> str:
    """``text`` with its placeholders replaced; other braces stay."""
    return _PLACEHOLDER.sub(lambda found: words[found.group(1)], text)


def _members(send: Send, baseline: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    members = {**baseline, **send.set}
    kept = {key: value for key, value in members.items() if key not in send.drop}
    return {k: filled(v, words) if isinstance(v, str) else v for k, v in kept.items()}


def _encoded(send: Send, members: dict[str, Any]) -> bytes:
    text = _STYLES[send.quoting](members)
    if send.quoting == "form":
        return b"inputJson=" + quote_plus(text.encode(send.charset)).encode()
    return text.encode(send.charset)


def _strict(members: dict[str, Any]) -> str:
    return json.dumps(members, ensure_ascii=False)


def _written(value: Any, marks: Marks) -> str:
    """``value`` in the marks of a vendor; ``json`` for all but texts and objects."""
    if isinstance(value, str):
        return _quoted(value, marks.quote)
    if not isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    held = cast(dict[str, object], value)
    members = (
        f"{_quoted(key, marks.key)}{marks.colon}{_written(inner, marks)}"
        for key, inner in held.items()
    )
    return marks.braces[0] + marks.comma.join(members) + marks.braces[1]


def _quoted(text: str, quote: str) -> str:
    if quote == "“”":
        return quote[0] + text + quote[1]  # full-width quotes know no escape
    if not quote:
        return text
    inner = json.dumps(text, ensure_ascii=False)[1:-1].replace('\\"', '"')
    return quote[0] + inner.replace(quote[0], f"\\{quote[0]}") + quote[1]


def _marked(marks: Marks) -> Callable[[dict[str, Any]], str]:
    return lambda members: _written(members, marks)


def _wrapped(before: str, after: str) -> Callable[[dict[str, Any]], str]:
    return lambda members: before + _written(members, Marks()) + after


def _remarked(remark: str) -> Callable[[dict[str, Any]], str]:
    """A remark behind the first value."""
    return lambda members: _written(members, Marks()).replace(" ,\n", f" {remark},\n", 1)


_STYLES: dict[str, Callable[[dict[str, Any]], str]] = {
    "strict": _strict,
    "escaped": json.dumps,
    "lines": lambda members: json.dumps(members, ensure_ascii=False, indent="\t").replace(
        "\n", "\r\n"
    ),
    "single": _marked(Marks()),
    "full-width": _marked(Marks("“”", "“”", "：", "，")),
    "full-width-marks": _marked(Marks("“”", "“”", "：", "，", "｛｝")),
    "mixed": _marked(Marks('""', "''", ": ", ", ")),
    "bare-keys": _marked(Marks(key="")),
    "upper-keys": lambda members: _strict({key.upper(): v for key, v in members.items()}),
    "declaration": _wrapped("char * input = ", ";"),
    "array-declaration": _wrapped("const char inputJson[] = ", " ;"),
    "trailing-comma": lambda members: _strict(members)[:-1] + ",}",
    "line-remark": _remarked("// 备注, 出院}\n"),
    "block-remark": _remarked("/* 备注：{出院} */"),
    "round-remark": _remarked("（备注，0：出院）"),
    "fence": _wrapped("```json\n", "\n```"),
    "double-encoded": lambda members: json.dumps(_strict(members), ensure_ascii=False),
    "form": _strict,
    "raw-form": lambda members: "inputJson=" + _strict(members),
}
