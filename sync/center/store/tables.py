"""The tables of the centre, for any engine. Times are Unix milliseconds by the centre's clock."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine

from yibao_face.sync.api import FIELDS

METADATA = MetaData()

_LONG = {"certificate", "scores", "models", "thresholds", "findings", "detail"}
_INTEGERS = {"code": Integer, "who": Integer, "at_unix_ms": BigInteger}
_WIDTHS = {"id": 64, "kind": 64, "day": 10, "request_sha256": 64, "evidence_sha256": 64}


def _type(name: str) -> TypeEngine[Any]:
    if name in _INTEGERS:
        return _INTEGERS[name]()
    if name == "sealed_request":
        return LargeBinary()
    if name == "demo":
        return Boolean()
    return (
        Text() if name in _LONG else String(_WIDTHS.get(name, 1024 if name == "camera" else 256))
    )


def _column(name: str, type_: TypeEngine[Any], *, key: bool = False) -> Column[Any]:
    return Column(name, type_, primary_key=key, nullable=False, autoincrement=False)


META = Table(
    "center_meta", METADATA, _column("name", String(32), key=True), Column("value", Integer)
)

# The day stands in the key because a partitioned PostgreSQL table demands it there; it is derived
# from the id, so that a repeat with other times still meets its first copy.
RECORD = Table(
    "record",
    METADATA,
    _column("part", Integer(), key=True),
    *(_column(name, _type(name), key=name == "id") for name in FIELDS),
    _column("device", String(64)),
    _column("seq", BigInteger()),
    _column("prev", LargeBinary(32)),
    _column("hash", LargeBinary(32)),
    _column("schema_no", Integer()),
    _column("ext", Text()),
    _column("chain", String(8)),
    _column("boot_id", String(64)),
    _column("received_ms", BigInteger()),
    _column("offset_ms", BigInteger()),
    Index("record_chain", "device", "seq"),
    Index("record_institution", "institution", "at_unix_ms"),
    postgresql_partition_by="RANGE (part)",
)

# Other content under an id that is taken: kept, never merged.
CONFLICT = Table(
    "conflict",
    METADATA,
    _column("id", String(64), key=True),
    _column("hash", LargeBinary(32), key=True),
    _column("device", String(64), key=True),
    _column("seq", BigInteger()),
    _column("body", Text()),
    _column("received_ms", BigInteger()),
)

ALARM = Table(
    "alarm",
    METADATA,
    _column("device", String(64), key=True),
    _column("kind", String(32), key=True),
    _column("subject", String(128), key=True),
    _column("first_ms", BigInteger()),
    _column("last_ms", BigInteger()),
    _column("times", Integer()),
)

# How far a device has come. tip_hash: of its record numbered top, as linked last. head_…: the last
# head that was believed; head_signature: base64, empty where the device has no key to sign with.
PROGRESS = Table(
    "progress",
    METADATA,
    _column("device", String(64), key=True),
    _column("boot_id", String(64)),
    _column("seen_ms", BigInteger()),
    _column("offset_ms", BigInteger()),
    _column("top", BigInteger()),
    _column("tip_hash", LargeBinary(32)),
    _column("head_seq", BigInteger()),
    _column("head_hash", LargeBinary(32)),
    _column("head_at_ms", BigInteger()),
    _column("head_signature", String(128)),
    _column("head_algorithm", String(8)),
)

# Further links under which a stored record came again: a repaired device chains its records anew.
RELINK = Table(
    "relink",
    METADATA,
    _column("device", String(64), key=True),
    _column("seq", BigInteger(), key=True),
    _column("hash", LargeBinary(32), key=True),
    _column("prev", LargeBinary(32)),
    _column("id", String(64)),
    _column("received_ms", BigInteger()),
)

GAP = Table(
    "gap",
    METADATA,
    _column("device", String(64), key=True),
    _column("first", BigInteger(), key=True),
    _column("last", BigInteger()),
)

CERTIFICATE = Table(
    "device_certificate",
    METADATA,
    _column("serial", String(40), key=True),
    _column("device", String(64)),
    _column("institution", String(32)),
    _column("key_sha256", String(64)),
    _column("issued_ms", BigInteger()),
    _column("not_after_ms", BigInteger()),
    Column("revoked_ms", BigInteger()),
    Column("reason", String(32)),
    _column("pem", Text()),
    Index("device_certificate_device", "device"),
)

# Public keys of a device, all it ever had: the newest counts. Base64 of Ed25519 and X25519.
DEVICE_KEY = Table(
    "device_key",
    METADATA,
    _column("device", String(64), key=True),
    _column("key_id", String(16), key=True),
    _column("sign", String(44)),
    _column("seal", String(44)),
    _column("since_ms", BigInteger()),
    Index("device_key_id", "key_id"),
)

# Only the digest of a code is kept.
CODE = Table(
    "enrolment_code",
    METADATA,
    _column("sha256", String(64), key=True),
    _column("device", String(64)),
    _column("institution", String(32)),
    _column("expires_ms", BigInteger()),
    Column("used_ms", BigInteger()),
    Column("serial", String(40)),
)

EVIDENCE = Table(
    "evidence",
    METADATA,
    _column("sha256", String(64), key=True),
    _column("device", String(64), key=True),
    _column("size_bytes", BigInteger()),
    _column("received_ms", BigInteger()),
)

# The newest version of each document. target: "*", an institution code, or "device:" and its id.
DOCUMENT = Table(
    "document",
    METADATA,
    _column("kind", String(32), key=True),
    _column("name", String(64), key=True),
    _column("target", String(80), key=True),
    _column("version", BigInteger()),
    _column("place", BigInteger()),
    _column("envelope", Text()),
    _column("published_ms", BigInteger()),
    Index("document_place", "place"),
)
