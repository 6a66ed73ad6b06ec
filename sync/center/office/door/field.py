"""What a request may carry, field by field: read strictly, and told by the same table."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, cast

from yibao_face.sync.center.api import RefusedError

_MAX_INTEGER = 2**53 - 1
# 2100-01-01: a later moment is a slip of the pen.
_MAX_MS = 4_102_444_800_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
# A text of several lines may hold tabs and the ends of lines.
_CONTROL_IN_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Field:
    """One value. ``kind``: text, integer, flag, day, texts, rows or object.

    ``most``: characters, entries, or the largest number. ``many``: a text of several lines.
    ``fields``: of an object, or of each of the rows. Request: absent is ``None``.
    """

    name: str
    kind: str
    title: str
    required: bool = False
    least: int = 0
    most: int = 256
    choices: tuple[str, ...] = ()
    pattern: str = ""
    many: bool = False
    fields: tuple[Field, ...] = ()

    def need(self) -> Field:
        """The same, to be given always."""
        return replace(self, required=True, least=max(self.least, int(self.kind == "text")))


def text(
    name: str, title: str, most: int = 256, pattern: str = "", *, many: bool = False
) -> Field:
    """A text of at most ``most`` characters without control characters."""
    return Field(name, "text", title, most=most, pattern=pattern, many=many)


def choice(name: str, title: str, *choices: str) -> Field:
    """One of a few words."""
    return Field(name, "text", title, choices=choices)


def whole(name: str, title: str, least: int = 0, most: int = _MAX_INTEGER) -> Field:
    """A whole number."""
    return Field(name, "integer", title, least=least, most=most)


def moment(name: str, title: str) -> Field:
    """Unix milliseconds."""
    return whole(name, title, 0, _MAX_MS)


def flag(name: str, title: str) -> Field:
    """True or false."""
    return Field(name, "flag", title)


def day(name: str, title: str) -> Field:
    """A date in China, ``YYYY-MM-DD``."""
    return Field(name, "day", title, most=10)


def texts(name: str, title: str, most: int = 1000) -> Field:
    """A list of texts of at most 128 characters."""
    return Field(name, "texts", title, most=most)


def rows(name: str, title: str, *fields: Field, most: int = 1000) -> Field:
    """A list of objects."""
    return Field(name, "rows", title, most=most, fields=fields)


def thing(name: str, title: str, *fields: Field) -> Field:
    """An object; without ``fields`` any."""
    return Field(name, "object", title, fields=fields)


def read_body(fields: Sequence[Field], given: object) -> dict[str, Any]:
    """The values of a decoded JSON object; raises ``RefusedError`` that names the field."""
    if not isinstance(given, dict):
        raise RefusedError(422, "field", "请求体须为JSON对象")
    body = cast(dict[str, Any], given)
    known = {field.name for field in fields}
    if not body.keys() <= known:
        # Names of unknown keys are not ours: they may hold anything.
        raise RefusedError(422, "field", f"有{len(body.keys() - known)}个未知字段")
    return {field.name: _value(field, body.get(field.name)) for field in fields}


def read_query(fields: Sequence[Field], given: Mapping[str, str], names: int) -> dict[str, Any]:
    """The values of a query; ``names``: how many pairs it had, repeats included."""
    if names != len(given):
        raise RefusedError(422, "field", "查询参数重复")
    return read_body(fields, {name: _typed(fields, name, told) for name, told in given.items()})


def schema(field: Field, *, answer: bool = False) -> dict[str, Any]:
    """The JSON Schema of one field."""
    return {"title": field.title, **_SCHEMAS[field.kind](field, answer)}


def object_schema(fields: Sequence[Field], *, answer: bool = False) -> dict[str, Any]:
    """Of an object; in answers every key is there, and those not required may be null."""
    own = {field.name: schema(field, answer=answer) for field in fields}
    if answer:
        own = {f.name: own[f.name] if f.required else _nullable(own[f.name]) for f in fields}
    needed = [field.name for field in fields if answer or field.required]
    found: dict[str, Any] = {"type": "object", "properties": own, "additionalProperties": False}
    return {**found, **({"required": needed} if needed else {})}


def _nullable(own: dict[str, Any]) -> dict[str, Any]:
    choices = {"enum": [*own["enum"], None]} if "enum" in own else {}
    return {**own, "type": [own["type"], "null"], **choices}


def _typed(fields: Sequence[Field], name: str, told: str) -> Any:
    """A text of a query as the JSON value it stands for; what does not fit stays a text."""
    kinds = {field.name: field.kind for field in fields}
    if kinds.get(name) == "integer" and re.fullmatch(r"[0-9]{1,16}", told):
        return int(told)
    if kinds.get(name) == "flag" and told in ("true", "false"):
        return told == "true"
    return told


def _value(field: Field, given: Any) -> Any:
    if given is None:
        if field.required:
            raise RefusedError(422, "field", f"请填写{field.title}({field.name})")
        return None
    if not _CHECKS[field.kind](field, given):
        raise RefusedError(422, "field", f"{field.title}({field.name})填写有误")
    if field.kind == "rows":
        return [read_body(field.fields, row) for row in given]
    return read_body(field.fields, given) if field.kind == "object" and field.fields else given


def _is_text(field: Field, given: Any) -> bool:
    if not isinstance(given, str) or not field.least <= len(given) <= field.most:
        return False
    if field.choices:
        return given in field.choices
    if (_CONTROL_IN_LINES if field.many else _CONTROL).search(given):
        return False
    blank = field.required and not given.strip()
    return not blank and (not field.pattern or re.fullmatch(field.pattern, given) is not None)


def _is_integer(field: Field, given: Any) -> bool:
    return type(given) is int and field.least <= given <= field.most


def _is_day(_field: Field, given: Any) -> bool:
    try:
        return isinstance(given, str) and date.fromisoformat(given).isoformat() == given
    except ValueError:
        return False


def _is_texts(field: Field, given: Any) -> bool:
    one = Field(field.name, "text", field.title, required=True, least=1, most=128)
    return _is_rows(field, given) and all(_is_text(one, item) for item in given)


def _is_rows(field: Field, given: Any) -> bool:
    return isinstance(given, list) and len(cast(list[object], given)) <= field.most


_CHECKS: dict[str, Callable[[Field, Any], bool]] = {
    "text": _is_text,
    "integer": _is_integer,
    "flag": lambda _field, given: isinstance(given, bool),
    "day": _is_day,
    "texts": _is_texts,
    "rows": _is_rows,
    "object": lambda _field, given: isinstance(given, dict),
}


def _text_schema(field: Field, _answer: bool) -> dict[str, Any]:
    if field.choices:
        return {"type": "string", "enum": [*field.choices]}
    own: dict[str, Any] = {"type": "string", "maxLength": field.most}
    if field.least:
        own["minLength"] = field.least
    if field.pattern:
        own["pattern"] = f"^(?:{field.pattern})$"
    return own


def _texts_schema(field: Field, _answer: bool) -> dict[str, Any]:
    own = {"type": "string", "minLength": 1, "maxLength": 128}
    return {"type": "array", "maxItems": field.most, "items": own}


def _rows_schema(field: Field, answer: bool) -> dict[str, Any]:
    own = object_schema(field.fields, answer=answer)
    return {"type": "array", "maxItems": field.most, "items": own}


def _thing_schema(field: Field, answer: bool) -> dict[str, Any]:
    return object_schema(field.fields, answer=answer) if field.fields else {"type": "object"}


_SCHEMAS: dict[str, Callable[[Field, bool], dict[str, Any]]] = {
    "text": _text_schema,
    "integer": lambda f, _: {"type": "integer", "minimum": f.least, "maximum": f.most},
    "flag": lambda _f, _: {"type": "boolean"},
    "day": lambda _f, _: {"type": "string", "format": "date"},
    "texts": _texts_schema,
    "rows": _rows_schema,
    "object": _thing_schema,
}
