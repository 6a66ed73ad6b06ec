"""Rounds at the bed and round tasks of the centre (S0-50, S0-51)."""

from __future__ import annotations

import base64
import binascii
from typing import Any, cast

from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.scene.detail import texts
from yibao_face.daemon.core.scene.event import CHECK_KINDS, Kind
from yibao_face.daemon.core.scene.round import (
    RoundTask,
    day_states,
    parse_task,
    task_progress,
    tasks,
)
from yibao_face.daemon.core.scene.ward import roster
from yibao_face.daemon.desk.desk import Desk, Done, recorded
from yibao_face.daemon.desk.form import Form, FormError
from yibao_face.daemon.ledger import Entry
from yibao_face.daemon.trust.document import open_document

TASK_KIND = "round-task"
_SEEN = (*CHECK_KINDS, Kind.SPECIAL, Kind.REVIEW)


def do_round(desk: Desk, form: Form, attempt: Attempt) -> Done:
    """Check one inpatient at the bed; somebody who is no inpatient here is refused."""
    institution, (subject, person) = desk.institution(form), desk.subject(form)
    detail = {"staff": form.text("staff", "工号"), "task": form.text_or_empty("task", "任务")}
    entry = Entry(Kind.ROUND, recorded(), institution, person, detail=detail)
    if person not in roster(desk.events(institution, *CHECK_KINDS, person=person)):
        return desk.refuse(entry, Cause.NOT_INPATIENT)
    return desk.meet(subject, entry, attempt)


def take_task(desk: Desk, form: Form, _attempt: Attempt) -> Done:
    """Take a round task the centre signed; persons in it are named by id number (S0-51).

    ``document``: the signed file in base64. The same task again changes nothing.
    """
    try:
        data = base64.b64decode(form.text("document", "任务文件", 1_500_000), validate=True)
    except binascii.Error as exc:
        raise FormError("任务文件(document)须为base64编码") from exc
    document = open_document(data, TASK_KIND, desk.centre)
    task = parse_task(_with_digests(desk, document.payload))
    known = desk.events(task.institution, Kind.ROUND_TASK)
    for event in known:
        if event.text("task") == task.id:
            return Done(Cause.RECORDED, event.id, {"task": task.id})
    detail = {**task.detail(), "document_sha256": document.sha256}
    return desk.note(Entry(Kind.ROUND_TASK, recorded(), task.institution, detail=detail))


def note_task(desk: Desk, payload: Any, document_sha256: str) -> RoundTask:
    """Put a task of a genuine document on record, once; a newer one of its name replaces it."""
    task = parse_task(_with_digests(desk, payload))
    events = desk.events(task.institution, Kind.ROUND_TASK)
    known = [e.text("document_sha256") for e in events if e.text("task") == task.id]
    if known[-1:] != [document_sha256]:
        detail = {**task.detail(), "document_sha256": document_sha256}
        desk.note(Entry(Kind.ROUND_TASK, recorded(), task.institution, detail=detail))
    return task


def view_ward(desk: Desk, form: Form) -> dict[str, Any]:
    """Who lies where now."""
    found = roster(desk.events(desk.institution(form), *CHECK_KINDS)).values()
    return {
        "inpatients": [
            {"person": i.person[:12], "since": i.since.isoformat(), **i.stay.detail()}
            for i in found
        ]
    }


def view_rounds(desk: Desk, form: Form) -> dict[str, Any]:
    """How each inpatient of a day stands: seen, excused, due, overdue."""
    now = desk.ledger.clock.now()
    day = form.day("day", "日期", now.date())
    events = desk.events(desk.institution(form), *_SEEN)
    states = day_states(events, day, now, desk.rules.round_cutoff)
    return {
        "day": day.isoformat(),
        "inpatients": [
            {
                "person": s.inpatient.person[:12],
                "state": s.state.value,
                **s.inpatient.stay.detail(),
            }
            for s in states
        ],
    }


def view_tasks(desk: Desk, form: Form) -> dict[str, Any]:
    """Every round task and how far each person on it is."""
    institution = desk.institution(form)
    events = desk.events(institution, *_SEEN, Kind.ROUND_TASK)
    now_ms = desk.ledger.clock.unix_ms()
    return {
        "tasks": [
            {
                "task": task.id,
                "from_ms": task.from_ms,
                "until_ms": task.until_ms,
                "left_s": max(0, (task.until_ms - now_ms) // 1000),
                "persons": [
                    {"person": t.person[:12], "state": t.state.value, "at_ms": t.at_ms}
                    for t in task_progress(task, events, now_ms)
                ],
            }
            for task in tasks(events)
        ]
    }


def _with_digests(desk: Desk, payload: Any) -> Any:
    """The task with persons as this device names them: the centre knows no keyed digests."""
    if not isinstance(payload, dict) or "persons" not in payload:
        return cast(Any, payload)
    task = cast("dict[str, Any]", payload)
    numbers = texts(task["persons"])
    persons = [desk.named(Form({"id": number}), "id", "证件号码") for number in numbers]
    # What is no list of texts is left as it is: parse_task names the fault.
    return {**task, "persons": persons} if numbers else task
