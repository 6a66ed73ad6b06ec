"""The ledger of devices: where each is bound, how it stands, what befell it (S4-16, S1-04)."""

from __future__ import annotations

import json
import uuid
from typing import Any

from sqlalchemy import Connection, func, insert, or_, select

from yibao_face.sync.center.api import RefusedError
from yibao_face.sync.center.office.figure.calendar import asked_days
from yibao_face.sync.center.office.fleet.health import days_of
from yibao_face.sync.center.office.fleet.state import fleet
from yibao_face.sync.center.office.office import Ask, Office, settings
from yibao_face.sync.center.office.organisation.sheet import write_sheet
from yibao_face.sync.center.office.people.scope import region_filter
from yibao_face.sync.center.office.store.page import paged
from yibao_face.sync.center.office.store.tables import DEVICE_EVENT, TICKET
from yibao_face.sync.center.store.database import rows
from yibao_face.sync.center.store.tables import ALARM, CERTIFICATE, GAP

_CELLS = (
    *("device", "institution", "institution_name", "state", "seen_ms", "offset_ms", "serial"),
    *("issued_ms", "not_after_ms", "revoked_ms", "camera", "power", "battery_percent"),
    "queue_depth",
)
_LIST = (*_CELLS, "records")
_DETAIL = (*_LIST, "covered", "evidence_depth", "health_ms")
_MAX_EVENTS = 200
_DAYS = 30


def list_devices(office: Office, ask: Ask) -> dict[str, Any]:
    """Those of the institutions the asker may look at."""
    query = ask.query
    with office.reading() as db:
        own, all_ = _asked(db, ask)
        if query["state"] is not None:
            own = own.where(all_.c.state == query["state"])
        if query["text"]:
            found = all_.c.device.contains(query["text"], autoescape=True)
            named = all_.c.institution_name.contains(query["text"], autoescape=True)
            own = own.where(or_(found, named))
        devices, following = paged(db, own, [all_.c.device], query)
        more = _counts(db, [row["device"] for row in devices])
    items = [{**{k: row[k] for k in _LIST}, **more[row["device"]]} for row in devices]
    return {"items": items, "next": following}


def export_devices(office: Office, ask: Ask) -> str:
    """The same as CSV."""
    with office.reading() as db:
        own, all_ = _asked(db, ask)
        found = rows(db, own.order_by(all_.c.device))
    return write_sheet(_CELLS, found)


def one_device(office: Office, ask: Ask) -> dict[str, Any]:
    """One of them, with its health, alarms and gaps."""
    with office.reading() as db:
        row = found_device(db, ask, ask.path["device"])
        device = row["device"]
        counts = _counts(db, [device])[device]
        alarms = rows(db, select(ALARM).where(ALARM.c.device == device).limit(_MAX_EVENTS))
        gaps = select(GAP.c.first, GAP.c.last).where(GAP.c.device == device)
        missing = rows(db, gaps.order_by(GAP.c.first).limit(_MAX_EVENTS))
    shown = {name: row[name] for name in _DETAIL}
    versions = None if row["versions"] is None else json.loads(row["versions"])
    listed = [{**alarm, "institution": row["institution"]} for alarm in alarms]
    return {**shown, **counts, "versions": versions, "alarm_list": listed, "gaps": missing}


def device_events(office: Office, ask: Ask) -> dict[str, Any]:
    """Certificates issued and revoked, codes, applications; the newest first."""
    with office.reading() as db:
        device = found_device(db, ask, ask.path["device"])["device"]
        own = select(*(DEVICE_EVENT.c[n] for n in _EVENT)).where(DEVICE_EVENT.c.device == device)
        noted = rows(db, own.order_by(DEVICE_EVENT.c.at_ms.desc()).limit(_MAX_EVENTS))
        held = rows(db, select(CERTIFICATE).where(CERTIFICATE.c.device == device))
    found = [*noted, *(event for row in held for event in _certificate_events(row))]
    found.sort(key=lambda event: (event["at_ms"], event["what"]), reverse=True)
    return {"items": found, "next": None}


def device_health(office: Office, ask: Ask) -> dict[str, Any]:
    """Its health day by day."""
    first, last = asked_days(ask.query["from"], ask.query["to"], ask.now_ms, _DAYS)
    with office.reading() as db:
        device = found_device(db, ask, ask.path["device"])["device"]
        return {"items": days_of(db, device, first, last), "next": None}


def revoke_device(office: Office, ask: Ask) -> dict[str, Any]:
    """Shut a device out, from its next request on."""
    with office.reading() as db:
        row = found_device(db, ask, ask.path["device"])
    device, institution = row["device"], row["institution"]
    if not office.center.devices.revoke(device, "operator", ask.now_ms):
        raise RefusedError(409, "state", "这台设备没有有效的证书")
    with office.writing() as db:
        note_event(db, ask, "revoked", (device, institution), row["serial"], ask.body["reason"])
        office.note(db, ask, f"device:{device}", institution, old={"serial": row["serial"]})
    return {"done": True}


def found_device(db: Connection, ask: Ask, device: str) -> dict[str, Any]:
    """A device the asker may look at; ``RefusedError`` 404."""
    own, all_ = _all(db, ask)
    row = db.execute(own.where(all_.c.device == device)).mappings().first()
    if row is None:
        raise RefusedError(404, "device", "没有这台设备，或不在您的授权范围内")
    return dict(row)


def note_event(  # noqa: PLR0913, PLR0917  # what the ledger of a device is made of
    db: Connection, ask: Ask, what: str, whose: tuple[str, str], subject: str, reason: str
) -> None:
    """Add to the ledger of (device, institution)."""
    device, institution = whose
    values = {
        "id": str(uuid.uuid4()),
        "device": device,
        "institution": institution,
        "at_ms": ask.now_ms,
        "what": what,
        "subject": subject,
        "by": ask.actor.name,
        "reason": reason,
    }
    db.execute(insert(DEVICE_EVENT).values(**values))


_EVENT = ("at_ms", "what", "institution", "subject", "by", "reason")


def _all(db: Connection, ask: Ask) -> tuple[Any, Any]:
    all_ = fleet(ask.now_ms, settings(db)["offline_after_s"] * 1000)
    return select(all_).where(ask.scope.holds(all_.c.institution)), all_


def _asked(db: Connection, ask: Ask) -> tuple[Any, Any]:
    own, all_ = _all(db, ask)
    own = own.where(region_filter(db, all_.c.institution, ask.query["region"]))
    if ask.query["institution"] is not None:
        own = own.where(all_.c.institution == ask.query["institution"])
    return own, all_


def _counts(db: Connection, devices: list[str]) -> dict[str, dict[str, int]]:
    """Missing numbers, kinds of alarms and tickets that are not closed."""
    missing = select(GAP.c.device, func.sum(GAP.c.last - GAP.c.first + 1))
    alarms = select(ALARM.c.device, func.count(ALARM.c.kind.distinct()))
    tickets = select(TICKET.c.device, func.count()).where(TICKET.c.state != "closed")
    found: dict[str, dict[str, int]] = {
        device: {"missing": 0, "alarms": 0, "tickets": 0} for device in devices
    }
    for name, statement in (("missing", missing), ("alarms", alarms), ("tickets", tickets)):
        column = statement.selected_columns[0]
        for device, n in db.execute(statement.where(column.in_(devices)).group_by(column)):
            found[device][name] = int(n)
    return found


def _certificate_events(row: dict[str, Any]) -> list[dict[str, Any]]:
    common = {"institution": row["institution"], "subject": row["serial"], "by": "", "reason": ""}
    issued = [{"at_ms": row["issued_ms"], "what": "issued", **common}]
    # What an operator revoked stands in the ledger with his name.
    if row["revoked_ms"] is None or row["reason"] == "operator":
        return issued
    gone = {**common, "at_ms": row["revoked_ms"], "what": "revoked", "reason": row["reason"]}
    return [*issued, gone]
