"""One TOML file → one frozen Config; an unknown key is an error that names it."""

from __future__ import annotations

import logging
import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_type_hints

from yibao_face.daemon.limit import limits_of
from yibao_face.daemon.section import (
    AttendanceConfig,
    CameraConfig,
    CentreConfig,
    ConsoleConfig,
    CryptoConfig,
    DeskConfig,
    DoorConfig,
    EncounterConfig,
    EnrolmentConfig,
    EvidenceConfig,
    LanConfig,
    LivenessConfig,
    LockoutConfig,
    MatchConfig,
    ReaderConfig,
    RepeatConfig,
    ScannerConfig,
    UiConfig,
)
from yibao_face.daemon.trust.configuration import (
    KEYS,
    KIND,
    Layer,
    keys_path,
    layer_path,
    read_layer,
)
from yibao_face.daemon.trust.document import DocumentError, load_keys
from yibao_face.models.mask import Mask, MaskError, Polygons

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

logger = logging.getLogger(__name__)

HOME_VARIABLE = "YIBAO_FACE_HOME"


class ConfigError(Exception):
    """The configuration cannot be used; the message names file and key."""


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
    centre: CentreConfig = field(default_factory=CentreConfig)
    evidence: EvidenceConfig = field(default_factory=EvidenceConfig)
    crypto: CryptoConfig = field(default_factory=CryptoConfig)
    console: ConsoleConfig = field(default_factory=ConsoleConfig)
    ui: UiConfig = field(default_factory=UiConfig)
    lan: LanConfig = field(default_factory=LanConfig)

    @property
    def models(self) -> Path:
        """Installed networks."""
        return self.data / "models"

    @property
    def carried_models(self) -> Path | None:
        """Networks that came with a packed program; ``None`` where it runs from its source."""
        packed = getattr(sys, "frozen", False)
        return Path(sys.executable).resolve().parent / "weights" if packed else None

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
    """``load_site`` with what the centre laid over it; raises ``ConfigError``."""
    return under_centre(load_site(path))


def under_centre(site: Config) -> Config:
    """``site`` with what the centre laid over it, if that is genuine; else it is told."""
    try:
        layer = centre_layer(site)
        return site if layer is None else with_values(site, layer.values)
    except (DocumentError, ConfigError) as exc:
        logger.warning("configuration of the centre left out: %s", exc)
        return site


def load_site(path: Path | None = None) -> Config:
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


def centre_layer(config: Config) -> Layer | None:
    """What the centre laid over this site's configuration, if anything; ``DocumentError``."""
    if not layer_path(config.data).exists():
        return None
    return read_layer(config.data, load_keys(keys_path(config.data)))


def with_values(site: Config, values: Mapping[str, Any]) -> Config:
    """``site`` with the centre's values, the stricter one where a key keeps it safe.

    ``values``: by ``section.key``, as in JSON. ``ConfigError`` for what no site may set either.
    """
    config = site
    for key, (section, name, value) in _typed_values(site, values).items():
        body = getattr(config, section)
        joined = KEYS[key](getattr(body, name), value)
        config = replace(config, **{section: replace(body, **{name: joined})})
    _check(config, KIND)
    return config


def weakened(site: Config, values: Mapping[str, Any]) -> str | None:
    """The first key of ``values`` under which ``site`` is stricter already; ``ConfigError``."""
    for key, (section, name, value) in _typed_values(site, values).items():
        if KEYS[key](getattr(getattr(site, section), name), value) != value:
            return key
    return None


def _typed_values(site: Config, values: Mapping[str, Any]) -> dict[str, tuple[str, str, Any]]:
    """By key: section, name within it, and the value as the section holds it."""
    found: dict[str, tuple[str, str, Any]] = {}
    for key, value in values.items():
        section, name = key.split(".")
        hints = get_type_hints(cast("type[object]", type(getattr(site, section))))
        found[key] = section, name, _typed(hints[name], value, KIND, key)
    bare = Config(site.data)
    for section, name, value in found.values():
        # What is out of its limits by itself is refused before it is compared with anything.
        _check(replace(bare, **{section: replace(getattr(bare, section), **{name: value})}), KIND)
    return found


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
    # pyright knows this file by its folder here and by its installed name there.
    for holds, rule in limits_of(config):  # pyright: ignore[reportArgumentType]
        if not holds:
            raise ConfigError(f"{file}: {rule}")
    try:
        Mask(config.camera.masks)
    except MaskError as exc:
        raise ConfigError(f"{file}: camera.masks: {exc}") from exc


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
