"""Serves the page, with the headers that keep a browser from running or loading anything else.

What the page uses of others (``asset/``) is fetched when the product is set up or packed; the page
names each file with its hash (``integrity``). Where one is missing or altered, a page that says
so is served instead.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from yibao_face.daemon.door.guard import Answering

ROOT = "/ui"
FOLDER = Path(__file__).parent
_PAGE, _ASSET = "page", "asset"
# Pico draws its arrows and ticks with data: pictures; blob: is a photograph somebody just chose.
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
_PINNED = re.compile(r'"/ui/asset/([^"]+)"\s+integrity="sha256-([^"]+)"')


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is sent."""

    data: bytes
    content_type: str

    @property
    def etag(self) -> str:
        """Changes with the content."""
        return hashlib.sha256(self.data).hexdigest()[:32]


def site_routes(folder: Path = FOLDER) -> list[web.RouteDef]:
    """``/ui``, ``/ui/page/…`` and ``/ui/asset/…``; the files are read once, here."""
    index = _read(folder / _PAGE / "index.html")
    lacking = lacking_assets(folder, index.data.decode("utf-8"))
    first = _read(folder / _PAGE / "lacking.html") if lacking else index
    files = {
        f"{ROOT}/{kind}/{file.name}": file
        for kind in (_PAGE, _ASSET)
        for file in _all(folder / kind)
    }
    send_first = _sender(first, 503 if lacking else 200)
    return [
        *(web.get(path, send_first) for path in (ROOT, f"{ROOT}/")),
        *(web.get(path, _sender(_read(file))) for path, file in sorted(files.items())),
    ]


def lacking_assets(folder: Path, index: str) -> list[str]:
    """Names of the assets the page asks for that are not there as it pins them."""
    return [
        name
        for name, pinned in _PINNED.findall(index)
        if _hash_of(folder / _ASSET / name) != pinned
    ]


def _hash_of(file: Path) -> str:
    try:
        data = file.read_bytes()
    except OSError:
        return ""
    return base64.b64encode(hashlib.sha256(data).digest()).decode("ascii")


def _all(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [file for file in folder.iterdir() if file.suffix in _TYPES]


def _read(file: Path) -> File:
    return File(file.read_bytes(), _TYPES[file.suffix])


def _sender(file: File, status: int = 200) -> Answering:
    # Asked for again each time, sent again only when it has changed.
    headers = {**HEADERS, "Cache-Control": "no-cache"}

    async def send(request: web.Request) -> web.Response:
        given = request.if_none_match or ()
        if status == 200 and any(tag.value == file.etag for tag in given):
            return web.Response(status=304, headers=headers)
        answer = web.Response(
            body=file.data,
            status=status,
            content_type=file.content_type,
            charset="utf-8",
            headers=headers,
        )
        answer.etag = file.etag
        return answer

    return send
