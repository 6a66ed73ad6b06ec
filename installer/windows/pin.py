"""``versions.toml``, and the packages of Windows among the locks."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from packaging.markers import Marker

from yibao_face.installer.bundle.environment import LOCKS
from yibao_face.installer.command import ROOT, PackageError

FILE = ROOT / "installer" / "versions.toml"
# What a lock's markers ask, as the counter PC answers it.
_MACHINE = {
    "implementation_name": "cpython",
    "os_name": "nt",
    "platform_machine": "AMD64",
    "platform_python_implementation": "CPython",
    "platform_system": "Windows",
    "python_version": "3.11",
    "sys_platform": "win32",
}
_LINE = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==(\S+)\s*(?:;(.*?))?((?:\s+--hash=\S+)+)\s*$")


def pins() -> dict[str, Any]:
    """The table ``windows`` of ``versions.toml``."""
    table: dict[str, Any] = tomllib.loads(FILE.read_text("utf-8"))["windows"]
    return table


def windows_lock() -> str:
    """Requirements with hashes for Windows: the locks of the program, with what is ``instead``.

    One package in two locks must be the same in both; raises ``PackageError``.
    """
    table = pins()
    machine = {**_MACHINE, "python_full_version": str(table["python"]["python"])}
    left_out = {*table["without"]["names"], *table["instead"]}
    found: dict[str, str] = {}
    for name, version, marker, hashes in _locked():
        if name in left_out or (marker and not Marker(marker).evaluate(machine)):
            continue
        line = f"{name}=={version} {hashes}"
        if found.setdefault(name, line).split()[0] != line.split(maxsplit=1)[0]:
            raise PackageError(f"{name} is locked twice: {found[name].split()[0]} and {version}")
    for name, pin in table["instead"].items():
        found[name] = f"{name}=={pin['version']} --hash=sha256:{pin['sha256']}"
    return "\n".join([*sorted(found.values()), ""])


def _locked() -> Iterator[tuple[str, str, str, str]]:
    """Name, version, marker and hashes of each line of the locks."""
    for lock in LOCKS:
        text = (ROOT / "requirements" / f"{lock}.lock").read_text("utf-8")
        for line in text.replace("\\\n", " ").splitlines():
            match = _LINE.match(line)
            if match:
                yield match[1].lower(), match[2], (match[3] or "").strip(), match[4].strip()
            elif line.strip() and not line.lstrip().startswith("#"):
                raise PackageError(f"{lock}.lock: not a pin: {line.split()[0]}")
