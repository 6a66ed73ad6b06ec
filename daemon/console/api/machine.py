"""The machine: how it stands, the camera live, and what an engineer tries and takes away."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aiohttp import web

from yibao_face.daemon.console.access.role import Function
from yibao_face.daemon.console.api.queue import attachment
from yibao_face.daemon.console.check.bundle import bundle, known_names
from yibao_face.daemon.console.check.pin import PinError, pin_of, write_pin
from yibao_face.daemon.console.check.selftest import self_test
from yibao_face.daemon.console.check.state import state_of
from yibao_face.daemon.console.check.survey import survey
from yibao_face.daemon.console.route import Route, Visit, away, told
from yibao_face.daemon.desk.form import FormError
from yibao_face.daemon.door.guard import refused
from yibao_face.drivers.api import CameraInfo, Capability
from yibao_face.drivers.plugin import plugins
from yibao_face.drivers.table import discover


async def status(visit: Visit) -> web.Response:
    """The lights."""
    return told(await away(lambda: state_of(visit.console)))


async def preview(visit: Visit) -> web.Response:
    """``{on}``: turn the preview on or off."""
    on, live = (await visit.form()).flag("on", "预览"), visit.console.live
    await away(lambda: live.turn_on(visit.staff.number) if on else live.turn_off())
    return told({"ok": True, "on": live.is_on})


async def still(visit: Visit) -> web.Response:
    """What the camera sees now, as JPEG; 404 while off. ``planes=colour``: that alone."""
    alone, live = visit.request.query.get("planes") == "colour", visit.console.live
    data = await away(lambda: live.jpeg(colour_alone=alone))
    if data is None:
        return refused("预览未开启", 404)
    return web.Response(body=data, content_type="image/jpeg")


async def tested(visit: Visit) -> web.Response:
    """Every part tried."""
    parts = await away(lambda: self_test(visit.console))
    return told({"ok": all(part.ok for part in parts), "parts": [asdict(part) for part in parts]})


async def cameras(visit: Visit) -> web.Response:
    """What is plugged in, what is configured, and what the counter is fixed to."""
    camera, config = visit.console.config.camera, visit.console.config
    found = await away(lambda: discover(camera.settings, plugins(config.plugins).drivers))
    pinned = {
        "usb_id": camera.pin_usb_id,
        "serial": camera.pin_serial,
        "path": camera.pin_path,
        "firmware": camera.pin_firmware,
    }
    return told(
        {
            "configured": bool(camera.uri),
            "driver": camera.uri.partition(":")[0],
            "cameras": [_camera(info) for info in found.cameras],
            "faults": sorted(found.faults),
            "pinned": pinned,
        }
    )


async def measure(visit: Visit) -> web.Response:
    """Look at whoever stands there: distance, light, depth, rate."""
    booth = visit.console.daemon.service.booth
    found = await away(lambda: booth.borrow(survey))
    checks = [asdict(check) for check in found.checks]
    return told({"ok": found.ok, "camera": _camera(found.info), "checks": checks})


async def pin(visit: Visit) -> web.Response:
    """``{confirmed}``: fix the counter to the camera that is open now; after the next start."""
    console = visit.console
    if not (await visit.form()).flag("confirmed", "确认"):
        raise FormError("请确认固定当前摄像头")

    def fixed() -> CameraInfo:
        with console.daemon.eye.open() as camera:
            info = camera.info
        write_pin(console.config_file, pin_of(info))
        return info

    try:
        info = await away(fixed)
    except PinError as exc:
        raise FormError(str(exc)) from exc
    return told({"ok": True, "camera": _camera(info)})


async def log(visit: Visit) -> web.Response:
    """The last lines."""
    console = visit.console
    lines = await away(lambda: console.log.lines(known_names(console)))
    return told({"lines": [asdict(line) for line in lines]})


async def diagnosis(visit: Visit) -> web.Response:
    """The bundle, to be saved."""
    console = visit.console
    name = f"yibao-face-{console.daemon.ledger.clock.now():%Y%m%d-%H%M%S}.zip"
    return attachment(await away(lambda: bundle(console)), name, "application/zip")


def _camera(info: CameraInfo) -> dict[str, Any]:
    planes = (Capability.RGB, Capability.DEPTH, Capability.IR, Capability.RECORDED)
    return {
        "driver": info.driver,
        "model": info.model,
        "serial": info.serial,
        "usb_id": info.usb_id,
        "path": info.path,
        "planes": [str(flag.name).lower() for flag in planes if flag in info.capability],
    }


ROUTES = (
    Route("GET", "/status", Function.STATUS, status),
    Route("POST", "/preview", Function.PREVIEW, preview),
    Route("GET", "/preview", Function.PREVIEW, still),
    Route("POST", "/selftest", Function.ENGINEERING, tested),
    Route("GET", "/cameras", Function.ENGINEERING, cameras),
    Route("POST", "/calibration", Function.ENGINEERING, measure),
    Route("POST", "/calibration/pin", Function.ENGINEERING, pin),
    Route("GET", "/log", Function.ENGINEERING, log),
    Route("POST", "/bundle", Function.ENGINEERING, diagnosis),
)
