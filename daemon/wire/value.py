"""One value of a HIS call: its text, and what is wrong with it as stable words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from yibao_face.daemon.core.scene.detail import CHINA
from yibao_face.daemon.wire.field import Field, Kind

# A value with one of these says nothing that can be relied on; with any other it is only odd.
UNUSABLE = frozenset(
    {"missing", "wrong-type", "too-long", "control-character", "full-width", "placeholder"}
)
# 16,2: sixteen digits in all, two behind the point.
_AMOUNT = re.compile(r"[+-]?[0-9]{1,14}(?:\.[0-9]{1,2}0*)?")
_AMOUNT_CHARS = 20
_DAY_PARTS = ((0, 4), (4, 6), (6, 8))
_MOMENT_PARTS = {8: _DAY_PARTS, 14: (*_DAY_PARTS, (8, 10), (10, 12), (12, 14))}
_DEAL = re.compile(r"[0-9A-Za-z]{12}([0-9]{14})[0-9]+")
_FIRST_DEAL_YEAR = 2000
_ID_18 = re.compile(r"[0-9]{17}[0-9Xx]")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECK = "10X98765432"
_FIRST_BIRTH_YEAR = 1880
_VERSION = re.compile(r"V([0-9]{1,3})\.([0-9]{1,3})")
_OLDEST_VERSION = (1, 0)
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_REGION = re.compile(r"[0-9]{6}")
_PLACEHOLDERS = frozenset({"null", "undefined", "none", "n/a", "无", "暂无", "string"})
_TRIALS = frozenset({"test", "测试"})
# A zero stands for nothing in these; in others it may be a code or an amount.
_NEVER_ZERO = frozenset(
    {
        *("id", "psn", "name", "deal_no", "fixmedins_code", "fixmedins_name", "opter_name"),
        *("insutype", "dise_codg", "dise_name", "med_type"),
    }
)
# A vendor tries the interface with such a person or number; that must work.
_TRIAL_ALLOWED = frozenset({"id", "psn", "name", "deal_no", "fixmedins_code"})


def text_of(value: Any) -> str:
    """A JSON value as text: a string trimmed, a number by its digits, ``null`` empty."""
    if isinstance(value, dict | list | bool):
        return json.dumps(value, ensure_ascii=False, default=str)
    return "" if value is None else str(value).strip()


def problems_of(known: Field, value: Any, text: str) -> tuple[str, ...]:
    """What is wrong with ``value``, whose text is ``text``; empty where nothing is."""
    if _is_wrong_type(known, value, text):
        return ("wrong-type",)
    if not text:
        return ("missing",) if known.required else ()
    found = _shape_problems(known, text)
    if not found and known.kind is not Kind.NESTED:
        found = _form_problems(known, text)
    return tuple(found)


def moment_of(text: str) -> datetime | None:
    """8 digits, 14 digits or ISO 8601 (Q5), in China's zone; ``None`` where it is none."""
    try:
        if text.isascii() and text.isdigit():
            parts = [int(text[at:to]) for at, to in _MOMENT_PARTS[len(text)]]
            year, month, day, hour, minute, second = (*parts, 0, 0, 0)[:6]
            found = datetime(year, month, day, hour, minute, second, tzinfo=CHINA)
        else:
            found = datetime.fromisoformat(text if text.isascii() else "")
            found = found if found.tzinfo else found.replace(tzinfo=CHINA)
        return found.astimezone(CHINA)
    except (ValueError, KeyError, OverflowError):
        return None


def amount_of(text: str) -> Decimal | None:
    """An amount of 16,2 exactly as written (Q6), negative ones too; ``None`` for all else."""
    if len(text) > _AMOUNT_CHARS or _AMOUNT.fullmatch(text) is None:
        return None
    return Decimal(text)


def deal_institution(text: str) -> str | None:
    """The institution a deal number names (S0-12); ``None`` when it is of another form (S0-13)."""
    found = _DEAL.fullmatch(text)
    moment = moment_of(found.group(1)) if found else None
    return text[:12] if moment and moment.year >= _FIRST_DEAL_YEAR else None


def _is_wrong_type(known: Field, value: Any, text: str) -> bool:
    if isinstance(value, bool):
        return True
    if isinstance(value, dict | list):
        return known.kind is not Kind.NESTED
    if not isinstance(value, float | Decimal):
        return False
    # A number that went through a float may have lost digits, and "1e3" is not what was meant.
    return known.number or (known.kind is Kind.TEXT and "E" in text.upper())


def _shape_problems(known: Field, text: str) -> list[str]:
    nested = known.kind is Kind.NESTED
    found: list[str] = []
    if len(text) > known.max_chars:
        found.append("too-long")
    elif not nested and _CONTROL.search(text):
        found.append("control-character")
    elif known.number and not text.isascii() and any(map(_is_full_width, text)):
        found.append("full-width")
    if not nested and _is_placeholder(known, text):
        found.append("placeholder")
    return found


def _is_full_width(ch: str) -> bool:
    """Full-width forms of ASCII, the wide space, and digits of any other script."""
    return "\uff01" <= ch <= "\uff5e" or ch == "\u3000" or (ch.isdecimal() and not ch.isascii())


def _is_placeholder(known: Field, text: str) -> bool:
    """The title or key in place of a value, or a word for nothing: only where that is clear."""
    word, code = text.casefold(), known.code.lower()
    if word in _PLACEHOLDERS or word in (known.title, code):
        return True
    if word in _TRIALS:
        return code not in _TRIAL_ALLOWED
    return code in _NEVER_ZERO and not text.strip("0")


def _form_problems(known: Field, text: str) -> list[str]:
    if known.codes and text not in known.codes:
        return ["unknown-code"]
    if known.kind is Kind.MOMENT:
        return [] if moment_of(text) else ["wrong-value"]
    if known.kind is Kind.AMOUNT:
        return _amount_problems(text)
    check = _FORMS.get(known.code.lower())
    return check(text) if check else []


def _amount_problems(text: str) -> list[str]:
    amount = amount_of(text)
    if amount is None:
        return ["wrong-value"]
    return ["negative"] if amount < 0 else []


def _id_problems(text: str) -> list[str]:
    """GB 11643; only said, since the document's own sample has a wrong check digit (Q15)."""
    if _ID_18.fullmatch(text) is None:
        return []
    total = sum(int(digit) * weight for digit, weight in zip(text, _ID_WEIGHTS, strict=False))
    wrong = text[-1].upper() != _ID_CHECK[total % 11]
    born = moment_of(text[6:14])
    impossible = born is None or born.year < _FIRST_BIRTH_YEAR
    return ["check-digit"] * wrong + ["birth-date"] * impossible


def is_right_id(text: str) -> bool:
    """Whether ``text`` is a number of 18 with a possible birthday and the right check digit."""
    return _ID_18.fullmatch(text) is not None and not _id_problems(text)


def _deal_problems(text: str) -> list[str]:
    return [] if deal_institution(text) else ["deal-form"]


def _region_problems(text: str) -> list[str]:
    return [] if _REGION.fullmatch(text) else ["region-form"]


def _version_problems(text: str) -> list[str]:
    found = _VERSION.fullmatch(text)
    if found is None:
        return ["version-form"]
    old = (int(found.group(1)), int(found.group(2))) < _OLDEST_VERSION
    return ["version-old"] * old


_FORMS: dict[str, Callable[[str], list[str]]] = {
    "id": _id_problems,
    "deal_no": _deal_problems,
    "mdtrtarea_admvs": _region_problems,
    "insuplc_admdvs": _region_problems,
    "infver": _version_problems,
}
