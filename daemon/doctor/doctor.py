"""Every check there is, in the order a field engineer wants to read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from yibao_face.daemon.doctor.check import Check, Result, made
from yibao_face.daemon.doctor.counter import (
    camera,
    centre,
    lan,
    library,
    model,
    port,
    record,
    setting,
)
from yibao_face.daemon.doctor.machine import desktop, folder, release, system
from yibao_face.daemon.doctor.subject import Subject

CHECKS: tuple[Check, ...] = (
    *system.CHECKS,
    *folder.CHECKS,
    *setting.CHECKS,
    *port.CHECKS,
    *camera.CHECKS,
    *model.CHECKS,
    *record.CHECKS,
    *centre.CHECKS,
    *library.CHECKS,
    *lan.CHECKS,
    *desktop.CHECKS,
    *release.CHECKS,
)


def examine(
    subject: Subject,
    checks: Iterable[Check] = CHECKS,
    hear: Callable[[Result], None] = lambda _result: None,
) -> list[Result]:
    """Make every check, of a quick subject the quick ones; ``hear`` each as it was made."""
    found: list[Result] = []
    for check in checks:
        if subject.quick and not check.quick:
            continue
        result = made(check, subject)
        hear(result)
        found.append(result)
    return found
