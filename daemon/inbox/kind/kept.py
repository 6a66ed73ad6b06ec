"""Documents that stay what they are: policy, configuration, revocation, update manifest."""

from __future__ import annotations

import re

from yibao_face.daemon.config import ConfigError, weakened, with_values
from yibao_face.daemon.inbox.kind.revoked import RevocationList
from yibao_face.daemon.inbox.kind.site import Site
from yibao_face.daemon.inbox.letter import NotUnderstoodError
from yibao_face.daemon.inbox.parcel import Applied, Parcel
from yibao_face.daemon.trust.configuration import MAX_BYTES, layer_path, layer_values
from yibao_face.daemon.trust.policy import policy_of, replace_file
from yibao_face.daemon.trust.revocation import parse_revocation

UPDATE = "update-manifest"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAX_FILES = 1000
_MAX_SIZE_BYTES = 1 << 40


def apply_policy(site: Site, parcel: Parcel) -> Applied:
    """Put it where the daemon looks, and let it look: it records what it makes of it."""
    policy_of(parcel.document)
    replace_file(site.policy_path, parcel.envelope)
    site.policies.current()
    return Applied()


def apply_configuration(site: Site, parcel: Parcel) -> Applied:
    """Lay it beside the site's file, if it weakens nothing; in force from the next start on."""
    if len(parcel.envelope) > MAX_BYTES:
        raise NotUnderstoodError(f"the configuration is longer than {MAX_BYTES} bytes")
    values = layer_values(parcel.document.payload)
    try:
        key = weakened(site.local, values)
        with_values(site.local, values)
    except ConfigError as exc:
        raise NotUnderstoodError(str(exc)) from exc
    if key is not None:
        raise NotUnderstoodError(f"{key} would be weaker than this site has it")
    replace_file(layer_path(site.data), parcel.envelope)
    # The envelope, so that a file that is lost or put back to an older one can be mended.
    return Applied({"values": values, "envelope": parcel.envelope.decode()})


def apply_revocation(site: Site, parcel: Parcel) -> Applied:
    """The record of it is what puts it in force. A key once revoked stays so."""
    revoked = parse_revocation(parcel.document.payload)
    before = RevocationList(site.desk.ledger.outbox).current()
    if before.keys - revoked.keys:
        raise NotUnderstoodError("the list leaves out a key that is revoked")
    return Applied(revoked.detail())


def apply_manifest(site: Site, parcel: Parcel) -> Applied:
    """Stage it for the updater. Keys this program does not know are the next one's business."""
    fields = parcel.fields
    release = fields.text("release", 32)
    files = fields.rows("files", _MAX_FILES)
    if not files:
        raise NotUnderstoodError("files is empty")
    for file in files:
        name = file.text("name", 128)
        if "/" in name or "\\" in name or name.startswith("."):
            raise file.wrong("name", "is no plain file name")
        if not _SHA256.fullmatch(file.text("sha256")):
            raise file.wrong("sha256", "is not 64 hexadecimal digits in lower case")
        file.whole("size_bytes", 1, _MAX_SIZE_BYTES)
    replace_file(site.manifest_path, parcel.envelope)
    return Applied({"release": release, "files": len(files)})
