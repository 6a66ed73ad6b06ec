"""What is looked at: this machine, its configuration, and what of it was asked already."""

from __future__ import annotations

import platform
import sys
import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config, ConfigError, default_home, load_config
from yibao_face.daemon.door.client import Caller, ClientError
from yibao_face.daemon.gallery.vault import Vault
from yibao_face.daemon.wiring import vault_of
from yibao_face.drivers.plugin import plugins
from yibao_face.drivers.table import Found, discover

# A daemon answers at once; another program at its port may never.
_HEALTH_S = 2.0


@dataclass(frozen=True, slots=True)
class Places:
    """Where a system keeps what is looked at; other roots only in tests."""

    proc: Path = Path("/proc")
    sys: Path = Path("/sys")
    dev: Path = Path("/dev")
    run: Path = Path("/run")
    etc: Path = Path("/etc")
    usr: Path = Path("/usr")
    home: Path = field(default_factory=Path.home)
    # The folder of a packed program, ``None`` where it runs from its source.
    bundle: Path | None = field(
        default_factory=lambda: (
            Path(sys.executable).resolve().parent if getattr(sys, "frozen", False) else None
        )
    )


@dataclass(frozen=True, slots=True)
class Machine:
    """``system``: ``linux`` or ``win32``. Versions by their numbers, empty where there is none."""

    system: str = sys.platform
    architecture: str = field(default_factory=platform.machine)
    bits: int = 64 if sys.maxsize > 2**32 else 32
    kernel: tuple[int, ...] = field(default_factory=lambda: _numbers(platform.release()))
    glibc: tuple[int, ...] = field(default_factory=lambda: _numbers(platform.libc_ver()[1]))
    windows_build: int = field(default_factory=lambda: (_numbers(platform.version()) or (0,))[-1])
    encoding: str = field(default_factory=sys.getfilesystemencoding)


@dataclass(frozen=True)
class Subject:
    """``trouble``: why the configuration cannot be used; ``config`` is then the default one.

    ``his``: folders of HIS programs. ``quick``: no check may take long.
    """

    config: Config
    file: Path
    trouble: str = ""
    his: tuple[Path, ...] = ()
    quick: bool = False
    places: Places = field(default_factory=Places)
    machine: Machine = field(default_factory=Machine)
    clock: Clock = field(default_factory=Clock)

    @cached_property
    def health(self) -> dict[str, Any] | None:
        """What our daemon says of itself; ``None`` where none answers at the port."""
        try:
            found = Caller(self.config.door.host, self.config.door.port).health(_HEALTH_S)
        except (ClientError, ValueError):
            return None
        return found if found.get("status") == "ok" and "camera" in found else None

    @cached_property
    def found(self) -> Found:
        """Cameras that are plugged in."""
        camera = self.config.camera
        return discover(camera.settings, plugins(self.config.plugins).drivers)

    @property
    def key_file(self) -> Path:
        """Of the device key, which the first start makes, and nobody here."""
        return self.config.data / "device.key"

    def vault(self) -> Vault | None:
        """Under the device key; ``None`` before the first start. ``VaultError``."""
        return vault_of(self.config) if self.key_file.is_file() else None

    @property
    def now_ms(self) -> int:
        """By the clock of this machine."""
        return self.clock.unix_ms()


def subject_of(file: Path | None, his: tuple[Path, ...] = (), *, quick: bool = False) -> Subject:
    """This machine with the configuration ``file``, else the usual one, however broken."""
    named = file or default_home() / "config.toml"
    try:
        return Subject(load_config(file), named, his=his, quick=quick)
    except ConfigError as exc:
        return Subject(Config(_data_of(named)), named, str(exc), his, quick)


def _data_of(file: Path) -> Path:
    """The data folder a broken configuration names, if that much can be read."""
    try:
        data = tomllib.loads(file.read_text("utf-8-sig")).get("data")
    except (OSError, ValueError):
        data = None
    return Path(data) if isinstance(data, str) else default_home()


def _numbers(text: str) -> tuple[int, ...]:
    """``5.10.0-18`` → 5, 10, 0."""
    parts = text.partition("-")[0].split(".")
    return tuple(int(part) for part in parts if part.isdecimal())
