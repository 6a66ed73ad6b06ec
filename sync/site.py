"""A web page of ours: served with the headers that keep a browser from running anything else.

What a page uses of others (``asset/``) is fetched when the product is set up or packed; the page
names each file with its hash (``integrity``). Where one is missing or altered, a page that says
so is served instead. A long page is written in parts, a view each; they are put together once.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.Response]]
_PAGE, _ASSET = "page", "asset"
_LACKING = Path(__file__).with_name("lacking.html")
_PART = re.compile(r"^( *)<!-- (view/[a-z]+\.html) -->\n", re.MULTILINE)
_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}


def policy(*pictures: str) -> dict[str, str]:
    """Headers every page of ours has; ``pictures``: where its images may come from as well."""
    sources = " ".join(("'self'", *pictures))
    return {
        "Content-Security-Policy": f"default-src 'self'; img-src {sources}; object-src 'none'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    }


@dataclass(frozen=True, slots=True)
class File:
    """A file as it is sent."""

    data: bytes
    content_type: str

    @property
    def etag(self) -> str:
        """Changes with the content."""
        return hashlib.sha256(self.data).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Site:
    """The files of ``folder`` below ``root`` (``/ui``, or empty for the whole address).

    ``headers``: of every answer. ``compress``: for readers who are far away.
    """

    folder: Path
    root: str
    headers: Mapping[str, str]
    compress: bool = False

    def routes(self) -> list[web.RouteDef]:
        """The first page, ``page/…`` and ``asset/…``; the files are read once, here."""
        if self.lacking():
            first = self._sender(_read(_LACKING), 503)
        else:
            first = self._sender(File(self.page().encode(), _TYPES[".html"]))
        files = {
            f"{self.root}/{kind}/{file.name}": file
            for kind in (_PAGE, _ASSET)
            for file in _all(self.folder / kind)
        }
        return [
            *(web.get(path, first) for path in sorted({self.root, f"{self.root}/"} - {""})),
            *(web.get(path, self._sender(_read(file))) for path, file in sorted(files.items())),
        ]

    def page(self) -> str:
        """The first page, whole: a line ``<!-- view/NAME.html -->`` stands for that part."""
        return _whole(self.folder / _PAGE, "index.html")

    def lacking(self) -> list[str]:
        """Names of the assets the page asks for that are not there as it pins them."""
        pins = rf'"{re.escape(self.root)}/asset/([^"]+)"\s+integrity="sha256-([^"]+)"'
        return [
            name
            for name, pinned in re.findall(pins, self.page())
            if _hash_of(self.folder / _ASSET / name) != pinned
        ]

    def _sender(self, file: File, status: int = 200) -> Handler:
        # Asked for again each time, sent again only when it has changed.
        headers = {**self.headers, "Cache-Control": "no-cache"}

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
            if self.compress:
                answer.enable_compression()
            return answer

        return send


def _whole(folder: Path, name: str) -> str:
    def part(line: re.Match[str]) -> str:
        return indent(_whole(folder, line[2]), line[1])

    return _PART.sub(part, (folder / name).read_text("utf-8"))


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
