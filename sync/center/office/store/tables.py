"""The tables of the office. Times are Unix milliseconds by the centre's clock, unless told."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine

from yibao_face.sync.center.store.tables import METADATA


def _column(
    name: str, type_: TypeEngine[Any], *, key: bool = False, null: bool = False
) -> Column[Any]:
    return Column(name, type_, primary_key=key, nullable=null, autoincrement=False)


def _text(name: str, width: int, *, key: bool = False, null: bool = False) -> Column[Any]:
    return _column(name, String(width), key=key, null=null)


def _moment(name: str, *, null: bool = False) -> Column[Any]:
    return _column(name, BigInteger(), null=null)


def _flag(name: str, *, null: bool = False) -> Column[Any]:
    return _column(name, Boolean(), null=null)


def _count(name: str, *, null: bool = False) -> Column[Any]:
    return _column(name, BigInteger(), null=null)


# path: the codes from the top down, "/32/3205/", so that a subtree is a prefix.
REGION = Table(
    "office_region",
    METADATA,
    _text("code", 12, key=True),
    _text("name", 100),
    _text("level", 16),
    _text("parent", 12, null=True),
    _text("path", 64),
    Index("office_region_path", "path"),
)

INSTITUTION = Table(
    "office_institution",
    METADATA,
    _text("code", 32, key=True),
    _text("name", 100),
    _text("kind", 16),
    _text("region", 12),
    _text("contact", 50),
    _text("phone", 30),
    _text("status", 16),
    Index("office_institution_region", "region"),
)

USER = Table(
    "office_user",
    METADATA,
    _text("name", 32, key=True),
    _text("display", 50),
    _text("status", 16),
    _text("password", 200),
    _flag("must_change"),
    _count("failures"),
    _moment("locked_until_ms"),
    _moment("last_login_ms", null=True),
    _moment("created_ms"),
)

# Digests of the last passwords, so that none of them comes back.
PASSWORD = Table(
    "office_password",
    METADATA,
    _text("name", 32, key=True),
    _moment("set_ms"),
    _text("password", 200, key=True),
)

GRANT = Table(
    "office_grant",
    METADATA,
    _text("name", 32, key=True),
    _text("role", 16, key=True),
    _text("scope", 48, key=True),
)

# Only the digest of a session's secret is kept.
SESSION = Table(
    "office_session",
    METADATA,
    _text("sha256", 64, key=True),
    _text("name", 32),
    _text("csrf", 64),
    _text("source", 64),
    _moment("made_ms"),
    _moment("seen_ms"),
    _moment("expires_ms"),
    Index("office_session_name", "name"),
)

# seq 0 is the head: hash of the last entry, and a code over it made with the centre's secret.
AUDIT = Table(
    "office_audit",
    METADATA,
    _column("seq", BigInteger(), key=True),
    _moment("at_ms"),
    _text("who", 64),
    _text("what", 64),
    _text("subject", 256),
    _text("institution", 32),
    _text("source", 64),
    _text("old", 64),
    _text("new", 64),
    _text("result", 16),
    _column("prev", LargeBinary(32)),
    _column("hash", LargeBinary(32)),
    Index("office_audit_who", "who", "seq"),
    Index("office_audit_what", "what", "seq"),
)
AUDIT_HEAD = Table(
    "office_audit_head",
    METADATA,
    _text("name", 8, key=True),
    _column("seq", BigInteger()),
    _column("hash", LargeBinary(32)),
    _column("code", LargeBinary(32)),
)

SETTING = Table(
    "office_setting", METADATA, _text("name", 32, key=True), _column("value", BigInteger())
)

# The last health facts of a device, as it sent them.
HEALTH = Table(
    "office_health",
    METADATA,
    _text("device", 64, key=True),
    _moment("at_ms"),
    _text("camera", 16),
    _flag("covered"),
    _text("power", 16),
    _count("battery_percent", null=True),
    _count("queue_depth"),
    _count("evidence_depth"),
    _flag("stopping"),
    _column("versions", Text()),
)

HEALTH_DAY = Table(
    "office_health_day",
    METADATA,
    _text("device", 64, key=True),
    _text("day", 10, key=True),
    _moment("first_ms"),
    _moment("last_ms"),
    _count("reports"),
    _count("covered"),
    _count("faulty"),
    _count("on_battery"),
    _count("max_queue"),
    _count("max_offset_ms"),
)

# What awaits a decision, and what was decided. subject: a device, a record or a person.
CASE = Table(
    "office_case",
    METADATA,
    _text("id", 64, key=True),
    _text("kind", 16),
    _text("state", 16),
    _text("institution", 32),
    _text("device", 64, null=True),
    _text("person", 256, null=True),
    _text("day", 10),
    _moment("created_ms"),
    _text("created_by", 32),
    _column("detail", Text()),
    _flag("verdict", null=True),
    _text("decided_by", 32, null=True),
    _moment("decided_ms", null=True),
    _text("reason", 500),
    _text("confirmed_by", 32, null=True),
    _moment("confirmed_ms", null=True),
    _flag("published"),
    Index("office_case_queue", "kind", "state", "created_ms", "id"),
    Index("office_case_institution", "institution", "kind", "day"),
)

# Codes made for an approved binding, and revocations, with who did it.
DEVICE_EVENT = Table(
    "office_device_event",
    METADATA,
    _text("id", 36, key=True),
    _text("device", 64),
    _moment("at_ms"),
    _text("what", 16),
    _text("institution", 32),
    _text("subject", 64),
    _text("by", 32),
    _text("reason", 500),
    Index("office_device_event_device", "device", "at_ms"),
)

TICKET = Table(
    "office_ticket",
    METADATA,
    _text("id", 36, key=True),
    _text("state", 16),
    _text("cause", 32),
    _text("device", 64, null=True),
    _text("institution", 32),
    _text("note", 500),
    _text("opened_by", 32),
    _moment("opened_ms"),
    _moment("respond_by_ms"),
    _moment("solve_by_ms"),
    _moment("responded_ms", null=True),
    _moment("solved_ms", null=True),
    _text("solved_by", 32, null=True),
    _moment("closed_ms", null=True),
    _moment("heard_ms"),
    Index("office_ticket_device", "device", "cause", "state"),
    Index("office_ticket_queue", "state", "opened_ms", "id"),
    Index("office_ticket_institution", "institution", "opened_ms"),
)

# The one ticket of a device and cause that is not closed: nobody opens a second.
TICKET_OPEN = Table(
    "office_ticket_open",
    METADATA,
    _text("device", 64, key=True),
    _text("cause", 32, key=True),
    _text("ticket", 36),
)

TICKET_STEP = Table(
    "office_ticket_step",
    METADATA,
    _text("ticket", 36, key=True),
    _column("n", Integer(), key=True),
    _moment("at_ms"),
    _text("what", 16),
    _text("by", 32),
    _text("reason", 500),
)

# number_mac tells the same person of an institution again; number and name are sealed.
PRACTITIONER = Table(
    "office_practitioner",
    METADATA,
    _text("id", 36, key=True),
    _text("institution", 32),
    _text("number_mac", 64),
    _column("number", LargeBinary()),
    _column("name", LargeBinary()),
    _text("kind", 16),
    _text("status", 16),
    _moment("changed_ms"),
    Index("office_practitioner_number", "institution", "number_mac", unique=True),
)

TASK = Table(
    "office_task",
    METADATA,
    _text("id", 36, key=True),
    _text("title", 100),
    _text("institution", 32),
    _text("scope", 16),
    _column("departments", Text()),
    _column("numbers", LargeBinary()),
    _count("persons"),
    _moment("from_ms"),
    _moment("until_ms"),
    _text("created_by", 32),
    _moment("created_ms"),
    _moment("published_ms", null=True),
    Index("office_task_institution", "institution", "from_ms"),
    Index("office_task_from", "from_ms", "id"),
)
