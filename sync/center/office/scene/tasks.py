"""Ward rounds asked for from afar: made, handed to the devices, followed and scored (S0-51)."""

from __future__ import annotations

import json
import uuid
from typing import Any

from sqlalchemy import Connection, insert, select, update

from yibao_face.sync.center.api import RefusedError
from yibao_face.sync.center.office.figure.calendar import day_range_ms
from yibao_face.sync.center.office.office import Ask, Office
from yibao_face.sync.center.office.organisation.institutions import names_of
from yibao_face.sync.center.office.people import mask
from yibao_face.sync.center.office.publish import NoKeyError, Parcel, publish, publish_sealed
from yibao_face.sync.center.office.scene.progress import Progress, progress_of
from yibao_face.sync.center.office.store.page import paged
from yibao_face.sync.center.office.store.tables import TASK

DOCUMENT = "round-task"
_SHOWN = (
    *("id", "title", "institution", "scope", "persons", "from_ms", "until_ms"),
    *("created_by", "created_ms", "published_ms"),
)


def list_tasks(office: Office, ask: Ask) -> dict[str, Any]:
    """The latest window first, each with how far it has come."""
    query = ask.query
    since, until = day_range_ms(query["from"], query["to"])
    own = select(TASK).where(TASK.c.from_ms >= since, TASK.c.from_ms < until)
    with office.reading() as db:
        own = own.where(ask.holds(db, TASK.c.institution))
        keys = [TASK.c.from_ms, TASK.c.id]
        found, following = paged(db, own, keys, query, newest=True)
        items = [_shown(db, row, progress_of(db, row, ask.now_ms), ask.now_ms) for row in found]
    return {"items": items, "next": following}


def one_task(office: Office, ask: Ask) -> dict[str, Any]:
    """One of them, target by target."""
    with office.reading() as db:
        return _detail(db, _found(db, ask), ask.now_ms)


def add_task(office: Office, ask: Ask) -> dict[str, Any]:
    """A new one, which no device has yet."""
    body = ask.body
    departments = _distinct(body["departments"])
    numbers = [*dict.fromkeys(n.upper() for n in _distinct(body["numbers"]))]
    _check(body, departments, numbers)
    id_ = str(uuid.uuid4())
    row: dict[str, Any] = {
        "id": id_,
        "title": body["title"],
        "institution": body["institution"],
        "scope": body["scope"],
        "departments": json.dumps(departments, ensure_ascii=False),
        "numbers": office.secrets.seal(f"task/{id_}", json.dumps(numbers)),
        "persons": len(numbers),
        "from_ms": body["from_ms"],
        "until_ms": body["until_ms"],
        "created_by": ask.actor.name,
        "created_ms": ask.now_ms,
        "published_ms": None,
    }
    with office.writing() as db:
        ask.scope.check(db, row["institution"])
        db.execute(insert(TASK).values(**row))
        office.note(db, ask, f"task:{id_}", row["institution"], new=row)
        return _detail(db, row, ask.now_ms)


def publish_task(office: Office, ask: Ask) -> dict[str, Any]:
    """Sign it for the devices of the institution; what names patients is sealed to each."""
    if office.sign is None:
        raise NoKeyError
    with office.writing() as db:
        row = _found(db, ask)
        office.note(db, ask, f"task:{row['id']}", row["institution"])
    parcel = Parcel(DOCUMENT, row["id"], row["institution"], _payload(office, row))
    if row["scope"] != "person":
        publish(office, parcel, ask.now_ms)
    elif not publish_sealed(office, parcel, row["institution"], ask.now_ms):
        raise RefusedError(409, "state", "机构没有能接收的设备：设备须重新绑定以上报加密公钥")
    with office.writing() as db:
        own = update(TASK).where(TASK.c.id == row["id"])
        db.execute(own.values(published_ms=ask.now_ms))
        return _detail(db, {**row, "published_ms": ask.now_ms}, ask.now_ms)


def _distinct(given: list[str] | None) -> list[str]:
    return [*dict.fromkeys(text.strip() for text in given or ())]


def _check(body: dict[str, Any], departments: list[str], numbers: list[str]) -> None:
    if body["until_ms"] <= body["from_ms"]:
        raise RefusedError(422, "field", "截止(until_ms)须晚于开始(from_ms)")
    for name, given, scope in (
        ("科室(departments)", departments, "department"),
        ("证件号码(numbers)", numbers, "person"),
    ):
        if bool(given) is not (body["scope"] == scope):
            raise RefusedError(422, "field", f"{name}与范围(scope)不符")


def _payload(office: Office, row: dict[str, Any]) -> str:
    body: dict[str, Any] = {
        "task": row["id"],
        "institution": row["institution"],
        "scope": row["scope"],
        "from_ms": row["from_ms"],
        "until_ms": row["until_ms"],
    }
    if row["scope"] == "department":
        body["departments"] = json.loads(row["departments"])
    if row["scope"] == "person":
        body["persons"] = json.loads(office.secrets.unseal(f"task/{row['id']}", row["numbers"]))
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _found(db: Connection, ask: Ask) -> dict[str, Any]:
    own = select(TASK).where(TASK.c.id == ask.path["id"], ask.scope.holds(TASK.c.institution))
    row = db.execute(own).mappings().first()
    if row is None:
        raise RefusedError(404, "task", "没有这个任务，或不在您的授权范围内")
    return dict(row)


def _detail(db: Connection, row: dict[str, Any], now_ms: int) -> dict[str, Any]:
    progress = progress_of(db, row, now_ms)
    each = [
        {
            "person": mask.person(digest),
            "state": state,
            "at_ms": at_ms,
            "delay_ms": max(0, (at_ms or 0) - row["until_ms"]),
        }
        for state, at_ms, digest in progress.targets
    ]
    return {**_shown(db, row, progress, now_ms), "progress": each}


def _shown(db: Connection, row: dict[str, Any], progress: Progress, now_ms: int) -> dict[str, Any]:
    targets, missed = len(progress.targets), progress.count("missed")
    done, late = progress.count("done"), progress.count("late")
    over = now_ms > row["until_ms"] or (targets > 0 and done + late == targets)
    score = round(100 * (done + late / 2) / targets) if targets and over else None
    return {
        **{name: row[name] for name in _SHOWN},
        "institution_name": names_of(db, {row["institution"]}).get(row["institution"]),
        "departments": json.loads(row["departments"]),
        "received_ms": progress.received_ms,
        "state": _state(row, progress, now_ms),
        "targets": targets,
        "done": done,
        "late": late,
        "missed": missed,
        "delay_ms": progress.delay_ms(row["until_ms"]),
        "score": score,
    }


def _state(row: dict[str, Any], progress: Progress, now_ms: int) -> str:
    if row["published_ms"] is None:
        return "draft"
    if progress.count("missed"):
        return "overdue"
    if progress.targets and not progress.count("pending"):
        return "done"
    if now_ms > row["until_ms"]:
        return "done"
    return "running" if now_ms >= row["from_ms"] else "published"
