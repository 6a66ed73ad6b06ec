"""Must this visit show a face (code 1) or does the centre's policy spare it (code 2).

A condition is true, false or unknown. What is unknown never spares anybody: a rule that spares
needs every condition true, a rule that asks for a look only needs that none is false (Q17).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias, TypeVar, cast

from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.scene.detail import CHINA
from yibao_face.daemon.core.scene.special import Case

DEFAULT, NO_POLICY, NOT_IN_FORCE = "default", "no-policy", "policy-not-in-force"
# The special registrations of S0-52.
CASES = tuple(case.value for case in Case)
MAX_VERSION = 2**53 - 1

_MAX_RULES, _MAX_GROUPS, _MAX_VALUES, _MAX_INSTITUTIONS = 1000, 50, 1000, 20_000
_AMOUNT_LIMIT = 10**14  # 16,2: fourteen digits before the point (S0-31)
_CODE = re.compile(r"(?!0+$)[0-9A-Za-z]{1,30}")
# A disease code holds a digit; a word in its place ("null", the sample's "病种编码") is none.
_DISEASE = re.compile(r"(?!0+$)(?=[^0-9]*[0-9])[0-9A-Z][0-9A-Z.]*")
_DISEASE_PREFIX = re.compile(r"[0-9A-Z][0-9A-Z.]{0,29}")
_DISEASE_GAP = re.compile(r"[\s,;|/+，；、]+")  # several codes in one field
_MAX_DISEASE_CHARS, _MAX_DISEASES = 200, 10
_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,63}")
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_AMOUNT = re.compile(r"[0-9]{1,14}(?:\.[0-9]{1,2})?")

Truth: TypeAlias = bool | None
_T = TypeVar("_T")


class PolicyError(Exception):
    """The policy cannot be understood; the message names the key."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What a HIS call says about the visit; an empty text is a value that was not given.

    ``cert_type``: mdtrt_cert_type (S0-29). ``disease``: dise_codg (S0-34). ``amount``:
    medfee_sumamt in yuan, ``None`` when missing or unreadable; 0 says the same (S0-31).
    ``at``: the daemon's own clock, aware; never a time the HIS sent. ``ValueError`` when naive.
    """

    med_type: str
    insutype: str
    cert_type: str
    disease: str
    institution: str
    amount: Decimal | None
    at: datetime

    def __post_init__(self) -> None:
        if self.at.utcoffset() is None:
            raise ValueError("the time of a visit needs a zone")


@dataclass(frozen=True, slots=True)
class Group:
    """A key group (慢特病, S1-13): disease code prefixes in upper case, or medical types."""

    disease: tuple[str, ...] = ()
    med_type: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """``check``: look, or spare. Every condition that is set must hold; none set: always.

    Amounts in yuan: ``amount_from`` <= amount < ``amount_below``. Times "HH:MM" in China:
    from ``from_time`` until before ``until_time``, over midnight when it is the earlier one.
    ``weekdays``: 1 (Monday) .. 7, of the moment itself.
    """

    id: str
    check: bool
    med_type: tuple[str, ...] = ()
    insutype: tuple[str, ...] = ()
    cert_type: tuple[str, ...] = ()
    institution_class: tuple[str, ...] = ()
    group_any: tuple[str, ...] = ()
    group_none: tuple[str, ...] = ()
    amount_below: Decimal | None = None
    amount_from: Decimal | None = None
    from_time: str = ""
    until_time: str = ""
    weekdays: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """What the centre signed. Days inclusive, in China; ``None``: no limit on that side.

    ``institution_class``: institution code -> class. ``specials``: case of a special
    registration -> whether the person must still be looked at (S0-52).
    """

    version: int
    rules: tuple[Rule, ...] = ()
    valid_from: date | None = None
    valid_until: date | None = None
    groups: Mapping[str, Group] = field(default_factory=dict[str, Group])
    institution_class: Mapping[str, str] = field(default_factory=dict[str, str])
    specials: Mapping[str, bool] = field(default_factory=dict[str, bool])

    def in_force(self, day: date) -> bool:
        """Whether ``day`` (in China) lies in the policy's validity."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )


@dataclass(frozen=True, slots=True)
class Ruling:
    """``check``: look. ``rule``: what decided, for the record. ``cause`` only with code 2."""

    check: bool
    rule: str
    cause: Cause | None = None


def ruling(policy: Policy | None, visit: Visit, specials: Collection[str] = ()) -> Ruling:
    """The first rule that matches decides; without one everybody is looked at (S0-57, Q17).

    ``specials``: cases of the person's valid special registrations; one the policy maps to
    "no check" spares where no rule matched.
    """
    if policy is None:
        return Ruling(True, NO_POLICY)
    if not policy.in_force(visit.at.astimezone(CHINA).date()):
        return Ruling(True, NOT_IN_FORCE)
    members = {name: _member(group, visit) for name, group in policy.groups.items()}
    for rule in policy.rules:
        truths = _truths(rule, policy, visit, members)
        if rule.check and all(truth is not False for truth in truths):
            return Ruling(True, rule.id)
        if not rule.check and all(truth is True for truth in truths):
            return Ruling(False, rule.id, Cause.POLICY_EXEMPT)
    return _special(policy, specials) or Ruling(True, DEFAULT)


def _special(policy: Policy, specials: Collection[str]) -> Ruling | None:
    """Spared by a special registration; one of them that asks for a look outweighs the others."""
    decided = {case: policy.specials[case] for case in specials if case in policy.specials}
    if not decided or any(decided.values()):
        return None
    return Ruling(False, f"special:{min(decided)}", Cause.SPECIAL_EXEMPT)


def _truths(
    rule: Rule, policy: Policy, visit: Visit, members: Mapping[str, Truth]
) -> Iterator[Truth]:
    """The conditions that are set, one by one."""
    for value, wanted in (
        (visit.med_type, rule.med_type),
        (visit.insutype, rule.insutype),
        (visit.cert_type, rule.cert_type),
    ):
        if wanted:
            yield _one_of(value, wanted)
    if rule.institution_class:
        of_visit = policy.institution_class.get(visit.institution)
        yield None if of_visit is None else of_visit in rule.institution_class
    if rule.group_any:
        yield _any(members[name] for name in rule.group_any)
    if rule.group_none:
        yield _not(_any(members[name] for name in rule.group_none))
    if rule.amount_below is not None:
        yield _not(_at_least(visit.amount, rule.amount_below))
    if rule.amount_from is not None:
        yield _at_least(visit.amount, rule.amount_from)
    if rule.from_time or rule.until_time:
        yield _in_window(f"{visit.at.astimezone(CHINA):%H:%M}", rule.from_time, rule.until_time)
    if rule.weekdays:
        yield visit.at.astimezone(CHINA).isoweekday() in rule.weekdays


def _one_of(value: str, wanted: tuple[str, ...]) -> Truth:
    """Unknown for what is no code, and for one that a lost zero or a letter's case sets apart."""
    if value in wanted:
        return True
    alike = {_plain(text) for text in wanted}
    return None if not _CODE.fullmatch(value) or _plain(value) in alike else False


def _plain(code: str) -> str:
    return code.lstrip("0").upper()


def _member(group: Group, visit: Visit) -> Truth:
    """Whether the visit belongs to the group, by one of its diseases or its medical type."""
    by_type = _one_of(visit.med_type, group.med_type) if group.med_type else False
    by_disease = _has_disease(visit.disease, group.disease) if group.disease else False
    return _any((by_type, by_disease))


def _has_disease(text: str, prefixes: tuple[str, ...]) -> Truth:
    codes = [code.rstrip("*†") for code in _DISEASE_GAP.split(text.upper()) if code]
    if len(text) > _MAX_DISEASE_CHARS or len(codes) > _MAX_DISEASES:
        return None
    if any(code.startswith(prefixes) for code in codes):
        return True
    return False if codes and all(_DISEASE.fullmatch(code) for code in codes) else None


def _at_least(amount: Decimal | None, least: Decimal) -> Truth:
    """Unknown without a positive amount: 0.0 is what a HIS sends for none (S0-31)."""
    if amount is None or not amount.is_finite() or amount <= 0:
        return None
    return amount >= least


def _in_window(now: str, start: str, end: str) -> bool:
    start, end = start or "00:00", end or "24:00"
    return start <= now < end if start < end else now >= start or now < end


def _any(truths: Iterator[Truth] | tuple[Truth, ...]) -> Truth:
    """True when one is; unknown when one may be."""
    seen = set(truths)
    return True if True in seen else None if None in seen else False


def _not(truth: Truth) -> Truth:
    return None if truth is None else not truth


def parse_policy(raw: object) -> Policy:
    """The policy in decoded JSON (amounts as text, int or ``Decimal``, never float).

    Raises ``PolicyError`` naming the key: unknown keys, names of groups or classes that are not
    there and rules that can never hold are errors, because a rule misread might spare somebody.
    """
    keys = ("version", "valid_from", "valid_until", "groups", "institution_class", "specials")
    body = _object(raw, "policy", (*keys, "rules"), ("version", "rules"))
    first, last = (_day(body.get(key), key) for key in ("valid_from", "valid_until"))
    if first is not None and last is not None and last < first:
        raise PolicyError("valid_until lies before valid_from")
    policy = Policy(
        _version(body["version"]),
        tuple(_rule(item, key) for item, key in _items(body["rules"], "rules", _MAX_RULES)),
        first,
        last,
        _mapping(body.get("groups", {}), "groups", _MAX_GROUPS, _group),
        _mapping(body.get("institution_class", {}), "institution_class", _MAX_INSTITUTIONS, _text),
        _mapping(body.get("specials", {}), "specials", len(CASES), _bool),
    )
    _check_names(policy)
    return policy


def _check_names(policy: Policy) -> None:
    """Rule ids name one rule; groups, classes and cases that are named are there."""
    seen: set[str] = set()
    classes = set(policy.institution_class.values())
    for at, rule in enumerate(policy.rules):
        if rule.id in seen or rule.id in (DEFAULT, NO_POLICY, NOT_IN_FORCE):
            raise PolicyError(f"rules[{at}].id {rule.id} is taken")
        seen.add(rule.id)
        for name in (*rule.group_any, *rule.group_none):
            if name not in policy.groups:
                raise PolicyError(f"rules[{at}].when names an unknown group {name}")
        for name in rule.institution_class:
            if name not in classes:
                raise PolicyError(f"rules[{at}].when names an unknown institution_class {name}")
    for case in policy.specials:
        if case not in CASES:
            raise PolicyError(f"specials names an unknown case {case}")


def _rule(raw: object, key: str) -> Rule:
    body = _object(raw, key, ("id", "check", "when"), ("id", "check"))
    name = body["id"]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PolicyError(f"{key}.id is not a short ASCII name")
    when = _object(body.get("when", {}), f"{key}.when", _CONDITIONS)
    conditions: dict[str, Any] = {}
    for word, value in when.items():
        target, read = _CONDITIONS[word]
        conditions[target] = read(value, f"{key}.when.{word}")
    rule = Rule(name, _bool(body["check"], f"{key}.check"), **conditions)
    _check_ranges(rule, key)
    return rule


def _check_ranges(rule: Rule, key: str) -> None:
    low, high = rule.amount_from or Decimal(0), rule.amount_below
    if high is not None and high <= low:
        raise PolicyError(f"{key}.when: no amount lies from medfee_from to below medfee_below")
    if rule.until_time and rule.until_time == (rule.from_time or "00:00"):
        raise PolicyError(f"{key}.when: no time lies from time_from to before time_until")


def _group(raw: object, key: str) -> Group:
    body = _object(raw, key, ("disease", "med_type"))
    if not body:
        raise PolicyError(f"{key} is empty")
    disease = _texts(body["disease"], f"{key}.disease") if "disease" in body else ()
    prefixes = tuple(text.upper() for text in disease)
    if not all(_DISEASE_PREFIX.fullmatch(text) for text in prefixes):
        raise PolicyError(f"{key}.disease holds what is no beginning of a disease code")
    med_type = _codes(body["med_type"], f"{key}.med_type") if "med_type" in body else ()
    return Group(prefixes, med_type)


def _object(
    raw: object, key: str, allowed: Collection[str], required: Collection[str] = ()
) -> dict[str, object]:
    if not isinstance(raw, dict):
        raise PolicyError(f"{key} is not an object")
    body = cast(dict[str, object], raw)
    for name in body:
        if name not in allowed:
            raise PolicyError(f"{key} has an unknown key {str(name)[:40]!r}")
    for name in required:
        if name not in body:
            raise PolicyError(f"{key} lacks {name}")
    return body


def _mapping(raw: object, key: str, most: int, read: Callable[[object, str], _T]) -> dict[str, _T]:
    if not isinstance(raw, dict):
        raise PolicyError(f"{key} is not an object")
    body = cast(dict[str, object], raw)
    if len(body) > most:
        raise PolicyError(f"{key} holds more than {most} entries")
    return {_text(name, key): read(value, f"{key}.{name}") for name, value in body.items()}


def _items(raw: object, key: str, most: int) -> Iterator[tuple[object, str]]:
    if not isinstance(raw, list):
        raise PolicyError(f"{key} is not a list")
    items = cast(list[object], raw)
    if len(items) > most:
        raise PolicyError(f"{key} holds more than {most} entries")
    return ((item, f"{key}[{at}]") for at, item in enumerate(items))


def _texts(raw: object, key: str) -> tuple[str, ...]:
    texts = tuple(_text(item, name) for item, name in _items(raw, key, _MAX_VALUES))
    if not texts:
        raise PolicyError(f"{key} is empty")
    return texts


def _codes(raw: object, key: str) -> tuple[str, ...]:
    """Values of a dictionary of the HIS: letters and digits, as a visit must have them too."""
    texts = _texts(raw, key)
    if not all(_CODE.fullmatch(text) for text in texts):
        raise PolicyError(f"{key} holds what is no code")
    return texts


def _text(raw: object, key: str) -> str:
    if not isinstance(raw, str) or not 0 < len(raw) <= 64:
        raise PolicyError(f"{key} is not a text of 1 to 64 characters")
    if raw != raw.strip() or not raw.isprintable():
        raise PolicyError(f"{key} holds blanks around it or signs that cannot be printed")
    return raw


def _bool(raw: object, key: str) -> bool:
    if not isinstance(raw, bool):
        raise PolicyError(f"{key} is not true or false")
    return raw


def _version(raw: object) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool) or not 1 <= raw <= MAX_VERSION:
        raise PolicyError("version is not a whole number from 1 on")
    return raw


def _day(raw: object, key: str) -> date | None:
    if raw is None:
        return None
    try:
        if isinstance(raw, str) and _DAY.fullmatch(raw):
            return date.fromisoformat(raw)
    except ValueError as exc:
        raise PolicyError(f"{key} is not a day of the calendar") from exc
    raise PolicyError(f"{key} is not a day like 2026-12-31")


def _amount(raw: object, key: str) -> Decimal:
    if isinstance(raw, int) and not isinstance(raw, bool) and 0 <= raw < _AMOUNT_LIMIT:
        return Decimal(raw)
    if isinstance(raw, str) and _AMOUNT.fullmatch(raw):
        return Decimal(raw)
    if isinstance(raw, Decimal) and _is_amount(raw):
        return raw
    raise PolicyError(f"{key} is not an amount like 100.00")


def _is_amount(value: Decimal) -> bool:
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and -2 <= exponent <= 14 and 0 <= value < _AMOUNT_LIMIT


def _clock(raw: object, key: str) -> str:
    if not isinstance(raw, str) or not _TIME.fullmatch(raw):
        raise PolicyError(f"{key} is not a time like 08:30")
    return raw


def _weekdays(raw: object, key: str) -> tuple[int, ...]:
    days = [item for item, _ in _items(raw, key, 7)]
    numbers = [day for day in days if isinstance(day, int) and not isinstance(day, bool)]
    if not numbers or len(numbers) < len(days) or not set(numbers) <= set(range(1, 8)):
        raise PolicyError(f"{key} is not a list of days 1 (Monday) to 7")
    return tuple(numbers)


# JSON key of ``when`` -> field of ``Rule`` and how it is read.
_CONDITIONS: dict[str, tuple[str, Callable[[object, str], object]]] = {
    "med_type": ("med_type", _codes),
    "insutype": ("insutype", _codes),
    "mdtrt_cert_type": ("cert_type", _codes),
    "institution_class": ("institution_class", _texts),
    "group_any": ("group_any", _texts),
    "group_none": ("group_none", _texts),
    "medfee_below": ("amount_below", _amount),
    "medfee_from": ("amount_from", _amount),
    "time_from": ("from_time", _clock),
    "time_until": ("until_time", _clock),
    "weekdays": ("weekdays", _weekdays),
}
