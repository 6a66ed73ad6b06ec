"""An id that is new at each start of the machine, and one for all its processes."""

from __future__ import annotations

import contextlib
import re
import sys
import uuid
from pathlib import Path

import psutil

_LINUX = Path("/proc/sys/kernel/random/boot_id")
_WINDOWS = r"SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters"
_FORM = re.compile(r"[0-9A-Za-z-]{1,64}")
_MINUTE_S = 60.0


def boot_id() -> str:
    """As the system counts its starts; else made of the minute it started in."""
    return _of_linux() or _of_windows() or _of_time(float(psutil.boot_time()))


def _of_linux() -> str:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        found = _LINUX.read_text("ascii").strip()
        return found if _FORM.fullmatch(found) else ""
    return ""


def _of_windows() -> str:
    if sys.platform == "win32":
        import winreg  # noqa: PLC0415  # of that system alone

        with (
            contextlib.suppress(OSError),
            winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, _WINDOWS) as key,
        ):
            count, kind = winreg.QueryValueEx(key, "BootId")
            return f"windows-{count}" if kind == winreg.REG_DWORD else ""
    return ""


def _of_time(started_s: float) -> str:
    """To the minute: what is computed from two clocks differs a little each time."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"boot {round(started_s / _MINUTE_S)}"))
