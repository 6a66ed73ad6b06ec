"""The sentences of ``codes.TABLE`` as a screen shows them: what to do, or reason and next step.

Nothing is invented here: each text is a part of the one sentence of its cause.
"""

from __future__ import annotations

from dataclasses import dataclass

from yibao_face.daemon.codes import TABLE
from yibao_face.daemon.core.encounter import Answer, Cause
from yibao_face.daemon.core.liveness.modality import Purpose

_ASKING = "请"
_AGAIN = "后重试"


@dataclass(frozen=True, slots=True)
class Told:
    """``reason``: why. ``step``: what to do next, empty where nothing is left to do."""

    reason: str
    step: str


def hint(cause: Cause) -> str:
    """What the person is to do now: the sentence from its first 请 on, without 后重试."""
    message = TABLE[cause].message
    at = message.find(_ASKING)
    return (message if at < 0 else message[at:]).removesuffix(_AGAIN)


def told(message: str) -> Told:
    """``message`` in two parts: before the clause that asks for something, and that clause on."""
    at = message.find("，" + _ASKING)
    if at < 0:
        return Told(message, "")
    return Told(message[:at], message[at + 1 :])


def is_good(cause: Cause, purpose: Purpose) -> bool:
    """Whether what was wanted is done: a pass or an exemption, for a sign also one made before."""
    row = TABLE[cause]
    return row.attendance == 0 if purpose is Purpose.ATTENDANCE else row.answer is not Answer.FAIL
