"""Binding a device to an institution: applied for, approved, and the code that does it (S4-15)."""

from __future__ import annotations

import json
import uuid
from typing import Any

from sqlalchemy import Connection, insert, select, update

from yibao_face.sync.center.api import CenterError, RefusedError
from yibao_face.sync.center.device.identity import new_code
from yibao_face.sync.center.office.fleet.devices import note_event
from yibao_face.sync.center.office.office import Ask, Office
from yibao_face.sync.center.office.review.cases import BINDING, found_case, new_case, shown
from yibao_face.sync.center.office.store.tables import CASE
from yibao_face.sync.center.store.tables import CERTIFICATE, CODE

KINDS = (BINDING,)
_CODE_MS = 24 * 3600 * 1000


def apply_binding(office: Office, ask: Ask) -> dict[str, Any]:
    """An institution wants a device bound to it, or one in the place of another."""
    body = ask.body
    device, institution = body["device"], body["institution"]
    replace = bool(body["replace"])
    detail = {"replace": replace, "contact": body["contact"] or ""}
    with office.writing() as db:
        ask.scope.check(db, institution)
        _check_free(db, device, institution, ask.now_ms, replace=replace)
        row = new_case(
            str(uuid.uuid4()),
            BINDING,
            institution,
            device=device,
            created_ms=ask.now_ms,
            created_by=ask.actor.name,
            reason=body["reason"] or "",
            detail=json.dumps(detail, ensure_ascii=False),
        )
        db.execute(insert(CASE).values(**row))
        note_event(db, ask, "applied", (device, institution), row["id"], row["reason"])
        office.note(db, ask, f"binding:{row['id']}", institution, new=row)
        return shown(db, [row], bare=False)[0]


def withdraw_binding(office: Office, ask: Ask) -> dict[str, Any]:
    """Take an application back before it is decided."""
    with office.writing() as db:
        case = found_case(db, ask, KINDS, lock=True)
        if case["state"] not in ("pending", "proposed"):
            raise RefusedError(409, "state", "申请已有结果，不能撤回")
        db.execute(update(CASE).where(CASE.c.id == case["id"]).values(state="withdrawn"))
        office.note(db, ask, f"binding:{case['id']}", case["institution"], old=case)
        return shown(db, [{**case, "state": "withdrawn"}], bare=False)[0]


def settle_binding(_office: Office, db: Connection, ask: Ask, case: dict[str, Any]) -> None:
    """Write the outcome into the ledger of the device."""
    reason = case["reason"] or case["state"]
    whose = (case["device"], case["institution"])
    note_event(db, ask, "decided", whose, case["id"], f"{case['state']}：{reason}"[:500])


def binding_code(office: Office, ask: Ask) -> dict[str, Any]:
    """The code an engineer types in at the device; one made before no longer works."""
    code, until_ms = new_code(), ask.now_ms + _CODE_MS
    with office.writing() as db:
        case = found_case(db, ask, KINDS, lock=True)
        if case["state"] != "approved":
            raise RefusedError(409, "state", "申请未通过，不能领取绑定码")
        device, institution = case["device"], case["institution"]
        since_ms = case["confirmed_ms"] or case["decided_ms"]
        _check_unused(db, device, institution, since_ms)
        unused = (CODE.c.device == device, CODE.c.used_ms.is_(None))
        db.execute(update(CODE).where(*unused).values(expires_ms=ask.now_ms))
        note_event(db, ask, "code", (device, institution), case["id"], "")
        office.note(db, ask, f"binding:{case['id']}", institution)
    replace = json.loads(case["detail"])["replace"]
    try:
        office.center.devices.add_code(
            code, device, institution, until_ms, ask.now_ms, replace=replace
        )
    except CenterError as exc:
        raise RefusedError(409, "state", "设备已有有效证书，请申请更换") from exc
    return {"code": code, "device": device, "institution": institution, "expires_ms": until_ms}


def _check_free(
    db: Connection, device: str, institution: str, now_ms: int, *, replace: bool
) -> None:
    waiting = select(CASE.c.id).where(CASE.c.kind == BINDING, CASE.c.device == device)
    if db.execute(waiting.where(CASE.c.state.in_(("pending", "proposed")))).first():
        raise RefusedError(409, "taken", "这台设备已有申请在处理")
    held = select(CERTIFICATE.c.institution).where(
        CERTIFICATE.c.device == device,
        CERTIFICATE.c.revoked_ms.is_(None),
        CERTIFICATE.c.not_after_ms > now_ms,
    )
    bound = {*db.execute(held).scalars()}
    if bound and not replace:
        raise RefusedError(409, "taken", "设备号已绑定，请换设备号或申请更换")
    if bound - {institution}:
        raise RefusedError(409, "taken", "设备号已绑定在其他机构，请先由其吊销")


def _check_unused(db: Connection, device: str, institution: str, since_ms: int) -> None:
    """One approval binds once; after that the device renews by itself."""
    own = select(CODE.c.sha256).where(CODE.c.device == device, CODE.c.institution == institution)
    used = own.where(CODE.c.used_ms >= since_ms)
    if db.execute(used).first():
        raise RefusedError(409, "state", "绑定码已使用，请重新申请")
