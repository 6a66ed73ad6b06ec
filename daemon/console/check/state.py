"""How the machine stands at this moment: camera, networks, queue, clock, disk."""

from __future__ import annotations

import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

from yibao_face.daemon.booth.eye import camera_view
from yibao_face.daemon.codes import TABLE, cause_of
from yibao_face.daemon.console.console import Console
from yibao_face.daemon.core.scene.attendance import clock_set_back
from yibao_face.daemon.core.scene.event import Kind
from yibao_face.models.api import ModelError

# Below it a day's records and evidence may not fit.
LEAST_FREE_BYTES = 512 * 1024 * 1024


def state_of(console: Console) -> dict[str, Any]:
    """What the page shows as lights; nothing of who was seen."""
    return {
        "version": version("yibao-face"),
        "camera": camera_state(console),
        "models": model_state(console),
        "queue": queue_state(console),
        "clock": clock_state(console),
        "disk": disk_state(console.config.data),
        "preview": {"on": console.live.is_on, "by": console.live.by},
        "demo": console.daemon.ledger.provenance.demo,
    }


def camera_state(console: Console) -> dict[str, Any]:
    """``ok``: ``None`` where only an encounter will tell."""
    uri, health = console.config.camera.uri, console.daemon.eye.health()
    if health is None:
        return {"ok": bool(uri) or None, "recorded": bool(uri), "state": "", "model": ""}
    view = camera_view(health)
    sound = view["state"] != "faulty" and view["condition"] in ("", "good")
    return {**view, "ok": sound, "recorded": False}


def model_state(console: Console) -> dict[str, Any]:
    """The networks that are loaded, or why they are not."""
    models = console.daemon.models
    if isinstance(models, ModelError):
        return {"ok": False, "message": TABLE[cause_of(models)].message, "loaded": []}
    return {"ok": True, "message": "", "loaded": [stamp.id for stamp in models.stamps]}


def queue_state(console: Console) -> dict[str, Any]:
    """Counts only, and when the centre last took something: is there a link?"""
    delivery = console.daemon.ledger.outbox.delivery
    counts = delivery.counts()
    return {
        "ok": counts.dead == 0,
        "waiting": counts.waiting,
        "dead": counts.dead,
        "oldest_waiting_ms": counts.oldest_waiting_ms,
        "last_sent_ms": delivery.last_sent_ms(),
    }


def clock_state(console: Console) -> dict[str, Any]:
    """Whether the clock was set back below what is on record."""
    desk = console.daemon.desk
    now_ms = desk.ledger.clock.unix_ms()
    high_water_ms = desk.ledger.outbox.high_water_ms(Kind.CLOCK.value)
    back = clock_set_back(high_water_ms, now_ms, desk.rules.attendance.tolerance_ms)
    return {"ok": not back, "now_ms": now_ms}


def disk_state(data: Path) -> dict[str, Any]:
    """Of the disk the data folder is on."""
    usage = shutil.disk_usage(data)
    free, total = usage.free, usage.total
    return {"ok": free >= LEAST_FREE_BYTES, "free_bytes": free, "total_bytes": total}
