"""A document on its way in, and how it is turned down. Same shape as the uplink's own letter."""

from __future__ import annotations

from typing import Protocol

from yibao_face.daemon.trust.document import DocumentError


class LetterRefusedError(Exception):
    """A letter of the centre is not to be applied, now or later; the message says why."""


class NotUnderstoodError(DocumentError):
    """A genuine document this program cannot follow; the message names the key."""


class Letter(Protocol):
    """``kind``, ``name`` and ``version`` as announced; only ``envelope`` proves anything."""

    @property
    def kind(self) -> str:
        """As in the envelope."""
        ...

    @property
    def name(self) -> str:
        """Tells documents of one kind apart, empty where there is but one."""
        ...

    @property
    def version(self) -> int:
        """As in the envelope."""
        ...

    @property
    def envelope(self) -> bytes:
        """The signed document, byte for byte."""
        ...
