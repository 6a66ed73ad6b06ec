"""The office's page with somebody at it, and something to look at."""

from __future__ import annotations

import itertools
import json
from collections.abc import Generator
from contextlib import contextmanager

from browser_bed import DESKTOP, Window, watched
from center_bed import INSTITUTION, record
from office_bed import PASSWORD, Bureau
from playwright.sync_api import Browser, Locator, Page

from yibao_face.sync.center.api import unix_ms
from yibao_face.sync.center.office.door.permission import Role

HOSTILE = "<img src=x onerror=alert(1)>\"'药房"
RECORDS = 70
_FRESH = itertools.count(1)


def address(made: Bureau) -> str:
    """Where browsers find the office."""
    return f"https://127.0.0.1:{made.port}"


def hired(made: Bureau, *roles: Role) -> str:
    """A new user with these roles everywhere; the login name."""
    name = f"{roles[0].value}{next(_FRESH)}"
    made.hire(name, *((role.value, "*") for role in roles))
    return name


def furnish(made: Bureau) -> None:
    """A hostile name, a registration to review, and more records than one page shows."""
    admin = made.role(Role.ADMIN, name="furnisher")
    body = {"name": HOSTILE, "kind": "pharmacy", "region": "320102"}
    admin.put(f"/institutions/{INSTITUTION}", body)
    now_ms = unix_ms()
    asked = json.dumps({"caller": "收费一号窗", "joined": ["local"]}, ensure_ascii=False)
    some = [
        record(
            n,
            at_unix_ms=now_ms - n * 1000,
            deal_no=f"D{n:08d}",
            certificate_no=f"CP{n:08d}",
            detail=asked,
        )
        for n in range(RECORDS)
    ]
    detail = {"case": "in-treatment", "from": "2026-11-01", "until": "2026-12-01"}
    told = json.dumps({**detail, "photos": ["6" * 64], "staff": "0001"})
    some.append(
        record(RECORDS, kind="special", cause="recorded", at_unix_ms=now_ms, code=0, detail=told)
    )
    made.send(*some)
    made.work()


class Visit:
    """One person at the page."""

    def __init__(self, window: Window) -> None:
        self.window, self.page = window, window.page

    def sign_in(self, name: str, password: str = PASSWORD) -> Page:
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
    browser: Browser, made: Bureau, name: str, size: tuple[int, int] = DESKTOP
) -> Generator[Visit, None, None]:
    """Somebody signed in; fails at the end for anything a page should not do."""
    with watched(browser, address(made), size) as window:
        visitor = Visit(window)
        visitor.sign_in(name).locator("main.room").wait_for()
        yield visitor


def sheet(rows: list[tuple[str, str, str, str, str]]) -> str:
    """A CSV of settlements."""
    lines = [",".join(row) for row in rows]
    return "\n".join(["institution,deal_no,cp_no,amount,at", *lines]) + "\n"
