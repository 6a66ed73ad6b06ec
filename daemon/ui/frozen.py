"""How the process of the windows is started: as a module, or as the same program in a bundle."""

from __future__ import annotations

import sys

_FLAG = "--yibao-face-windows"


def command() -> list[str]:
    """The command line of the process."""
    if getattr(sys, "frozen", False):
        return [sys.executable, _FLAG]
    # -P: the working folder is nobody's package.
    return [sys.executable, "-P", "-m", "yibao_face.daemon.ui"]


def freeze_support() -> None:
    """Become the windows where a bundle was started as them; else return at once.

    A first call of a bundle's main program.
    """
    if getattr(sys, "frozen", False) and sys.argv[1:] == [_FLAG]:
        from yibao_face.daemon.ui.__main__ import run  # noqa: PLC0415  # costs the daemon Qt

        run()
