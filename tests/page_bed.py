"""The centre's office with its page, people of every role, and something to look at."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from browser_bed import DESKTOP, Window, watched
from center_bed import DEVICE, INSTITUTION, Site, chained, record, running
from playwright.sync_api import Browser, Locator, Page

from yibao_face.sync.center.api import unix_ms
from yibao_face.sync.center.office.door.permission import Role
from yibao_face.sync.center.office.door.server import serve_office
from yibao_face.sync.center.office.office import Office, OfficeLimits, open_office
from yibao_face.sync.center.office.people.first import add_first

FIRST, OWN = "Jin-Tian-Qing-1", "Ming-Tian-Lan-2"
HOSTILE = "<img src=x onerror=alert(1)>\"'药房"
PROVINCE, CITY, COUNTY = "32", "3201", "320102"
RECORDS = 70
# Many people sit at this one machine.
PATIENT = OfficeLimits(calls_per_s=500, call_burst=5000, logins_per_s=50, login_burst=500)
_FRESH = itertools.count(1)


@dataclass
class Clerk:
    """Somebody who calls the office without a page."""

    base: str
    root: Path
    token: str = ""

    def call(self, method: str, path: str, **body: Any) -> Any:
        answer = requests.request(
            method,
            f"{self.base}/office/v1{path}",
            json=body or None,
            headers={"Authorization": f"Bearer {self.token}"},
            verify=str(self.root),
            timeout=30,
        )
        assert answer.ok, answer.text
        return answer.json()


@dataclass
class Desk:
    """The running office: where it is, and who may sign in with the password ``OWN``."""

    site: Site
    office: Office
    base: str

    def clerk(self, name: str, password: str = OWN) -> Clerk:
        body = {"name": name, "password": password, "token": True}
        made = Clerk(self.base, self.site.folder / "ca.pem")
        made.token = made.call("POST", "/session", **body)["token"]
        return made

    def person(self, role: Role, name: str = "", scope: str = "*") -> str:
        """A new user of this role whose password is his own already; the login name."""
        name = name or f"{role.value}{next(_FRESH)}"
        add_first(
            self.office, (name, f"某{role.value}", FIRST), (role.value, scope), "test", unix_ms()
        )
        self.clerk(name, FIRST).call("POST", "/session/password", old=FIRST, new=OWN)
        return name


@contextmanager
def desk(folder: Path) -> Generator[Desk, None, None]:
    """A centre with an office, both on free ports, served by threads of this process."""
    with running(folder) as site:
        office = open_office(site.center, limits=PATIENT)
        ports: list[int] = []
        told, loop = threading.Event(), asyncio.new_event_loop()
        stop = asyncio.Event()

        def ready(port: int) -> None:
            ports.append(port)
            told.set()

        def run() -> None:
            loop.run_until_complete(serve_office(office, ("127.0.0.1", 0), ready, stop))
            loop.close()

        thread = threading.Thread(target=run)
        thread.start()
        assert told.wait(10)
        try:
            yield Desk(site, office, f"https://127.0.0.1:{ports[0]}")
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(30)


def furnish(made: Desk) -> None:
    """A city with two institutions, a device with more records than one page shows."""
    admin = made.clerk(made.person(Role.ADMIN, "furnisher"))
    admin.call("PUT", f"/regions/{PROVINCE}", name="江苏省", level="province")
    admin.call("PUT", f"/regions/{CITY}", name="南京市", level="city", parent=PROVINCE)
    admin.call("PUT", f"/regions/{COUNTY}", name="玄武区", level="county", parent=CITY)
    for code, name in ((INSTITUTION, HOSTILE), ("P32010000002", "康寿大药房")):
        admin.call("PUT", f"/institutions/{code}", name=name, kind="pharmacy", region=COUNTY)
    machine = made.site.machine(DEVICE, INSTITUTION)
    now_ms = unix_ms()
    some = [
        record(n, at_unix_ms=now_ms - n * 1000, deal_no=f"D{n:08d}", certificate_no=f"CP{n:08d}")
        for n in range(RECORDS)
    ]
    assert machine.batch(chained(some)).status == 200


class Visit:
    """One person at the page."""

    def __init__(self, window: Window) -> None:
        self.window, self.page = window, window.page

    def sign_in(self, name: str, password: str = OWN) -> Page:
        self.window.open()
        self.page.get_by_label("登录名").fill(name)
        self.page.get_by_label("密码", exact=True).fill(password)
        self.page.get_by_role("button", name="登录", exact=True).click()
        return self.page

    def go(self, view: str) -> Page:
        """Open a view by its address and wait until what it shows is there."""
        self.page.goto(f"{self.window.base}/#/{view}")
        self.page.locator(f'body[data-arrived="#/{view}"]').wait_for()
        return self.page

    def press(self, name: str) -> Locator:
        """Press a button; the dialog it opens."""
        self.page.get_by_role("button", name=name, exact=True).first.click()
        box = self.page.get_by_role("dialog")
        box.wait_for()
        return box

    def told(self, text: str) -> None:
        """Wait for the word that it was done."""
        self.page.get_by_role("status").get_by_text(text).wait_for()


@contextmanager
def visit(
    browser: Browser, made: Desk, name: str, size: tuple[int, int] = DESKTOP
) -> Generator[Visit, None, None]:
    """Somebody signed in; fails at the end for anything a page should not do."""
    with watched(browser, made.base, size) as window:
        visitor = Visit(window)
        visitor.sign_in(name).locator("main.room").wait_for()
        yield visitor


def sheet(rows: list[tuple[str, str, str, str, str]]) -> str:
    """A CSV of settlements."""
    lines = [",".join(row) for row in rows]
    return "\n".join(["institution,deal_no,cp_no,amount,at", *lines]) + "\n"
