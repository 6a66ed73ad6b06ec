"""What a device tells about itself beside its records: camera, cover, power (S1-05, F32)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, case, select, update

from yibao_face.sync.center.ingest.health import Health
from yibao_face.sync.center.office.store.tables import HEALTH, HEALTH_DAY
from yibao_face.sync.center.store.database import Database, put_once
from yibao_face.sync.center.store.marks import day_text


@dataclass(frozen=True, slots=True)
class HealthLog:
    """The last word of each device, and a summary per day."""

    database: Database

    def note(self, device: str, health: Health, offset_ms: int, now_ms: int) -> None:
        """Keep what came with a batch; committed when this returns."""
        with self.database.writing() as db:
            _keep_last(db, device, health, now_ms)
            _count(db, device, health, offset_ms, now_ms)


def _keep_last(db: Connection, device: str, health: Health, now_ms: int) -> None:
    values: dict[str, Any] = {
        "at_ms": now_ms,
        "camera": health.camera,
        "covered": health.covered,
        "power": health.power,
        "battery_percent": health.battery_percent,
        "queue_depth": health.queue_depth,
        "evidence_depth": health.evidence_depth,
        "stopping": health.stopping,
        "versions": json.dumps(health.versions, ensure_ascii=False, sort_keys=True),
    }
    if not put_once(db, HEALTH, {"device": device, **values}, "device"):
        own = update(HEALTH).where(HEALTH.c.device == device, HEALTH.c.at_ms <= now_ms)
        db.execute(own.values(**values))


def _count(db: Connection, device: str, health: Health, offset_ms: int, now_ms: int) -> None:
    day = day_text(now_ms)
    marks = {
        "covered": int(health.covered),
        "faulty": int(health.faulty),
        "on_battery": int(health.power == "battery"),
    }
    tops = {"max_queue": health.queue_depth, "max_offset_ms": abs(offset_ms)}
    row = {"device": device, "day": day, "first_ms": now_ms, "last_ms": now_ms, "reports": 1}
    if put_once(db, HEALTH_DAY, {**row, **marks, **tops}, "device"):
        return
    columns = HEALTH_DAY.c
    values: dict[str, Any] = {name: columns[name] + value for name, value in marks.items()}
    for name, value in tops.items():
        values[name] = case((columns[name] < value, value), else_=columns[name])
    own = update(HEALTH_DAY).where(columns.device == device, columns.day == day)
    db.execute(own.values(last_ms=now_ms, reports=columns.reports + 1, **values))


def days_of(db: Connection, device: str, first: str, last: str) -> list[dict[str, Any]]:
    """The summaries of a device, the newest day first."""
    own = select(*(c for c in HEALTH_DAY.c if c.name != "device"))
    own = own.where(HEALTH_DAY.c.device == device, HEALTH_DAY.c.day.between(first, last))
    return [dict(row) for row in db.execute(own.order_by(HEALTH_DAY.c.day.desc())).mappings()]
