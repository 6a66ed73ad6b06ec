"""The console as its users see it: a daemon with accounts of every role, and a window on it."""

from __future__ import annotations

import base64
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import requests
from harness import FIRST, Running, lacking, require_file, running

from yibao_face.daemon.config import Config
from yibao_face.daemon.console.access.role import Role
from yibao_face.daemon.console.access.staff import StaffBook
from yibao_face.daemon.console.console import staff_book
from yibao_face.daemon.gallery.gallery import Numbers
from yibao_face.daemon.section import DeskConfig

SITE = "001000200030"
PIN = "739155"
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
NAMES = {
    Role.CLERK: ("1001", "王小明"),
    Role.PHARMACIST: ("2001", "赵药师"),
    Role.ENGINEER: ("3001", "钱工程"),
    Role.MANAGER: ("9001", "孙主任"),
}


def picture() -> bytes:
    """A photograph of a document: grey, and of nobody."""
    _, jpeg = cv2.imencode(".jpg", np.full((240, 360, 3), 200, np.uint8))
    return jpeg.tobytes()


def photo() -> str:
    return base64.b64encode(picture()).decode()


@dataclass
class Window:
    """A browser without a screen: cookies, and the token its page was given."""

    base: str
    http: requests.Session = field(default_factory=requests.Session)
    csrf: str = ""

    def log_in(self, number: str, pin: str = PIN) -> requests.Response:
        return self.entered(self.http.post(f"{self.base}/login", json=_pin(number, pin)))

    def by_face(self) -> requests.Response:
        return self.entered(self.http.post(f"{self.base}/login/face", json={}))

    def entered(self, answer: requests.Response) -> requests.Response:
        if answer.ok:
            self.csrf = answer.json()["account"]["csrf"]
        return answer

    def ask(self, path: str, /, **asked: Any) -> requests.Response:
        return self.http.get(f"{self.base}{path}", params=asked)

    def poll(self, path: str) -> requests.Response:
        """As the page asks by itself, while nobody does anything."""
        return self.http.get(f"{self.base}{path}", headers={"X-Poll": "1"})

    def send(self, path: str, **form: Any) -> requests.Response:
        return self.http.post(f"{self.base}{path}", json=form, headers={"X-Csrf-Token": self.csrf})

    def act(self, name: str, **form: Any) -> dict[str, Any]:
        """What the desk says."""
        found: dict[str, Any] = self.send(f"/desk/{name}", **form).json()
        return found


def _pin(number: str, pin: str) -> dict[str, str]:
    return {"staff": number, "pin": pin}


@dataclass(frozen=True)
class Office:
    """A running daemon with its console."""

    site: Running
    book: StaffBook

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.site.config.door.port}"

    def window(self, role: Role | None = None) -> Window:
        """A window; logged in, where a role is given."""
        made = Window(f"{self.root}/ui/api")
        if role is not None:
            assert made.log_in(NAMES[role][0]).ok
        return made


@contextmanager
def chromium() -> Generator[Any, None, None]:
    """A browser without a screen; skips, or fails where everything is demanded, without one."""
    if find_spec("playwright") is None:
        lacking("playwright")
    require_file(CHROMIUM, "chromium")
    # Its types are of another release: taken as what it is, at this border.
    sync_playwright: Any = import_module("playwright.sync_api").sync_playwright
    with sync_playwright() as driver:
        running_ = driver.chromium.launch(executable_path=str(CHROMIUM))
        yield running_
        running_.close()


@contextmanager
def office(config: Config, **more: Any) -> Generator[Office, None, None]:
    """One account of each role; the clerk may log in by the face of FIRST, if enrolled."""
    named = replace(config, desk=DeskConfig(institution=SITE))
    with running(named, page=True, **more) as site:
        ledger, gallery = site.daemon.ledger, site.daemon.desk.gallery
        book = staff_book(named, ledger.vault, ledger.clock)
        for role, (number, name) in NAMES.items():
            person = gallery.find(Numbers(FIRST)) if role is Role.CLERK else None
            if book.get(number) is None:
                book.add(number, name, role, PIN, person or "")
        yield Office(site, book)
