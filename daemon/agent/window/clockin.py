"""Signing in and out from the tray, through the door as every other window does it."""

from __future__ import annotations

import logging
from datetime import date, timedelta
from typing import Any, cast

from yibao_face.daemon.agent.window.screen import result
from yibao_face.daemon.clock import Clock, moment
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.modality import Purpose
from yibao_face.daemon.door.client import Caller, ClientError

logger = logging.getLogger(__name__)

DAYS = 7


def sign(caller: Caller, wanted: str, clock: Clock) -> dict[str, Any]:
    """Sign whom the camera sees; ``wanted``: ``in`` or ``out``. What to show of it."""
    try:
        answer = caller.act("attendance-face", {"sign": wanted})
        cause = Cause(str(answer["cause"]))
    except (ClientError, KeyError, ValueError) as exc:
        logger.warning("sign from the tray: %s", exc)
        return {"result": result(Cause.INTERNAL, Purpose.ATTENDANCE)}
    person = str(answer.get("person", ""))
    return {
        "result": result(cause, Purpose.ATTENDANCE, str(answer.get("msg", ""))),
        "encounter": str(answer.get("id", "")),
        "name": str(answer.get("name", "")),
        "person": person,
        "signs": signs_of(caller, person, clock.today()) if person else [],
    }


def mine(caller: Caller, person: str, clock: Clock) -> list[dict[str, Any]]:
    """The signs of ``person`` (as the attendance view names him), newest day first."""
    if not person:
        return []
    days = [clock.today() - timedelta(days=back) for back in range(DAYS)]
    return [{"day": f"{d:%m-%d}", "signs": signs_of(caller, person, d)} for d in days]


def signs_of(caller: Caller, person: str, day: date) -> list[list[str]]:
    """``["in", "08:01"]`` for each sign of a day, in order."""
    try:
        shown = caller.view("attendance", day=day.isoformat())
    except ClientError as exc:
        logger.warning("attendance view: %s", exc)
        return []
    rows = cast("list[dict[str, Any]]", shown.get("practitioners", []))
    none: list[list[Any]] = []
    signs = next((row["signs"] for row in rows if row.get("person") == person), none)
    return [[str(kind), f"{moment(int(at_ms)):%H:%M}"] for kind, at_ms in signs]
