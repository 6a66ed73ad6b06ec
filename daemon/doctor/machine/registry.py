"""What the registry of Windows says; elsewhere nothing."""

from __future__ import annotations

import sys

MACHINE, USER, CLASSES = "machine", "user", "classes"

if sys.platform == "win32":
    import winreg

    _ROOTS = {
        MACHINE: winreg.HKEY_LOCAL_MACHINE,
        USER: winreg.HKEY_CURRENT_USER,
        CLASSES: winreg.HKEY_CLASSES_ROOT,
    }
    _ACCESS = winreg.KEY_READ | winreg.KEY_WOW64_64KEY

    def values(root: str, path: str) -> dict[str, str]:
        """Names and values of a key, as 64-bit programs see it; empty where it cannot be read."""
        try:
            with winreg.OpenKey(_ROOTS[root], path, 0, _ACCESS) as key:
                found = [winreg.EnumValue(key, n) for n in range(winreg.QueryInfoKey(key)[1])]
        except OSError:
            return {}
        return {str(name): str(value) for name, value, _ in found}

    def below(root: str, path: str) -> list[str]:
        """Names of the keys in a key; empty where it cannot be read."""
        try:
            with winreg.OpenKey(_ROOTS[root], path, 0, _ACCESS) as key:
                return [winreg.EnumKey(key, n) for n in range(winreg.QueryInfoKey(key)[0])]
        except OSError:
            return []

else:

    def values(root: str, path: str) -> dict[str, str]:
        """Nothing: there is none."""
        del root, path
        return {}

    def below(root: str, path: str) -> list[str]:
        """Nothing: there is none."""
        del root, path
        return []
