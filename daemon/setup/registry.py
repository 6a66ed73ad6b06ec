"""Where the library on Windows looks for its daemon: the registry, as 64-bit programs see it."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from yibao_face.daemon.setup.file import SetupError

ROOT_KEY = r"SOFTWARE\yibao-face"
UNINSTALL_KEY = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\yibao-face"
KEY = r"SOFTWARE\yibao-face\library"

if sys.platform == "win32":
    import winreg

    def register(settings: Mapping[str, str]) -> int:
        """Write ``settings``, in the place of those there; how many. Raises ``SetupError``."""
        _write(KEY, settings)
        return len(settings)

    def register_version(version: str) -> None:
        """Let Windows' list of programs name what runs now. Raises ``SetupError``."""
        _write(ROOT_KEY, {"Version": version})
        _write(UNINSTALL_KEY, {"DisplayVersion": version})

    def _write(path: str, values: Mapping[str, str]) -> None:
        access = winreg.KEY_WRITE | winreg.KEY_WOW64_64KEY
        try:
            with winreg.CreateKeyEx(winreg.HKEY_LOCAL_MACHINE, path, 0, access) as key:
                for name, value in values.items():
                    winreg.SetValueEx(key, name, 0, winreg.REG_SZ, value)
        except OSError as exc:
            raise SetupError(f"注册表无法写入 / the registry: {exc.strerror}") from exc

else:

    def register(settings: Mapping[str, str]) -> int:
        """Windows only; elsewhere the settings are a file."""
        raise SetupError(f"{len(settings)} settings: 仅限 Windows / on Windows only")

    def register_version(version: str) -> None:
        """Windows only; elsewhere the package manager knows."""
