"""A document that was opened, and what applying it leaves for its record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from yibao_face.daemon.inbox.kind.payload import Fields, fields_of
from yibao_face.daemon.trust.document import Document


@dataclass(frozen=True, slots=True)
class Parcel:
    """``document``: genuine, its payload unsealed. ``envelope``: its bytes as they came."""

    document: Document
    envelope: bytes = field(repr=False)

    @property
    def fields(self) -> Fields:
        """The payload's; ``NotUnderstoodError`` where it is no object."""
        return fields_of(self.document.payload)


@dataclass(frozen=True, slots=True)
class Applied:
    """For the record. ``facts`` name nobody; ``sealed`` may."""

    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    sealed: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
