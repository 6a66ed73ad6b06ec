"""What a scanner delivers, what every scanner is, and the ways it may fail.

What was scanned may name a person: it is in no ``repr`` and no error text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, Self


class ScannerError(Exception):
    """A scanner did not do its work; the message holds its uri."""


class ScannerMissingError(ScannerError):
    """Nothing is there: unplugged, switched off or never there."""


class ScannerBusyError(ScannerError):
    """Another program holds the scanner."""


class ScannerPermissionError(ScannerError):
    """The system does not let this account use the scanner."""


class ScannerLostError(ScannerError):
    """The scanner went away after a good open, or was closed."""


class ScannerUnsupportedError(ScannerError):
    """Not with this installation or system."""


class ScannerConfigError(ScannerError):
    """The uri or its settings name no scanner, or none of this system."""


@dataclass(frozen=True, slots=True)
class Scan:
    """One code. ``text``: without what the scanner adds; ``at_ns``: ``time.monotonic_ns()``."""

    text: str = field(repr=False)
    at_ns: int


@dataclass(frozen=True, slots=True)
class ScannerSettings:
    """``baud``: of a serial one. ``prefix``, ``suffix``: added by the scanner, and demanded."""

    baud: int = 9600
    prefix: str = ""
    suffix: str = ""


class Scanner(Protocol):
    """An open scanner. ``table.open_scanner`` opens it; ``close`` may be called twice."""

    @property
    def uri(self) -> str:
        """Which scanner this is."""
        ...

    def read(self, timeout_s: float) -> Scan | None:
        """The next code, or ``None`` when none came within ``timeout_s``.

        Raises ``ScannerLostError`` once the scanner has gone, and keeps raising it.
        """
        ...

    def close(self) -> None:
        """Release the scanner; never raises."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: Any) -> None: ...
