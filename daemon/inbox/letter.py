"""How a document that came in is turned down."""

from __future__ import annotations

from yibao_face.daemon.trust.document import DocumentError


class NotUnderstoodError(DocumentError):
    """A genuine document this program cannot follow; the message names the key."""
