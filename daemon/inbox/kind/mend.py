"""Files beside the record log that a crash, a backup or a hand left unlike what it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from yibao_face.daemon.inbox.kind import kept
from yibao_face.daemon.inbox.kind.site import Site
from yibao_face.daemon.inbox.log import Held, InboxLog
from yibao_face.daemon.trust import configuration
from yibao_face.daemon.trust.document import (
    MAX_DOCUMENT_BYTES,
    Document,
    DocumentError,
    open_document,
)
from yibao_face.daemon.trust.policy import replace_file
from yibao_face.sync.uplink.api import Letter


def mend(site: Site, log: InboxLog, again: Callable[[Letter], bool]) -> bool:
    """Let both files be what the log says, or away; whether any was changed.

    ``again``: takes a letter that was applied and not recorded. Raises ``OSError``.
    """
    layer = configuration.layer_path(site.data)
    changed = _mend(site, log, again, layer, configuration.KIND)
    return _mend(site, log, again, site.manifest_path, kept.UPDATE) or changed


def _mend(
    site: Site, log: InboxLog, again: Callable[[Letter], bool], path: Path, kind: str
) -> bool:
    held = log.held(kind, "")
    data = _read(path)
    document = _opened(site, data, kind)
    if document is not None and document.sha256 == held.sha256:
        return False
    if document is not None and document.version > held.version:
        # Written, but the power went before it was recorded.
        again(Letter(kind, "", document.version, data))
        if log.held(kind, "").sha256 == document.sha256:
            return False
    before = _kept_envelope(site, held)
    if data == before:
        return False
    log.alarm(kind, _told(held, document, data))
    if before:
        replace_file(path, before)
    else:
        path.unlink(missing_ok=True)
    return True


def _kept_envelope(site: Site, held: Held) -> bytes:
    """What the record of it holds, if it still opens; empty where there is nothing to put back."""
    envelope = str(held.facts.get("envelope", "")).encode()
    return envelope if _opened(site, envelope, held.kind) else b""


def _opened(site: Site, data: bytes, kind: str) -> Document | None:
    try:
        return open_document(data, kind, site.desk.centre) if data else None
    except DocumentError:
        return None


def _told(held: Held, document: Document | None, data: bytes) -> str:
    if not data:
        return f"the file of version {held.version} is gone"
    if document is None:
        return "the file is not genuine, or of a key that is revoked"
    return f"the file is of version {document.version}, not {held.version}"


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_DOCUMENT_BYTES + 1)
    except FileNotFoundError:
        return b""
