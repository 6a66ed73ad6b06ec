"""How the child process is started: as a module, or as the same program where it is a bundle.

Not ``multiprocessing``: its children import the parent's main program again, here the daemon with
its networks. A child of ours imports the drivers alone.
"""

from __future__ import annotations

import sys

_FLAG = "--yibao-face-driver-host"


def command() -> list[str]:
    """The command line of a child process."""
    if getattr(sys, "frozen", False):
        return [sys.executable, _FLAG]
    # -P: the working folder is nobody's package.
    return [sys.executable, "-P", "-m", "yibao_face.drivers.host"]


def freeze_support() -> None:
    """Become the child process where a bundle was started as one; else return at once.

    The first call of a bundle's main program.
    """
    if getattr(sys, "frozen", False) and sys.argv[1:] == [_FLAG]:
        from yibao_face.drivers.host.child import main  # noqa: PLC0415  # costs the program numpy

        main()
