"""What a bus between taking in and writing has to keep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from yibao_face.sync.center.api import CenterError


class BusError(CenterError):
    """The bus cannot be used as its operator asked; the message is the line he reads."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What could not be written. ``place``: its number; ``at_ms``: when it was put aside.

    ``device``: who sent it, empty where that cannot be read. ``reason``: repeats no content.
    """

    place: int
    device: str
    reason: str
    at_ms: int
    size_bytes: int


class Delivery(Protocol):
    """A message handed to one writer, until ``done`` or until the writer is taken for dead."""

    @property
    def data(self) -> bytes:
        """As it was published."""
        ...

    @property
    def tries(self) -> int:
        """How often it was handed out, this time included."""
        ...

    def working(self) -> None:
        """The writer lives and needs more time."""
        ...

    def done(self) -> None:
        """Written for good: never hand it out again."""
        ...


class Bus(Protocol):
    """At least once, in order; on disk at a majority of its servers before it says so.

    Safe to call from several threads. ``StoreDownError``, in bounded time, when a call may not
    have had its effect.
    """

    def publish(self, id_: str, data: bytes) -> bool:
        """Kept when this returns; ``False`` when the same id was published some minutes ago.

        ``RefusedError`` (413 ``too-large``) when no server would take so much in one message.
        """
        ...

    def fetch(self, most: int, wait_s: float) -> list[Delivery]:
        """Up to ``most`` messages, none when nothing came within ``wait_s`` or the bus is down."""
        ...

    def bury(self, data: bytes, device: str, reason: str) -> str:
        """Put aside what cannot be written, once however often it is called; its name."""
        ...

    def buried(self) -> list[Letter]:
        """What was put aside."""
        ...

    def revive(self, place: int) -> None:
        """Publish again what was put aside, and forget that it was."""
        ...

    def waiting(self) -> int:
        """How many messages are not written yet."""
        ...

    def close(self) -> None:
        """Hang up; may be called twice."""
        ...
