"""How a device stands now, from its certificate, its last batch and its health (S4-16, S1-05)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import case, func, select

from yibao_face.sync.center.ingest.health import CAMERAS, Health
from yibao_face.sync.center.office.store.tables import HEALTH, INSTITUTION
from yibao_face.sync.center.store.tables import CERTIFICATE, PROGRESS

_FAULTY = tuple(word for word in CAMERAS if Health(camera=word).faulty)


def fleet(now_ms: int, offline_ms: int) -> Any:
    """All devices that ever had a certificate, as a sub-query: the newest one each, and state.

    ``offline_ms``: without a batch for so long it counts as offline.
    """
    held = newest_certificates()
    live = held.c.revoked_ms.is_(None) & (held.c.not_after_ms > now_ms)
    fresh = HEALTH.c.at_ms >= PROGRESS.c.seen_ms
    state = case(
        (~live, "unbound"),
        (PROGRESS.c.seen_ms.is_(None), "never"),
        (HEALTH.c.stopping & fresh, "powered-down"),
        (PROGRESS.c.seen_ms < now_ms - offline_ms, "offline"),
        (HEALTH.c.covered, "covered"),
        (HEALTH.c.camera.in_(_FAULTY), "faulty"),
        else_="online",
    )
    told = (HEALTH.c.camera, HEALTH.c.power, HEALTH.c.battery_percent, HEALTH.c.queue_depth)
    more = (HEALTH.c.covered, HEALTH.c.evidence_depth, HEALTH.c.versions)
    joined = (
        select(
            *(c for c in held.c if c.name != "place"),
            INSTITUTION.c.name.label("institution_name"),
            PROGRESS.c.seen_ms,
            PROGRESS.c.offset_ms,
            PROGRESS.c.top.label("records"),
            *told,
            *more,
            HEALTH.c.at_ms.label("health_ms"),
            state.label("state"),
        )
        .select_from(held)
        .outerjoin(PROGRESS, PROGRESS.c.device == held.c.device)
        .outerjoin(HEALTH, HEALTH.c.device == held.c.device)
        .outerjoin(INSTITUTION, INSTITUTION.c.code == held.c.institution)
    )
    return joined.where(held.c.place == 1).subquery("fleet")


def newest_certificates() -> Any:
    """Certificates with their ``place`` among those of the device: 1 is the newest."""
    order = (CERTIFICATE.c.issued_ms.desc(), CERTIFICATE.c.serial.desc())
    place = func.row_number().over(partition_by=CERTIFICATE.c.device, order_by=order)
    kept = ("device", "institution", "serial", "issued_ms", "not_after_ms", "revoked_ms")
    columns = [CERTIFICATE.c[name] for name in kept]
    return select(*columns, place.label("place")).subquery("held")
