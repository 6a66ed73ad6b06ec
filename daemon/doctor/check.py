"""What a check is: a name, one question, and an answer that tells the next step."""

from __future__ import annotations

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
    """``id``: stable word for programs. ``quick``: of the few an installer asks."""

    id: str
    group: str
    title: str
    english: str
    work: Work
    quick: bool = False


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
    """Make one; what breaks within it is a fault of its own, and keeps none from being made."""
    began = time.monotonic()
    try:
        finding = check.work(subject)
    except Exception as exc:  # noqa: BLE001  # what is broken is what was asked
        name = type(exc).__name__
        finding = fault(name, f"此项检查没有完成（{name}）", "请把体检报告交给工程师")
    return Result(check, finding, round((time.monotonic() - began) * 1000))
