"""The office's page: where it is served, and what its browser may load."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from yibao_face.sync.site import Site, policy

FOLDER = Path(__file__).parent
# Pico draws its arrows and ticks with data: pictures inside its style sheet.
HEADERS = {**policy("data:"), "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache"}


def web_routes(folder: Path = FOLDER) -> list[web.RouteDef]:
    """Routes of ``/``, ``/page/…`` and ``/asset/…``; the files are read once, here."""
    return Site(folder, "", HEADERS, compress=True).routes()
