"""How the machine stands at this moment: camera, networks, queue, link, clock, disk."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

from yibao_face.daemon.booth.eye import camera_view
from yibao_face.daemon.codes import TABLE, cause_of
from yibao_face.daemon.console.console import Console
from yibao_face.daemon.core.scene.attendance import clock_set_back
from yibao_face.daemon.core.scene.event import Kind
from yibao_face.daemon.doctor.machine.folder import room
from yibao_face.daemon.link.link import NONE
from yibao_face.models.api import ModelError
from yibao_face.sync.uplink.api import State

# A link that is up; one that is not known to be down: no centre, not bound, not heard yet.
_UP = frozenset({State.ONLINE.value, State.STANDBY.value})
_OPEN = frozenset({NONE, State.UNBOUND.value, State.STARTING.value})


def state_of(console: Console) -> dict[str, Any]:
    """What the page shows as lights; nothing of who was seen."""
    link = link_state(console)
    return {
        "version": version("yibao-face"),
        "camera": camera_state(console),
        "models": model_state(console),
        "queue": queue_state(console),
        "link": link,
        "clock": clock_state(console, link),
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
    """Counts only, and when the centre last took something."""
    delivery = console.daemon.ledger.outbox.delivery
    counts = delivery.counts()
    return {
        "ok": counts.dead == 0,
        "waiting": counts.waiting,
        "dead": counts.dead,
        "oldest_waiting_ms": counts.oldest_waiting_ms,
        "last_sent_ms": delivery.last_sent_ms(),
    }


def link_state(console: Console) -> dict[str, Any]:
    """The link as ``/health`` has it. ``ok``: ``None`` where there is nothing to be up yet."""
    view = console.daemon.link.view()
    state = view["state"]
    return {**view, "ok": None if state in _OPEN else state in _UP}


def clock_state(console: Console, link: dict[str, Any]) -> dict[str, Any]:
    """Whether the clock was set back below what is on record, or is not that of the centre."""
    desk = console.daemon.desk
    now_ms = desk.ledger.clock.unix_ms()
    high_water_ms = desk.ledger.outbox.high_water_ms(Kind.CLOCK.value)
    back = clock_set_back(high_water_ms, now_ms, desk.rules.attendance.tolerance_ms)
    return {"ok": not back and not link["clock_skewed"], "now_ms": now_ms}


def disk_state(data: Path) -> dict[str, Any]:
    """Of the disk the data folder is on."""
    found = room(data)
    return {"ok": found.enough, "free_bytes": found.free, "total_bytes": found.total}
