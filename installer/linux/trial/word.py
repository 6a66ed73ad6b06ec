"""What a trial says: a line for everything that holds, or its end."""

from __future__ import annotations

from collections.abc import Callable

from yibao_face.installer.command import PackageError, say


def expect(holds: bool, what: str) -> None:
    """One line of the report, or the end of it."""
    if not holds:
        raise PackageError(f"not so: {what}")
    say(f"  {what}")


def refused(work: Callable[[], str], code: str) -> str:
    """What it says while it ends with this status, by its own word or dpkg's."""
    try:
        work()
    except PackageError as exc:
        said = str(exc)
        expect(f"exit status {code}" in said or f"exit {code}:" in said, f"refused with {code}")
        return said
    raise PackageError(f"was not refused with {code}")
