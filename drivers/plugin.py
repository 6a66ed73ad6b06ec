"""Drivers of others: installed packages, and folders with a vendor's C library.

A package names its ``Driver`` in the entry-point group ``yibao_face.drivers``. A folder beside
others in the plug-in folder holds ``driver.toml``::

    name = "acme"                 # a to z, 0 to 9, hyphens; the camera's uri is acme:<device>
    library = "libacme.so"        # in the folder, of the C ABI (cabi/include/yibao_camera.h)
    sha256 = "0f3a..."            # of the library

A vendor's code never runs in our process: not even its package is imported there.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from yibao_face.drivers.api import Camera, CameraInfo, DeviceError, DeviceUnsupportedError
from yibao_face.drivers.driver import Driver, Settings
from yibao_face.drivers.host.camera import describe_hosted, discover_hosted, open_hosted
from yibao_face.drivers.table import AUTO, BUILT_IN

GROUP = "yibao_face.drivers"
FILE = "driver.toml"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FIELDS = {"name", "library", "sha256"}


@dataclass(frozen=True, slots=True)
class Plugins:
    """``drivers`` by name; ``refused``: why not, by the package's or folder's name.

    The functions of these drivers start a child process themselves, so the table may call them
    like any that need none: ``isolated`` is false.
    """

    drivers: Mapping[str, Driver] = field(default_factory=dict[str, Driver])
    refused: Mapping[str, str] = field(default_factory=dict[str, str])


class PluginError(ValueError):
    """A plug-in cannot be taken; the message is the reason."""


Find = Callable[[], Driver]


def plugins(folder: Path | None) -> Plugins:
    """Every plug-in there is: packages first, then those in ``folder``; takes 0.3 s a package.

    Names are first come, first served; those of our own drivers are never given away.
    """
    drivers, refused = dict[str, Driver](), dict[str, str]()
    for source, find in [*_packages(), *_folders(folder)]:
        try:
            found = find()
            _claim(found.name, drivers)
        except (PluginError, DeviceError) as exc:
            refused[source] = str(exc)
        else:
            drivers[found.name] = found
    return Plugins(drivers, refused)


def _claim(name: str, taken: Mapping[str, Driver]) -> None:
    if not _NAME.fullmatch(name):
        raise PluginError(f"{name!r} is no name: a to z, 0 to 9, hyphens, 32 at most")
    if name in BUILT_IN or name == AUTO:
        raise PluginError(f"{name} is a driver of ours")
    if name in taken:
        raise PluginError(f"another plug-in is called {name}")


def _packages() -> Iterator[tuple[str, Find]]:
    found = sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value))
    for entry in dict.fromkeys(found):
        package = entry.dist.name if entry.dist is not None else entry.value
        yield f"{package}:{entry.name}", partial(_packaged, entry)


def _packaged(entry: EntryPoint) -> Driver:
    name, spec = entry.name, entry.value
    # Before its code runs even in a child: a package cannot ask for a name of ours.
    _claim(name, {})
    if ":" not in spec:
        raise PluginError(f"{spec} names a module, not module:attribute")
    told = describe_hosted(spec)
    if told.get("name") != name:
        raise PluginError(f"the driver calls itself {told.get('name')!r}, its package {name!r}")

    def open_(rest: str, settings: Settings) -> Camera:
        return open_hosted(spec, rest, settings, uri=f"{name}:{rest}")

    def discover(settings: Settings) -> list[CameraInfo]:
        found = discover_hosted(spec, settings)
        foreign = [info.uri for info in found if not info.uri.startswith(f"{name}:")]
        if foreign:
            raise DeviceUnsupportedError(f"{name} found {foreign[0]}, which is not its own")
        return [replace(info, driver=name) for info in found]

    return Driver(name, open_, discover, recorded=told.get("recorded") is True)


def _folders(folder: Path | None) -> Iterator[tuple[str, Find]]:
    files = sorted(folder.glob(f"*/{FILE}")) if folder is not None else []
    for file in files:
        yield file.parent.name, partial(_described, file)


def _described(file: Path) -> Driver:
    facts = _facts(file)
    name, sha256 = facts["name"], facts["sha256"]
    library = file.parent / facts["library"]
    if library.resolve().parent != file.parent.resolve() or not library.is_file():
        raise PluginError(f"library {facts['library']!r} is no file in the folder")

    def open_(rest: str, settings: Settings) -> Camera:
        pinned = replace(settings, sha256=sha256)
        return open_hosted("cabi", f"{library}#{rest}", pinned, uri=f"{name}:{rest}")

    return Driver(name, open_)


def _facts(file: Path) -> dict[str, str]:
    try:
        told: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as exc:
        raise PluginError(f"{FILE} cannot be read: {exc}") from exc
    facts = {key: value for key, value in told.items() if isinstance(value, str)}
    if told.keys() != _FIELDS or facts.keys() != _FIELDS:
        raise PluginError(f"{FILE} must hold {', '.join(sorted(_FIELDS))} as texts, nothing else")
    if not _SHA256.fullmatch(facts["sha256"]):
        raise PluginError("sha256 is not 64 digits of 0 to 9, a to f")
    return facts
