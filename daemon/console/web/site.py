"""The console's page: where it is served, and what its browser may load."""

from __future__ import annotations

from pathlib import Path

from yibao_face.sync.site import Site, policy

ROOT = "/ui"
FOLDER = Path(__file__).parent
# Pico draws its arrows and ticks with data: pictures; blob: is a photograph somebody just chose.
HEADERS = {
    **policy("data:", "blob:"),
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SITE = Site(FOLDER, ROOT, HEADERS)
