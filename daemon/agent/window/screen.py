"""What the window is to show of the encounter, as one message body."""

from __future__ import annotations

from typing import Any

from yibao_face.daemon.agent.window.advice import Told, hint, is_good, told
from yibao_face.daemon.agent.window.picture import face_shares
from yibao_face.daemon.booth.board import Phase, Posted
from yibao_face.daemon.booth.counter import View
from yibao_face.daemon.codes import TABLE
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.modality import Purpose

# A hint about a frame that was used all the same is told just before the frame is counted.
_SAME_FRAME_S = 0.05


def screen(posted: Posted, view: View) -> dict[str, Any]:
    """``posted`` and, where it belongs to the same encounter, ``view`` of the counter."""
    visit = posted.visit
    if visit is None or posted.phase is Phase.IDLE:
        return {"phase": Phase.IDLE.value}
    body: dict[str, Any] = {
        "phase": posted.phase.value,
        "encounter": visit.encounter,
        "purpose": visit.purpose.value,
        "who": visit.who,
        "needed": posted.needed,
        "usable": min(posted.usable, posted.needed),
        "left_s": _finite(posted.left_s),
        "face": face_shares(posted.face, posted.size),
    }
    if posted.cause is not None:
        body["result"] = result(posted.cause, visit.purpose)
    elif posted.phase is Phase.LOOKING and view.encounter == visit.encounter:
        body.update(_asked(posted, view))
    return body


def result(cause: Cause, purpose: Purpose, message: str = "") -> dict[str, Any]:
    """How it ended; ``message``: instead of the table's, where one field was wrong."""
    parts: Told = told(message or TABLE[cause].message)
    return {
        "cause": cause.value,
        "good": is_good(cause, purpose),
        "reason": parts.reason,
        "step": parts.step,
    }


def _asked(posted: Posted, view: View) -> dict[str, Any]:
    """One thing at a time: what is on the clock, then what is asked, then the hint."""
    found: dict[str, Any] = {}
    task, prompt = view.task, view.prompt
    if task is not None:
        left_s = round(task.left_s, 2)
        found["task"] = {"action": task.action.value, "text": task.text, "left_s": left_s}
    if prompt is not None:
        found["prompt"] = {
            "stage": prompt.stage.value,
            "text": prompt.text,
            "version": prompt.version,
            "person": prompt.person,
        }
    fresh = view.hint_at_s >= posted.good_at_s - _SAME_FRAME_S
    if view.hint is not None and fresh:
        found["hint"] = {"cause": view.hint.value, "text": hint(view.hint)}
    return found


def _finite(seconds: float) -> float:
    return round(max(0.0, min(seconds, 3600.0)), 1)
