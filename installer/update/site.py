"""``ROOT/update/update.toml``: how this computer is updated. An administrator's file."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeAlias, cast

from yibao_face.installer.update.decision import Watch
from yibao_face.installer.update.fault import UpdateError

Words: TypeAlias = tuple[str, ...]
PROGRAM = "{program}"
_SELF_TESTS: tuple[Words, ...] = ((PROGRAM, "doctor", "--selftest"),)


class SiteError(UpdateError):
    """``update.toml`` cannot be used; the message names the key."""

    told = "更新设置 update.toml 有误"


@dataclass(frozen=True, slots=True)
class Site:
    """``data``: the daemon's data folder, where encounters are locked and manifests are staged.

    ``switch``: ``symlink`` or ``pointer``. ``restart``: words of the command that starts what
    ``current`` names anew. ``selftest``: commands that must succeed beside ``--version``;
    ``{program}`` in them stands for the new program. ``health``: what the daemon answers at.
    ``mirror``: folder or address of the vendor's repository, where the centre names none.
    ``sticks``: patterns of update files on media that are plugged in.
    ``only_serving``: switch only while a daemon answers, as nothing else would start the new one.
    """

    data: Path
    restart: Words
    switch: str = "pointer" if sys.platform == "win32" else "symlink"
    selftest: tuple[Words, ...] = _SELF_TESTS
    selftest_s: float = 300.0
    health: str = "http://127.0.0.1:51518/health"
    mirror: str = ""
    sticks: Words = ()
    platform: str = ""
    idle_wait_s: float = 900.0
    only_serving: bool = False
    watch: Watch = field(default_factory=Watch)

    @property
    def kind(self) -> str:
        """Which releases are for this computer, as ``linux-x86_64``."""
        return self.platform or this_platform()


def on_sticks(site: Site) -> list[str]:
    """Update files that are plugged in, the newest last; what cannot be looked at is not there."""
    found: dict[str, int] = {}
    for pattern in site.sticks:
        for path in _matching(pattern):
            with contextlib.suppress(OSError):
                found[str(path)] = path.stat().st_mtime_ns
    return sorted(found, key=lambda path: (found[path], path))


def _matching(pattern: str) -> list[Path]:
    root = Path(pattern).anchor
    try:
        return list(Path(root).glob(pattern.removeprefix(root)))
    except OSError:
        return []  # locked, broken or just drawn: it hides none of the other media


def this_platform() -> str:
    """``linux-x86_64``, ``windows-x86_64``, ``linux-aarch64``…"""
    machine = platform.machine().lower()
    system = "windows" if sys.platform == "win32" else sys.platform
    return f"{system}-{ {'amd64': 'x86_64', 'arm64': 'aarch64'}.get(machine, machine) }"


def default_root() -> Path:
    """``$YIBAO_FACE_ROOT``, else the folder of this program's folder, as it was installed."""
    named = os.environ.get("YIBAO_FACE_ROOT")
    if named:
        return Path(named)
    if getattr(sys, "frozen", False):
        return Path(sys.executable).resolve().parent.parent
    if sys.platform == "win32":
        return Path(os.environ.get("PROGRAMFILES", r"C:\Program Files")) / "YibaoFace"
    return Path("/opt/yibao-face")


def read_site(path: Path) -> Site:
    """Read ``update.toml``; raises ``SiteError``."""
    try:
        raw = tomllib.loads(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise SiteError(f"{path.name} cannot be read: {exc}") from exc
    known = {field.name for field in fields(Site)}
    for key in raw:
        if key not in known:
            raise SiteError(f"{path.name}: unknown key {key}")
    for key in ("data", "restart"):
        if key not in raw:
            raise SiteError(f"{path.name}: {key} is missing")
    values = {key: _value(key, value, path.name) for key, value in raw.items()}
    site = Site(**values)
    if site.switch not in ("symlink", "pointer"):
        raise SiteError(f"{path.name}: switch is symlink or pointer")
    return site


def _value(key: str, value: Any, name: str) -> Any:
    reader: Callable[[Any], Any] = _READERS.get(key, _text)
    try:
        return reader(value)
    except (TypeError, ValueError) as exc:
        raise SiteError(f"{name}: {key} {exc}") from exc


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("is no text")
    return value


def _path(value: Any) -> Path:
    return Path(_text(value))


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 86_400:
        raise ValueError("is no number of seconds")
    return float(value)


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("is true or false")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("is no list")
    return cast("list[Any]", value)  # type: ignore[redundant-cast]  # pyright has list[Unknown]


def _words(value: Any) -> Words:
    words = tuple(map(_text, _list(value)))
    if not words:
        raise ValueError("is no list of words")
    return words


def _patterns(value: Any) -> Words:
    return tuple(map(_text, _list(value)))


def _commands(value: Any) -> tuple[Words, ...]:
    return tuple(map(_words, _list(value)))


def _watch(value: Any) -> Watch:
    given = cast("dict[str, Any]", value) if isinstance(value, dict) else {"": None}
    if not set(given) <= {field.name for field in fields(Watch)}:
        raise ValueError("has watch_s, start_s and silence_s")
    return Watch(**{key: _seconds(seconds) for key, seconds in given.items()})


_READERS: dict[str, Callable[[Any], Any]] = {
    "data": _path,
    "restart": _words,
    "selftest": _commands,
    "selftest_s": _seconds,
    "idle_wait_s": _seconds,
    "sticks": _patterns,
    "only_serving": _switch,
    "watch": _watch,
}
