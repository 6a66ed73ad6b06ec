"""Persons who ask to be forgotten (PIPL art. 47)."""

from __future__ import annotations

from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.core.scene.event import Kind
from yibao_face.daemon.desk.desk import Desk, Done, recorded
from yibao_face.daemon.desk.form import Form, FormError
from yibao_face.daemon.gallery.gallery import UnknownPersonError
from yibao_face.daemon.ledger import Entry


def erase(desk: Desk, form: Form, _attempt: Attempt) -> Done:
    """Erase a person with all templates and agent relations, for good.

    What was settled stays on record, under a digest that leads to nobody any more.
    """
    institution, (subject, _) = desk.institution(form), desk.subject(form)
    if not form.flag("confirmed", "确认删除"):
        raise FormError("请核对本人身份并确认删除(confirmed)")
    person = desk.gallery.find(subject.numbers)
    if person is None:
        raise UnknownPersonError("nobody enrolled is named")
    detail = {
        "staff": form.text("staff", "工号"),
        "reason": form.text("reason", "删除原因", 100),
        "samples": len(desk.gallery.history(person)),
    }
    # On record first: who asks where a template went shall find out who erased it.
    done = desk.note(Entry(Kind.ERASURE, recorded(), institution, person, detail=detail))
    desk.gallery.remove(person)
    return done
