"""The page's files: what is served, under which policy, and what when assets are missing."""

from __future__ import annotations

import asyncio
import gzip
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse, ClientSession, web

from yibao_face.sync import site
from yibao_face.sync.center.web.site import FOLDER, HEADERS, web_routes

PAGE = FOLDER / "page"
LACKING = Path(site.__file__).with_name("lacking.html")


def asked(folder: Path, path: str, **headers: str) -> tuple[ClientResponse, bytes]:
    """One request to a server of the page's files."""

    async def ask() -> tuple[ClientResponse, bytes]:
        app = web.Application()
        app.add_routes(web_routes(folder))
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        told = {"Accept-Encoding": "identity"}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with (
            ClientSession(auto_decompress=False) as session,
            session.get(f"http://127.0.0.1:{port}{path}", headers=told) as answer,
        ):
            body = await answer.read()
        await runner.cleanup()
        return answer, body

    return asyncio.run(ask())


class Tags(HTMLParser):
    """Every tag of a page with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside in ("script", "style") and data.strip():
            self.texts.append(data)


@pytest.mark.parametrize("path", ["/", "/page/app.js", "/page/app.css", "/asset/pico.min.css"])
def test_every_file_goes_out_under_the_policy(path: str) -> None:
    answer, body = asked(FOLDER, path)

    assert 200 == answer.status
    assert body
    assert HEADERS == {name: answer.headers.get(name) for name in HEADERS}


def test_the_policy_lets_nothing_in_from_elsewhere_and_nothing_inline() -> None:
    policy = HEADERS["Content-Security-Policy"]

    assert policy.startswith("default-src 'self';")
    assert not re.search(r"unsafe|\*|https?:", policy)


def test_types_are_as_browsers_want_them() -> None:
    types = {path: asked(FOLDER, path)[0].content_type for path in ("/", "/page/app.js")}

    assert {"/": "text/html", "/page/app.js": "text/javascript"} == types


def test_what_the_browser_has_is_not_sent_again() -> None:
    tag = asked(FOLDER, "/page/app.js")[0].headers["ETag"]

    answer, body = asked(FOLDER, "/page/app.js", If_None_Match=tag)

    assert (304, b"") == (answer.status, body)


def test_files_are_packed_for_who_can_unpack() -> None:
    answer, body = asked(FOLDER, "/asset/alpine.min.js", Accept_Encoding="gzip")

    assert "gzip" == answer.headers["Content-Encoding"]
    assert (FOLDER / "asset" / "alpine.min.js").read_bytes() == gzip.decompress(body)


@pytest.mark.parametrize(
    "path",
    ["/page/", "/page/../site.py", "/page/%2e%2e/site.py", "/site.py", "/asset/none.js"],
)
def test_nothing_else_is_served(path: str) -> None:
    assert 404 == asked(FOLDER, path)[0].status


@pytest.mark.parametrize("change", ["missing", "altered"])
def test_a_page_without_its_assets_says_so_in_two_languages(tmp_path: Path, change: str) -> None:
    folder = tmp_path / "web"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "asset" / "alpine.min.js"
    if change == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes() + b"//")

    answer, body = asked(folder, "/")

    assert 503 == answer.status
    assert "网页组件未安装" in body.decode()
    assert "Web assets are missing" in body.decode()
    assert "tools/start.py setup" in body.decode()


def test_no_asset_folder_at_all_is_told_the_same_way(tmp_path: Path) -> None:
    shutil.copytree(PAGE, tmp_path / "page")

    assert 503 == asked(tmp_path, "/")[0].status


@pytest.mark.parametrize("page", [PAGE / "index.html", LACKING])
def test_the_pages_hold_no_script_no_style_and_no_foreign_address(page: Path) -> None:
    tags = Tags(page.read_text("utf-8"))

    names = [(tag, name) for tag, own in tags.found for name in own]
    addresses = [own.get("src") or own.get("href") for _, own in tags.found]
    assert [] == tags.texts
    assert [] == [one for one in names if one[1] == "style" or one[1].startswith("on")]
    assert [] == [one for one in addresses if one and not one.startswith(("/", "#"))]


def test_what_comes_from_the_api_is_never_read_as_markup() -> None:
    markup = re.compile(r"innerHTML|outerHTML|insertAdjacent|document\.write|x-html|\beval\b")
    files: list[Any] = [*PAGE.glob("*.js"), *PAGE.glob("*.html")]

    assert len(files) > 8
    assert [] == [file.name for file in files if markup.search(file.read_text("utf-8"))]
