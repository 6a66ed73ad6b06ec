"""What may be done, and which role may do it: the one place where that is written (S4-99)."""

from __future__ import annotations

from enum import StrEnum, unique


@unique
class Permission(StrEnum):
    """One function of the office. ``SELF``: of one's own session, whoever is signed in."""

    SELF = "self"
    ORG_READ = "org.read"
    ORG_WRITE = "org.write"
    USER_READ = "user.read"
    USER_WRITE = "user.write"
    DEVICE_READ = "device.read"
    DEVICE_WRITE = "device.write"
    DEVICE_APPROVE = "device.approve"
    TICKET_READ = "ticket.read"
    TICKET_WRITE = "ticket.write"
    TICKET_CLOSE = "ticket.close"
    PRACTITIONER_READ = "practitioner.read"
    PRACTITIONER_WRITE = "practitioner.write"
    TASK_READ = "task.read"
    TASK_WRITE = "task.write"
    SPECIAL_READ = "special.read"
    SPECIAL_REVIEW = "special.review"
    ERASURE_READ = "erasure.read"
    ERASURE_WRITE = "erasure.write"
    ERASURE_APPROVE = "erasure.approve"
    RATE_READ = "rate.read"
    SETTLEMENT_READ = "settlement.read"
    SETTLEMENT_WRITE = "settlement.write"
    RECORD_READ = "record.read"
    ALARM_READ = "alarm.read"
    AUDIT_READ = "audit.read"
    SETTING_READ = "setting.read"
    SETTING_WRITE = "setting.write"
    UNMASK = "unmask"


@unique
class Role(StrEnum):
    """What a user is, in some part of the organisation."""

    ADMIN = "admin"
    OPERATOR = "operator"
    REVIEWER = "reviewer"
    REGULATOR = "regulator"
    ENGINEER = "engineer"
    AUDITOR = "auditor"


P = Permission
_LOOK = frozenset(
    {P.ORG_READ, P.DEVICE_READ, P.TICKET_READ, P.TASK_READ, P.RATE_READ, P.ALARM_READ}
)

# Who runs the system does not see who was treated, and nobody who acts keeps the log of acts.
ROLES: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: _LOOK
    | {P.ORG_WRITE, P.USER_READ, P.USER_WRITE, P.DEVICE_WRITE, P.DEVICE_APPROVE, P.TICKET_WRITE}
    | {P.TICKET_CLOSE, P.PRACTITIONER_READ, P.PRACTITIONER_WRITE, P.SETTING_READ, P.SETTING_WRITE},
    Role.OPERATOR: _LOOK
    | {P.DEVICE_WRITE, P.TICKET_WRITE, P.PRACTITIONER_READ, P.PRACTITIONER_WRITE, P.SPECIAL_READ}
    | {P.SETTLEMENT_READ, P.SETTLEMENT_WRITE, P.RECORD_READ, P.ERASURE_READ, P.ERASURE_WRITE},
    Role.REVIEWER: _LOOK
    | {P.DEVICE_APPROVE, P.SPECIAL_READ, P.SPECIAL_REVIEW, P.RECORD_READ, P.PRACTITIONER_READ}
    | {P.ERASURE_READ, P.ERASURE_APPROVE, P.SETTLEMENT_READ, P.UNMASK},
    Role.REGULATOR: _LOOK
    | {P.TASK_WRITE, P.SPECIAL_READ, P.SPECIAL_REVIEW, P.RECORD_READ, P.PRACTITIONER_READ}
    | {P.SETTLEMENT_READ, P.SETTLEMENT_WRITE, P.TICKET_CLOSE, P.ERASURE_READ, P.UNMASK},
    Role.ENGINEER: frozenset({P.ORG_READ, P.DEVICE_READ, P.DEVICE_WRITE, P.ALARM_READ})
    | {P.TICKET_READ, P.TICKET_WRITE},
    Role.AUDITOR: _LOOK
    | {P.AUDIT_READ, P.USER_READ, P.SETTING_READ, P.RECORD_READ, P.SETTLEMENT_READ}
    | {P.SPECIAL_READ, P.ERASURE_READ, P.PRACTITIONER_READ},
}


def permissions_of(role: str) -> frozenset[Permission]:
    """What a role may do; nothing for a word that is none."""
    return ROLES[Role(role)] if role in {known.value for known in Role} else frozenset()
