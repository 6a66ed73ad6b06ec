"""Serves the page, with the headers that keep a browser from running or loading anything else.

What the page uses of others (``asset/``) is fetched when the product is set up or packed; the page
names each file with its hash (``integrity``). Where one is missing or altered, a page that says
so is served instead.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

FOLDER = Path(__file__).parent
_PAGE, _ASSET = "page", "asset"
# Pico draws its arrows and ticks with data: pictures inside its style sheet.
POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    # Asked for again each time, sent again only when it has changed.
    "Cache-Control": "no-cache",
}
_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_PINNED = re.compile(r'"/asset/([^"]+)"\s+integrity="sha256-([^"]+)"')
_Handler = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is sent."""

    data: bytes
    content_type: str

    @property
    def etag(self) -> str:
        """Changes with the content."""
        return hashlib.sha256(self.data).hexdigest()[:32]


def web_routes(folder: Path = FOLDER) -> list[web.RouteDef]:
    """Routes of ``/``, ``/page/…`` and ``/asset/…``; the files are read once, here."""
    index = _read(folder / _PAGE / "index.html")
    lacking = lacking_assets(folder, index.data.decode("utf-8"))
    first = _read(folder / _PAGE / "lacking.html") if lacking else index
    files = {f"/{kind}/{one.name}": one for kind in (_PAGE, _ASSET) for one in _all(folder / kind)}
    routes = [web.get("/", _sender(first, 503 if lacking else 200))]
    return routes + [web.get(path, _sender(_read(file))) for path, file in sorted(files.items())]


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


def _sender(file: File, status: int = 200) -> _Handler:
    async def send(request: web.Request) -> web.Response:
        given = request.if_none_match or ()
        if status == 200 and any(tag.value == file.etag for tag in given):
            return web.Response(status=304, headers=HEADERS)
        answer = web.Response(
            body=file.data,
            status=status,
            content_type=file.content_type,
            charset="utf-8",
            headers=HEADERS,
        )
        answer.etag = file.etag
        answer.enable_compression()
        return answer

    return send
