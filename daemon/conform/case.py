"""One golden case: what stands before the camera, what is sent, what must come back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from importlib import resources
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

_PACKAGE = "yibao_face.daemon.conform.cases"
_BASELINE = "baseline.json"
# In the order of a report: from bytes to scenes.
GROUPS = ("charset", "quoting", "fields", "scenes", "faults", "attendance", "http")

Interface = Literal["auth", "attendance"]
Clip = Literal[
    "live-first",
    "live-second",
    "live-third",
    "flat-first",
    "bent-first",
    "tablet-first",
    "two-faces",
    "nobody",
]
Fault = Literal[
    "missing",
    "busy",
    "config",
    "fault",
    "driver-bug",
    "broken-clip",
    "lost",
    "silent",
    "slow",
    "stuck",
    "colour",
    "photo-among-living",
    "cancelled-by-person",
    "cancelled-by-clerk",
]
Quoting = Literal[
    "strict",
    "escaped",
    "lines",
    "single",
    "full-width",
    "full-width-marks",
    "mixed",
    "bare-keys",
    "upper-keys",
    "declaration",
    "array-declaration",
    "trailing-comma",
    "line-remark",
    "block-remark",
    "round-remark",
    "fence",
    "double-encoded",
    "form",
    "raw-form",
]
Charset = Literal["utf-8", "utf-8-sig", "gbk", "gb18030", "ascii", "utf-16", "big5"]


class ConformError(Exception):
    """The kit cannot run: a case file, a host or a target cannot be used; one line."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What the conformance host sets up; each case plays on a day of its own.

    ``camera``: what it sees, or how it fails. ``agent``: the second person's registration for the
    first. ``policy``: what the centre signed; ``policy_fault``: what became of the file.
    ``special``: registration of the first person (S0-52), ``review`` of it. ``roster``: who may
    sign in. ``clerk``: what the counter answers. ``clock_s``: how far the clock
    is set back, forward where negative.
    """

    camera: Clip | Fault = "missing"
    agent: Literal["", "valid", "expired"] = ""
    policy: Mapping[str, Any] | None = None
    policy_fault: Literal["", "tampered", "unsigned", "older", "foreign-key", "not-json"] = ""
    special: Literal["", "transferred", "in-treatment", "face-unrecognised", "on-leave"] = ""
    review: Literal["", "approved", "rejected"] = ""
    roster: tuple[Literal["first", "second", "third"], ...] = ()
    store: Literal["", "full"] = ""
    clerk: Literal["", "agrees", "no-consent", "not-confirmed"] = ""
    clock_s: int = 0


@dataclass(frozen=True, slots=True)
class Http:
    """How a call is posted where that is what the case is about.

    ``path``: empty for that of the interface. ``headers``: ``None`` leaves one out. ``framing``:
    how the body's length is told.
    """

    method: str = "POST"
    path: str = ""
    version: Literal["1.1", "1.0"] = "1.1"
    headers: Mapping[str, str | None] = field(default_factory=dict[str, "str | None"])
    framing: Literal["length", "chunked", "none"] = "length"


@dataclass(frozen=True, slots=True)
class Send:
    """What is sent: the baseline call with fields ``set`` and ``drop``-ped, or ``text``, or bytes.

    ``hex``: the bytes themselves. ``pad``: appended until the body has ``pad_to`` bytes.
    """

    set: Mapping[str, Any] = field(default_factory=dict[str, Any])
    drop: tuple[str, ...] = ()
    text: str | None = None
    hex: str | None = None
    pad: str = ""
    pad_to: int = 0
    charset: Charset = "utf-8"
    quoting: Quoting = "strict"
    http: Http | None = None


@dataclass(frozen=True, slots=True)
class RecordWanted:
    """What the record of a call must hold; ``None`` and what is left out is not looked at.

    ``fields``: opened texts. ``findings``: all of them as ``field:problem``, in any order.
    """

    kind: str | None = None
    cause: str | None = None
    code: int | None = None
    rule: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    findings: tuple[str, ...] | None = None
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Expect:
    """What must come back, beside what holds for every answer (see ``check.answer_faults``).

    ``msg``: the whole sentence; ``says``: a part. ``same_as``: number of the call (from 1) whose
    answer this one repeats byte for byte. ``records``: how many the call's settlement has then;
    ``record``: the last of them. ``alarms``: alarm records since the stage was set.
    """

    code: int = 0
    type: int = 0
    msg: str | None = None
    says: str = ""
    status: int = 200
    charset: Literal["utf-8", "gbk"] = "utf-8"
    same_as: int = 0
    records: int | None = None
    record: RecordWanted | None = None
    alarms: int | None = None

    @property
    def asks_records(self) -> bool:
        """Whether the records of the host are looked at."""
        return (self.records, self.record, self.alarms) != (None, None, None)


@dataclass(frozen=True, slots=True)
class Call:
    """One call. ``stage``: changes before it. ``parallel``: sent while the one before runs."""

    expect: Expect
    send: Send = field(default_factory=Send)
    interface: Interface | None = None
    stage: Stage | None = None
    parallel: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """One golden case. ``clause``: of requirements.md. ``stage``: ``None`` needs no host."""

    id: str
    title: str
    clause: str
    calls: tuple[Call, ...]
    interface: Interface = "auth"
    stage: Stage | None = None

    @property
    def needs_host(self) -> bool:
        """Whether only the conformance host can play it; else any daemon answers it the same."""
        return self.stage is not None or any(call.stage is not None for call in self.calls)


@dataclass(frozen=True, slots=True)
class Group:
    """The cases of one file."""

    name: str
    title: str
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Suite:
    """All cases. ``baseline``: a complete call of each interface. ``sha256``: of all files."""

    groups: tuple[Group, ...]
    baseline: Mapping[str, Mapping[str, Any]]
    sha256: str

    @property
    def cases(self) -> tuple[Case, ...]:
        """Every case in the order of the report."""
        return tuple(case for group in self.groups for case in group.cases)


_T = TypeVar("_T")


def load_suite() -> Suite:
    """The cases that come with this release; raises ``ConformError``."""
    folder = resources.files(_PACKAGE)
    names = (_BASELINE, *(f"{group}.json" for group in GROUPS))
    texts = {name: folder.joinpath(name).read_text("utf-8") for name in names}
    digest = hashlib.sha256("".join(texts[name] for name in names).encode())
    groups = tuple(parse_group(group, texts[f"{group}.json"]) for group in GROUPS)
    ids = [case.id for group in groups for case in group.cases]
    twice = sorted({id_ for id_ in ids if ids.count(id_) > 1})
    if twice:
        raise ConformError(f"case {twice[0]} is there twice")
    return Suite(groups, parse_baseline(texts[_BASELINE]), digest.hexdigest())


def parse_group(name: str, text: str) -> Group:
    """The cases of one file; an unknown key or a wrong type raises ``ConformError``."""
    raw = _object(name, text)
    return _build(Group, {"name": name, **raw}, name)


def parse_baseline(text: str) -> Mapping[str, Mapping[str, Any]]:
    """The complete calls the cases change; raises ``ConformError``."""
    raw = _object(_BASELINE, text)
    if set(raw) != set(get_args(Interface)) or not all(isinstance(c, dict) for c in raw.values()):
        raise ConformError(f"{_BASELINE} must hold one call of each interface")
    return raw


def stage_of(raw: Any) -> Stage:
    """A stage as the host gets it; raises ``ConformError``."""
    return _build(Stage, raw, "stage")


def plain(value: Stage) -> dict[str, Any]:
    """A stage as JSON; ``stage_of`` reads it back."""
    return asdict(value)


def _object(name: str, text: str) -> dict[str, Any]:
    try:
        raw = json.loads(text)
    except ValueError as exc:
        raise ConformError(f"{name} is not JSON") from exc
    if not isinstance(raw, dict):
        raise ConformError(f"{name} is not a JSON object")
    return cast(dict[str, Any], raw)


def _build(cls: type[_T], raw: Any, where: str) -> _T:
    if not isinstance(raw, dict):
        raise ConformError(f"{where} is not an object")
    body = cast(dict[str, Any], raw)
    hints = get_type_hints(cls)
    where = f"{where} {body['id']}" if isinstance(body.get("id"), str) else where
    unknown = sorted(set(body) - set(hints))
    missing = sorted(_required(cls) - set(body))
    if unknown or missing:
        raise ConformError(f"{where}: {'unknown' if unknown else 'missing'} {unknown or missing}")
    return cls(**{k: _typed(hints[k], v, f"{where}: {k}") for k, v in body.items()})


def _required(cls: type[Any]) -> set[str]:
    return {f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING}


def _typed(wanted: Any, value: Any, where: str) -> Any:
    """``value`` as ``wanted``, one of the few types the classes above use."""
    origin = get_origin(wanted)
    if origin is UnionType and NoneType in get_args(wanted):
        [inner] = (kind for kind in get_args(wanted) if kind is not NoneType)
        return None if value is None else _typed(inner, value, where)
    if origin is tuple and isinstance(value, list):
        items = cast(list[object], value)
        return tuple(_typed(get_args(wanted)[0], item, where) for item in items)
    if origin is Mapping and isinstance(value, dict):
        return cast(dict[str, Any], value)
    if is_dataclass(wanted) and isinstance(wanted, type):
        return _build(wanted, value, where)
    if type(value) is wanted or (isinstance(value, str) and value in _words(wanted)):
        return value
    raise ConformError(f"{where} = {value!r} is not one of its values")


def _words(wanted: Any) -> tuple[Any, ...]:
    """The words of a ``Literal``, or of several."""
    if get_origin(wanted) not in (Literal, Union, UnionType):
        return ()
    nested = [_words(kind) if get_origin(kind) else (kind,) for kind in get_args(wanted)]
    return tuple(word for words in nested for word in words)
