"""Reference faces of insured persons, sealed to this device: added, replaced, erased."""

from __future__ import annotations

import base64
import binascii
from datetime import date

import numpy as np

from yibao_face.daemon.booth.still.photo import PhotoError
from yibao_face.daemon.core.template import Source
from yibao_face.daemon.gallery.gallery import (
    Delivered,
    Enrolment,
    Numbers,
    NumbersConflictError,
    Op,
    Picture,
)
from yibao_face.daemon.inbox.kind.payload import Fields
from yibao_face.daemon.inbox.kind.site import Site
from yibao_face.daemon.inbox.letter import NotUnderstoodError
from yibao_face.daemon.inbox.parcel import Applied, Parcel
from yibao_face.models.api import Embedding, ModelStamp

PERSONS = "person-references"
_KEYS = ("op", "id", "psn", "name", "consent", "templates", "photos")
_TEMPLATE = ("model", "sha256", "embedding", "source", "day")
_ANCHORS = (Source.ENROLMENT.value, Source.ID_PHOTO.value)
_MAX_SAMPLES = 12
_DIMS = range(32, 4097)
_NORM_SLACK = 0.01


def apply_persons(site: Site, parcel: Parcel) -> Applied:
    """All persons of the delivery or none. Pictures become templates here, and are not kept."""
    fields = parcel.fields.only("name", "persons")
    rows = [row.only(*_KEYS) for row in fields.rows("persons")]
    if not rows:
        raise NotUnderstoodError("persons is empty")
    changes = [_change(site, row, f"centre:{parcel.document.sha256[:12]}") for row in rows]
    try:
        site.desk.gallery.deliver(changes)
    except NumbersConflictError as exc:
        raise NotUnderstoodError(str(exc)) from exc
    ops = [change.op for change in changes]
    return Applied({op.value: ops.count(op) for op in Op})


def _change(site: Site, row: Fields, by: str) -> Delivered:
    op = Op(row.choice("op", [op.value for op in Op]))
    numbers = Numbers(row.text("id", 30, least=0).upper(), row.text("psn", 50, least=0))
    if not numbers.id_number and not numbers.person_number:
        raise row.wrong("id", "and psn are both empty")
    day = site.desk.ledger.clock.today()
    if op is Op.ERASE:
        row.only("op", "id", "psn")
        return Delivered(op, Enrolment(numbers, "", "", by, day.isoformat()))
    name, consent = row.text("name", 30), row.text("consent", 64)
    samples = [
        *(_template(site, template) for template in row.rows("templates", _MAX_SAMPLES)),
        *((site.stamp, day, photo) for photo in _photos(site, row)),
    ]
    if not samples:
        raise row.wrong("templates", "and photos are both empty")
    return Delivered(op, Enrolment(numbers, name, consent, by, day.isoformat()), (*samples,))


def _template(site: Site, row: Fields) -> tuple[ModelStamp, date, Picture]:
    row.only(*_TEMPLATE)
    stamp = ModelStamp(row.text("model"), row.text("sha256"))
    data = _unbase64(row, "embedding", row.text("embedding", 30_000))
    if len(data) % 4 or len(data) // 4 not in _DIMS:
        raise row.wrong("embedding", "has another length than templates have")
    embedding = np.frombuffer(data, "<f4").astype(np.float32)
    _check(site, row, stamp, embedding)
    source = Source(row.choice("source", _ANCHORS))
    return stamp, row.day("day"), Picture(embedding, source)


def _check(site: Site, row: Fields, stamp: ModelStamp, embedding: Embedding) -> None:
    """A template of the network in use must be one it could have made: it will be compared."""
    if stamp == site.stamp and len(embedding) != site.dim:
        raise row.wrong("embedding", f"has {len(embedding)} numbers, not {site.dim}")
    with np.errstate(over="ignore", invalid="ignore"):
        norm = float(np.linalg.norm(embedding.astype(np.float64)))
    if not abs(norm - 1) <= _NORM_SLACK:
        raise row.wrong("embedding", "is not of length 1")


def _photos(site: Site, row: Fields) -> list[Picture]:
    found: list[Picture] = []
    for number, text in enumerate(row.items("photos", _MAX_SAMPLES), 1):
        if not isinstance(text, str):
            raise row.wrong("photos", "is not a list of texts")
        name = f"{row.where}photo {number}"
        try:
            embedding = site.embed(_unbase64(row, "photos", text), name)
        except PhotoError as exc:
            raise NotUnderstoodError(str(exc)) from exc
        found.append(Picture(embedding, Source.ID_PHOTO))
    return found


def _unbase64(row: Fields, key: str, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise row.wrong(key, "is not base64") from exc
