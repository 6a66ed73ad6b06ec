"""The self-test: what the doctor checks of a counter, and what only the daemon can try itself.

One row a part, with what to do where it failed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from yibao_face.daemon.codes import TABLE, cause_of
from yibao_face.daemon.console.check.state import clock_state, link_state
from yibao_face.daemon.console.console import Console
from yibao_face.daemon.doctor.check import Check, Level, made
from yibao_face.daemon.doctor.counter import model, record
from yibao_face.daemon.doctor.machine import folder
from yibao_face.daemon.doctor.subject import Subject
from yibao_face.drivers.conformance.point import first_frame


class PartFailedError(Exception):
    """A part of the self-test does not hold; the message is one Chinese sentence."""


@dataclass(frozen=True, slots=True)
class Part:
    """``name``: stable word. ``told``: what was found. ``took_ms``: whole milliseconds."""

    name: str
    ok: bool
    told: str
    took_ms: int


def self_test(console: Console) -> list[Part]:
    """Every part; one that fails keeps no other from being tried."""
    subject = Subject(console.config, console.config_file)
    return [
        *(_examined(one.id.replace("-", " ", 1), one, subject) for one in _networks(console)),
        _tried("camera", lambda: _camera(console)),
        _examined("records", _check(record.CHECKS, "records"), subject),
        _tried("gallery", lambda: f"{console.daemon.desk.gallery.count()} 人"),
        _examined("disk", _check(folder.CHECKS, "disk"), subject),
        _tried("clock", lambda: _clock(console)),
    ]


def _networks(console: Console) -> Iterator[Check]:
    """Those that are pinned, and the one the site put in, if any."""
    wanted = {*model.NETWORKS, *(["model-choice"] if console.config.match.model else [])}
    return (check for check in model.CHECKS if check.id in wanted)


def _check(checks: tuple[Check, ...], id_: str) -> Check:
    return next(check for check in checks if check.id == id_)


def _examined(name: str, check: Check, subject: Subject) -> Part:
    result = made(check, subject)
    finding = result.finding
    told = "，".join(filter(None, (finding.measured, finding.cause, finding.fix)))
    return Part(name, finding.level is not Level.FAIL, told, result.took_ms)


def _tried(name: str, work: Callable[[], str]) -> Part:
    began = time.monotonic()
    try:
        ok, said = True, work()
    except PartFailedError as exc:
        ok, said = False, str(exc)
    except Exception as exc:  # noqa: BLE001  # what is broken is what was asked
        ok, said = False, TABLE[cause_of(exc)].message
    return Part(name, ok, said, round((time.monotonic() - began) * 1000))


def _camera(console: Console) -> str:
    began = time.monotonic()
    with console.daemon.eye.open() as camera:
        frame = first_frame(camera)
        info = camera.info
    planes = [("彩色", True), ("深度", frame.depth_mm is not None), ("红外", frame.ir is not None)]
    seen = "、".join(title for title, there in planes if there)
    return f"{info.model}：{seen}，首帧 {time.monotonic() - began:.2f} 秒"


def _clock(console: Console) -> str:
    link = link_state(console)
    if link["clock_skewed"]:
        raise PartFailedError("电脑时间与中心不一致，请校准时间")
    if not clock_state(console, link)["ok"]:
        raise PartFailedError("电脑时间早于已有记录，请校准时间")
    return f"{console.daemon.ledger.clock.now():%Y-%m-%d %H:%M:%S}"
