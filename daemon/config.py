"""One TOML file → one frozen Config; an unknown key is an error that names it."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_type_hints

from yibao_face.daemon.core.liveness.challenge import Action, When
from yibao_face.daemon.core.liveness.device import is_usb_id
from yibao_face.daemon.core.scene.ward import INPATIENT_MED_TYPES
from yibao_face.daemon.wire.origin import origin_of
from yibao_face.drivers.driver import Settings
from yibao_face.models.mask import Mask, MaskError, Polygons

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

HOME_VARIABLE = "YIBAO_FACE_HOME"
# The notice of admission must carry this sentence (S0-49).
CONSENT_TEXT = "本人同意接受通过实人认证(人脸识别)等方式进行医疗行为监管"

CHARSETS = ("auto", "utf-8", "gbk", "gb18030")


class ConfigError(Exception):
    """The configuration cannot be used; the message names file and key."""


@dataclass(frozen=True, slots=True)
class DoorConfig:
    """Where HIS programs call. ``origins``: browser pages that may (none by default).

    ``charset``: what the HIS of this site speaks, ``utf-8`` or ``gbk``; ``auto``: each call's.
    ``text_plain``: whether a HIS program may send that Content-Type; a page never may.
    """

    host: str = "127.0.0.1"
    port: int = 51518
    origins: tuple[str, ...] = ()
    charset: str = "auto"
    text_plain: bool = False


@dataclass(frozen=True, slots=True)
class CameraConfig:
    """``uri``: driver and device (``replay:/a/clip.rgbd``). ``silence_s``: longest frame gap.

    ``masks``: up to 4 polygons of 3 to 16 corners ``[x, y]`` in shares 0..1 of the picture, from
    its upper left corner, in which no face is looked for.

    ``pin_…``: the camera this counter was fitted with, none else is used; empty: not compared.
    ``usb_id``: ``vid:pid``; ``path``: the socket; all as ``yibao-face camera list`` tells them.

    ``idle_s``: kept open after the last person, for the next one; -1: always. ``preopen``: opened
    when the daemon starts. ``peek_s``: while closed, looked into this often, to notice a covered
    lens (S1-05); 0: never. ``settings``: how the driver opens it.
    """

    uri: str = ""
    silence_s: float = 3.0
    masks: Polygons = ()
    pin_usb_id: str = ""
    pin_serial: str = ""
    pin_path: str = ""
    pin_firmware: str = ""
    idle_s: float = 120.0
    preopen: bool = True
    peek_s: float = 45.0
    settings: Settings = field(default_factory=Settings)


@dataclass(frozen=True, slots=True)
class ReaderConfig:
    """``uri`` of the ID-card reader (``sdt:1001``); empty: none.

    ``library``, ``decoder``: files of its vendor, each with its ``sha256``; of one that does both,
    ``decoder`` is empty.
    """

    uri: str = ""
    library: str = ""
    sha256: str = ""
    decoder: str = ""
    decoder_sha256: str = ""


@dataclass(frozen=True, slots=True)
class ScannerConfig:
    """``uri`` of the code scanner (``serial:COM3``, ``keyboard:/dev/input/…``, ``hidpos:…``).

    ``baud``: of a serial one. ``prefix``, ``suffix``: what it is set to add to each code.
    """

    uri: str = ""
    baud: int = 9600
    prefix: str = ""
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class EncounterConfig:
    """``deadline_s``: the whole call (S0-05). ``capture_s``: to be seen well, once."""

    deadline_s: float = 300.0
    capture_s: float = 30.0


@dataclass(frozen=True, slots=True)
class EnrolmentConfig:
    """Enrolling an unknown person in the call. ``counter_s``: how long to wait for a window."""

    in_call: bool = True
    consent_version: str = "2023-106-1"
    consent_text: str = CONSENT_TEXT
    counter_s: float = 5.0


@dataclass(frozen=True, slots=True)
class MatchConfig:
    """``margin``: added to the calibrated threshold, never taken from it.

    The thresholds we carry were measured on press photographs of mostly Western faces; on the
    East-Asian ones among them strangers pass 3 to 7 times as often, which 0.04 makes up for. A
    site that calibrated on its own pictures sets 0.

    ``model``: embedder the site put in (``yibao-face models add``); empty: the one we carry.
    ``grow``: whether clear passes become samples of the person (ADR 0015).
    """

    margin: float = 0.04
    model: str = ""
    grow: bool = True


@dataclass(frozen=True, slots=True)
class LivenessConfig:
    """Who is asked to move, and what a site takes upon itself.

    ``challenge``: ``never``, ``after-reject`` (of this person, lately), ``above-amount`` (and
    after a reject) or ``always``; ``challenge_amount``: yuan. ``actions``: what may be asked;
    the mouth always, as nothing else proves anything against masks. ``allow_rgb_only``:
    settlements before a camera without depth: weak, and told so in each record.

    ``keep_attack_crops``: a small sealed picture of each attack, erased after ``crop_days``.
    """

    challenge: str = "after-reject"
    challenge_amount: float = 500.0
    actions: tuple[str, ...] = ("mouth", "turn-left", "turn-right", "blink")
    allow_rgb_only: bool = False
    keep_attack_crops: bool = True
    crop_days: int = 7


@dataclass(frozen=True, slots=True)
class RepeatConfig:
    """``pass_s``: how long a pass answers the same settlement of the same person again (Q18)."""

    pass_s: float = 600.0


@dataclass(frozen=True, slots=True)
class LockoutConfig:
    """``spoofs`` within ``window_s`` pause a person for ``lock_s``; 0: never."""

    spoofs: int = 3
    window_s: float = 1800.0
    lock_s: float = 300.0


@dataclass(frozen=True, slots=True)
class AttendanceConfig:
    """``duplicate_s``: a repeat is no new sign. ``clock_tolerance_s``: set back so far is none."""

    duplicate_s: float = 300.0
    clock_tolerance_s: float = 120.0


@dataclass(frozen=True, slots=True)
class DeskConfig:
    """``institution``: code of this site, for desk acts that name none. ``round_by``: ``HH:MM``.

    ``makeup_hours``: how far back a make-up sign may reach. ``max_agents`` of a card and
    ``max_cards`` of an agent: more are flagged. ``inpatient_med_types``: 医疗类别 of the wards.
    """

    institution: str = ""
    round_by: str = "20:00"
    makeup_hours: int = 24
    max_agents: int = 3
    max_cards: int = 3
    inpatient_med_types: tuple[str, ...] = tuple(sorted(INPATIENT_MED_TYPES))


@dataclass(frozen=True, slots=True)
class Config:
    """Everything a site may set. ``data``: folder of models, gallery, results and key."""

    data: Path
    door: DoorConfig = field(default_factory=DoorConfig)
    camera: CameraConfig = field(default_factory=CameraConfig)
    reader: ReaderConfig = field(default_factory=ReaderConfig)
    scanner: ScannerConfig = field(default_factory=ScannerConfig)
    encounter: EncounterConfig = field(default_factory=EncounterConfig)
    enrolment: EnrolmentConfig = field(default_factory=EnrolmentConfig)
    match: MatchConfig = field(default_factory=MatchConfig)
    liveness: LivenessConfig = field(default_factory=LivenessConfig)
    repeat: RepeatConfig = field(default_factory=RepeatConfig)
    lockout: LockoutConfig = field(default_factory=LockoutConfig)
    attendance: AttendanceConfig = field(default_factory=AttendanceConfig)
    desk: DeskConfig = field(default_factory=DeskConfig)

    @property
    def models(self) -> Path:
        """Installed networks."""
        return self.data / "models"

    @property
    def plugins(self) -> Path:
        """Camera drivers of the site."""
        return self.data / "plugins"

    @property
    def downloads(self) -> Path:
        """Package files the networks were taken from."""
        return self.data / "downloads"


def default_home() -> Path:
    """``$YIBAO_FACE_HOME``, else the usual data folder of this system."""
    named = os.environ.get(HOME_VARIABLE)
    if named:
        return Path(named)
    if sys.platform == "win32":
        return Path(os.environ.get("PROGRAMDATA", r"C:\ProgramData")) / "yibao-face"
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "yibao-face"


def load_config(path: Path | None = None) -> Config:
    """Read ``path``, else ``config.toml`` of the home folder if there; raises ``ConfigError``."""
    home = default_home()
    file = path or home / "config.toml"
    if path is None and not file.is_file():
        return Config(home)
    try:
        raw = tomllib.loads(file.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise ConfigError(f"{file.name} cannot be read: {exc}") from exc
    raw.setdefault("data", str(home))
    config = _build(Config, raw, file.name, "")
    _check(config, file.name)
    return config


def to_toml(config: Config) -> str:
    """The effective configuration as TOML, every key written out."""
    lines = [f"data = {_quoted(str(config.data))}"]
    for section in fields(config):
        body = getattr(config, section.name)
        if is_dataclass(body):
            lines += _section(section.name, cast("DataclassInstance", body))
    return "\n".join(lines) + "\n"


def _section(name: str, body: DataclassInstance) -> list[str]:
    """A table, and behind it those within it: TOML lets no key of the first follow them."""
    every = {f.name: getattr(body, f.name) for f in fields(body)}
    inner = {key: value for key, value in every.items() if is_dataclass(value)}
    own = [f"{key} = {_value(value)}" for key, value in every.items() if key not in inner]
    lines = ["", f"[{name}]", *own]
    for key, value in inner.items():
        lines += _section(f"{name}.{key}", cast("DataclassInstance", value))
    return lines


_T = TypeVar("_T")


def _build(cls: type[_T], raw: dict[str, Any], file: str, prefix: str) -> _T:
    hints = get_type_hints(cls)
    unknown = sorted(set(raw) - set(hints))
    if unknown:
        raise ConfigError(f"{file}: unknown key {prefix}{unknown[0]}")
    return cls(**{k: _typed(hints[k], v, file, f"{prefix}{k}") for k, v in raw.items()})


def _typed(wanted: Any, value: Any, file: str, key: str) -> Any:
    if is_dataclass(wanted) and isinstance(wanted, type) and isinstance(value, dict):
        return _build(wanted, cast(dict[str, Any], value), file, f"{key}.")
    if wanted is Path and isinstance(value, str):
        return Path(value)
    if wanted is float and isinstance(value, int | float) and not isinstance(value, bool):
        # An integer of hundreds of digits fits no float; clamped it still breaks every limit.
        return float(max(min(value, 10**9), -(10**9)))
    if wanted == tuple[str, ...] and _is_texts(value):
        return tuple(cast(list[str], value))
    if wanted == Polygons and isinstance(value, list):
        masks = enumerate(cast(list[object], value), 1)
        return tuple(_polygon(polygon, file, f"{key}: polygon {n}") for n, polygon in masks)
    if wanted in (str, int, bool) and type(value) is wanted:
        return value
    raise ConfigError(f"{file}: {key} = {value!r} is not a {getattr(wanted, '__name__', wanted)}")


def _polygon(value: Any, file: str, key: str) -> Any:
    points = cast(list[object], value) if isinstance(value, list) else [value]
    return tuple(_point(point, file, key) for point in points)


def _point(value: Any, file: str, key: str) -> tuple[float, float]:
    if not isinstance(value, list) or len(cast(list[object], value)) != 2:
        raise ConfigError(f"{file}: {key}: {value!r} is not a point [x, y]")
    x, y = (_typed(float, share, file, key) for share in cast(list[object], value))
    return x, y


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(item, str) for item in cast(list[object], value)
    )


def _check(config: Config, file: str) -> None:
    limits = (*_machine_limits(config), *_liveness_limits(config), *_scene_limits(config))
    for holds, rule in limits:
        if not holds:
            raise ConfigError(f"{file}: {rule}")
    try:
        Mask(config.camera.masks)
    except MaskError as exc:
        raise ConfigError(f"{file}: camera.masks: {exc}") from exc


def _machine_limits(config: Config) -> tuple[tuple[bool, str], ...]:
    return (
        (config.door.host in ("127.0.0.1", "::1", "localhost"), "door.host must be this machine"),
        (0 <= config.door.port < 65536, "door.port must be 0..65535"),
        (
            all(origin_of(page) == page for page in config.door.origins),
            "door.origins must be like https://his.example:8443: lower case, no path,"
            " no default port",
        ),
        (0 < config.encounter.deadline_s <= 3600, "encounter.deadline_s must be 0..3600"),
        (0 < config.encounter.capture_s <= 300, "encounter.capture_s must be 0..300"),
        *_camera_limits(config.camera),
        (0 < config.enrolment.counter_s <= 300, "enrolment.counter_s must be 0..300"),
        (0 <= config.match.margin < 0.5, "match.margin must be 0..0.5: it may only tighten"),
    )


def _camera_limits(camera: CameraConfig) -> tuple[tuple[bool, str], ...]:
    given = camera.settings
    sides = (given.width, given.height)
    return (
        (0 < camera.silence_s <= 60, "camera.silence_s must be 0..60"),
        (-1 <= camera.idle_s <= 86_400, "camera.idle_s must be -1..86400"),
        (0 <= camera.peek_s <= 3600, "camera.peek_s must be 0..3600"),
        (
            min(sides) >= 160 and max(sides) <= 4096,
            "camera.settings.width and height must be 160..4096 px",
        ),
        (1 <= given.fps <= 120, "camera.settings.fps must be 1..120"),
        (given.mains_hz in (0, 50, 60), "camera.settings.mains_hz must be 0, 50 or 60"),
        (0 <= given.exposure_ms <= 1000, "camera.settings.exposure_ms must be 0..1000"),
        (10 <= given.fov_deg <= 170, "camera.settings.fov_deg must be 10..170"),
        (
            given.sha256 == "" or re.fullmatch("[0-9a-f]{64}", given.sha256) is not None,
            "camera.settings.sha256 must be 64 hexadecimal digits in lower case",
        ),
    )


def _liveness_limits(config: Config) -> tuple[tuple[bool, str], ...]:
    liveness, usb_id = config.liveness, config.camera.pin_usb_id.strip().lower()
    known = {action.value for action in Action}
    return (
        (
            liveness.challenge in {when.value for when in When},
            f"liveness.challenge must be one of {', '.join(When)}",
        ),
        (
            0 <= liveness.challenge_amount <= 10**7,
            "liveness.challenge_amount must be 0..10000000 yuan",
        ),
        (
            Action.MOUTH.value in liveness.actions and set(liveness.actions) <= known,
            f"liveness.actions must be of {', '.join(Action)}, mouth among them",
        ),
        (1 <= liveness.crop_days <= 30, "liveness.crop_days must be 1..30"),
        (
            not usb_id or is_usb_id(usb_id),
            "camera.pin_usb_id must be like 2bc5:0402, hexadecimal and not all zeros",
        ),
    )


def _scene_limits(config: Config) -> tuple[tuple[bool, str], ...]:
    lockout, desk = config.lockout, config.desk
    return (
        (config.door.charset in CHARSETS, f"door.charset must be one of {', '.join(CHARSETS)}"),
        (0 <= config.repeat.pass_s <= 3600, "repeat.pass_s must be 0..3600"),
        (0 <= lockout.spoofs <= 100, "lockout.spoofs must be 0..100"),
        (0 < lockout.window_s <= 86_400, "lockout.window_s must be 0..86400"),
        (0 < lockout.lock_s <= 86_400, "lockout.lock_s must be 0..86400"),
        (0 <= config.attendance.duplicate_s <= 3600, "attendance.duplicate_s must be 0..3600"),
        (
            0 <= config.attendance.clock_tolerance_s <= 3600,
            "attendance.clock_tolerance_s must be 0..3600",
        ),
        (len(desk.institution) <= 20, "desk.institution has over 20 characters"),
        (_is_time(desk.round_by), "desk.round_by must be a time like 20:00"),
        (0 <= desk.makeup_hours <= 240, "desk.makeup_hours must be 0..240"),
        (
            min(desk.max_agents, desk.max_cards) >= 0,
            "desk.max_agents, max_cards must not be negative",
        ),
    )


def _is_time(text: str) -> bool:
    try:
        return f"{time.fromisoformat(text):%H:%M}" == text
    except ValueError:
        return False


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(_value(item) for item in cast(tuple[object, ...], value)) + "]"
    return _quoted(value) if isinstance(value, str) else repr(value)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(ch if ch.isprintable() else _escape(ch) for ch in escaped) + '"'


def _escape(ch: str) -> str:
    return f"\\u{ord(ch):04x}" if ord(ch) < 0x10000 else f"\\U{ord(ch):08x}"
