"""What a check is: a name, one question, and an answer that tells the next step."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yibao_face.daemon.doctor.subject import Subject


@unique
class Level(StrEnum):
    """``SKIP``: not asked, ``cause`` says why. Only ``FAIL`` keeps a counter from its work."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Finding:
    """``measured``: what was found. ``cause``, ``fix``: Chinese; both empty where it is well."""

    level: Level
    measured: str
    cause: str = ""
    fix: str = ""


Work = Callable[["Subject"], Finding]


@dataclass(frozen=True, slots=True)
class Check:
    """``id``: stable word for programs. ``limit_s``: how long it is waited for.

    ``quick``: of those that tell whether this copy of the program works on this machine. They
    look at no camera, network or record, and touch nothing of the site: an updater asks them
    before it puts this copy in the place of another.
    """

    id: str
    group: str
    title: str
    english: str
    work: Work
    quick: bool = False
    limit_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Result:
    """A check that was made. ``took_ms``: whole milliseconds."""

    check: Check
    finding: Finding
    took_ms: int


def well(measured: str) -> Finding:
    """As it should be."""
    return Finding(Level.OK, measured)


def doubt(measured: str, cause: str, fix: str) -> Finding:
    """It works, and will trouble somebody."""
    return Finding(Level.WARN, measured, cause, fix)


def fault(measured: str, cause: str, fix: str) -> Finding:
    """It does not work, or is not safe."""
    return Finding(Level.FAIL, measured, cause, fix)


def passed_over(why: str) -> Finding:
    """Not asked here."""
    return Finding(Level.SKIP, "", why)


def made(check: Check, subject: Subject) -> Result:
    """Make one; what breaks or hangs within it keeps none of the others from being made."""
    began = time.monotonic()
    found: list[Finding] = []
    # A driver or a name server that never answers: its thread ends with the program.
    worker = threading.Thread(target=lambda: found.append(_asked(check, subject)), daemon=True)
    worker.start()
    worker.join(check.limit_s)
    finding = found[0] if found else _unanswered(check.limit_s)
    return Result(check, finding, round((time.monotonic() - began) * 1000))


def _asked(check: Check, subject: Subject) -> Finding:
    try:
        return check.work(subject)
    except Exception as exc:  # noqa: BLE001  # what is broken is what was asked
        name = type(exc).__name__
        return fault(name, f"此项检查没有完成（{name}）", "请把体检报告交给工程师")


def _unanswered(limit_s: float) -> Finding:
    cause = "此项没有看完：设备、驱动或网络没有反应"
    return doubt(f"超过 {limit_s:.0f} 秒", cause, "请重新插拔设备或检查网络，重启电脑后再体检")
