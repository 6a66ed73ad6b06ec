"""What a camera sees, as a page of this machine: colour, depth and infrared side by side."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

import cv2
from aiohttp import web

from yibao_face.daemon.booth.still.plane import picture
from yibao_face.drivers.api import Camera, DeviceError, Frame

Tell = Callable[[str], None]

_HOST = "127.0.0.1"
_READ_S = 0.25
_BOUNDARY = "frame"
_PAGE = """<!doctype html><html lang="zh"><meta charset="utf-8"><title>摄像头预览</title>
<body style="margin:0;background:#222;color:#ddd;font-family:sans-serif">
<p style="margin:8px">彩色 · 深度 · 红外（画面不保存）colour, depth, infrared; nothing is kept</p>
<img src="live" style="max-width:100%" alt="摄像头画面"></body></html>"""


async def show(camera: Camera, port: int, tell: Tell) -> None:
    """Serve the page until interrupted, or until the camera is lost.

    The address holds a secret: other programs and pages of this machine cannot guess it.
    """
    secret, lost = secrets.token_urlsafe(12), asyncio.Event()
    app = web.Application()
    app.router.add_get(f"/{secret}/", _page)
    app.router.add_get(f"/{secret}/live", _live(camera, lost))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        site = web.TCPSite(runner, _HOST, port)
        await site.start()
        tell(f"http://{_HOST}:{runner.addresses[0][1]}/{secret}/  Ctrl+C 结束 ends")
        await lost.wait()
    finally:
        await runner.cleanup()


async def _page(_request: web.Request) -> web.Response:
    headers = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return web.Response(text=_PAGE, content_type="text/html", headers=headers)


def _live(camera: Camera, lost: asyncio.Event) -> Any:
    reading = asyncio.Lock()

    async def live(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(
            headers={
                "Content-Type": f"multipart/x-mixed-replace; boundary={_BOUNDARY}",
                "Cache-Control": "no-store",
            }
        )
        await answer.prepare(request)
        while True:
            try:
                async with reading:
                    frame = await asyncio.to_thread(camera.read, _READ_S)
            except DeviceError:
                lost.set()
                return answer
            if frame is not None:
                await answer.write(_part(frame))

    return live


def _part(frame: Frame) -> bytes:
    done, jpeg = cv2.imencode(".jpg", picture(frame), [cv2.IMWRITE_JPEG_QUALITY, 80])
    assert done  # noqa: S101  # JPEG of an 8-bit picture always can be made
    body = jpeg.tobytes()
    head = f"--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body + b"\r\n"
