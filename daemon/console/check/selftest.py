"""The self-test: each part tried, not asked. One row a part, with what to do where it failed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from yibao_face.daemon.codes import TABLE, cause_of
from yibao_face.daemon.console.check.state import clock_state, disk_state, link_state
from yibao_face.daemon.console.console import Console
from yibao_face.daemon.trust.signature import check_of
from yibao_face.daemon.wiring import outbox_path, weight_store
from yibao_face.drivers.conformance.point import first_frame
from yibao_face.models.weights.manifest import ModelEntry
from yibao_face.models.weights.store import WeightStore
from yibao_face.sync.store.verify import verify


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
    return [_tried(name, work) for name, work in _parts(console)]


def _parts(console: Console) -> Iterator[tuple[str, Callable[[], str]]]:
    store = weight_store(console.config)
    for entry in store.manifest.models:
        yield f"model {entry.id}", _model(store, entry)
    yield "camera", lambda: _camera(console)
    yield "records", lambda: _records(console)
    yield "gallery", lambda: f"{console.daemon.desk.gallery.count()} 人"
    yield "disk", lambda: _disk(console)
    yield "clock", lambda: _clock(console)


def _tried(name: str, work: Callable[[], str]) -> Part:
    began = time.monotonic()
    try:
        ok, said = True, work()
    except PartFailedError as exc:
        ok, said = False, str(exc)
    except Exception as exc:  # noqa: BLE001  # what is broken is what was asked
        ok, said = False, TABLE[cause_of(exc)].message
    return Part(name, ok, said, round((time.monotonic() - began) * 1000))


def _model(store: WeightStore, entry: ModelEntry) -> Callable[[], str]:
    def verified() -> str:
        # Runs it on the golden input where it has one.
        store.verify(entry)
        return "文件和标准结果一致"

    return verified


def _camera(console: Console) -> str:
    began = time.monotonic()
    with console.daemon.eye.open() as camera:
        frame = first_frame(camera)
        info = camera.info
    planes = [("彩色", True), ("深度", frame.depth_mm is not None), ("红外", frame.ir is not None)]
    seen = "、".join(title for title, there in planes if there)
    return f"{info.model}：{seen}，首帧 {time.monotonic() - began:.2f} 秒"


def _records(console: Console) -> str:
    report = verify(outbox_path(console.config), check_of(console.daemon.ledger.signer))
    if not report.ok:
        first = report.findings[0]
        raise PartFailedError(f"记录不完好（第{first.seq}条），请导出后联系工程师")
    return f"{report.records} 条完好，签名至第 {report.signed} 条"


def _disk(console: Console) -> str:
    found: dict[str, Any] = disk_state(console.config.data)
    told = f"剩余 {found['free_bytes'] / 1e9:.1f} GB"
    if not found["ok"]:
        raise PartFailedError(f"{told}，请清理磁盘")
    return told


def _clock(console: Console) -> str:
    link = link_state(console)
    if link["clock_skewed"]:
        raise PartFailedError("电脑时间与中心不一致，请校准时间")
    if not clock_state(console, link)["ok"]:
        raise PartFailedError("电脑时间早于已有记录，请校准时间")
    return f"{console.daemon.ledger.clock.now():%Y-%m-%d %H:%M:%S}"
