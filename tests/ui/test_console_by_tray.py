"""From the tray to the console and back to the camera: what a clerk does without being taught."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from console_bed import PIN, chromium, picture
from harness import FIRST, SECOND, his_call
from ui_bed import AgentAtWork, Hands, until

from ui.conftest import Start
from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config
from yibao_face.daemon.console.access.role import Role
from yibao_face.daemon.console.console import staff_book
from yibao_face.daemon.console.web.site import FOLDER, SITE
from yibao_face.daemon.demo.window.desktop import Desktop
from yibao_face.daemon.wiring import vault_of

See = Callable[[str], None]
# Of the menu's height.
SPECIAL, AGENT, CONSOLE = 0.455, 0.555, 0.655
# Covers the screen and takes keyboard and mouse, as a screen lock does.
LOCK = """
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget
app = QApplication([])
lock = QWidget(None, Qt.WindowType.BypassWindowManagerHint | Qt.WindowType.WindowStaysOnTopHint)
lock.setGeometry(app.primaryScreen().geometry())
lock.show()
app.processEvents()
lock.grabKeyboard()
lock.grabMouse()
app.processEvents()
print("locked", flush=True)
app.exec()
"""


@pytest.fixture(scope="module")
def browser() -> Generator[Any, None, None]:
    """Chromium without a window."""
    with chromium() as running:
        yield running


@pytest.fixture
def opened(tmp_path: Path) -> Path:
    """Where the desktop's own program for addresses writes what it was asked to open."""
    log, program = tmp_path / "opened", tmp_path / "bin" / "xdg-open"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nprintf %s "$1" > {log}.part && mv {log}.part {log}\n')
    program.chmod(0o755)
    return log


@pytest.fixture
def agent(start: Start, see: See, counter: Config, desktop: Desktop, opened: Path) -> AgentAtWork:
    """The agent, with an account of a clerk."""
    see("live-second")
    book = staff_book(counter, vault_of(counter), Clock())
    book.add("1001", "王小明", Role.CLERK, PIN)
    path = f"{opened.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return start(environment={**desktop.environment, "PATH": path})


def page_of(hands: Hands, browser: Any, opened: Path, entry: float) -> Any:
    """The page that ``entry`` of the tray's menu opens, with the clerk logged in."""
    hands.until_ready()
    hands.click_tray()
    hands.click_menu(entry)
    until(opened.is_file)
    page = browser.new_page(locale="zh-CN", timezone_id="Asia/Shanghai")
    page.set_default_timeout(20_000)
    page.goto(opened.read_text("utf-8"))
    page.fill("input[name=staff]", "1001")
    page.fill("input[name=pin]", PIN)
    page.press("input[name=pin]", "Enter")
    return page


def add_photo(page: Any, folder: Path) -> None:
    file = folder / "document.jpg"
    file.write_bytes(picture())
    page.locator("input[type=file]").set_input_files(str(file))
    page.locator(".thumbs img").wait_for()


@pytest.mark.skipif(sys.platform == "win32", reason="a tray of X11")
def test_an_agent_is_registered_from_the_tray_and_then_buys(
    agent: AgentAtWork, hands: Hands, browser: Any, opened: Path, tmp_path: Path
) -> None:
    refused = agent.calls(his_call(FIRST)).answer()
    assert 0 == refused["code"]
    hands.until_title("未通过")
    hands.key("Escape")
    until(lambda: not hands.windows())
    page = page_of(hands, browser, opened, AGENT)
    page.wait_for_selector("#h-agents")
    page.get_by_label("参保人证件号码").first.fill(FIRST)
    page.get_by_label("代购人证件号码").first.fill(SECOND)
    page.get_by_label("关系").first.fill("配偶")
    page.get_by_label("有效期至").fill(Clock().today().isoformat())
    add_photo(page, tmp_path)
    page.get_by_role("button", name="登记", exact=True).click()
    page.locator(".notice", has_text="已登记").wait_for()

    call = agent.calls(his_call(FIRST))
    hands.until_title("代购人核验通过")
    assert (1, 2) == (call.answer()["code"], call.answer()["type"])


@pytest.mark.skipif(sys.platform == "win32", reason="a tray of X11")
def test_a_special_case_is_registered_from_the_tray(
    agent: AgentAtWork, hands: Hands, browser: Any, opened: Path, tmp_path: Path
) -> None:
    page = page_of(hands, browser, opened, SPECIAL)
    page.wait_for_selector("#h-special")
    page.get_by_label("治疗中").check()
    page.get_by_label("证件号码", exact=True).fill(FIRST)
    add_photo(page, tmp_path)
    page.get_by_role("button", name="登记", exact=True).click()
    page.locator(".notice", has_text="已登记").wait_for()

    [waiting] = agent.caller.view("queue")["waiting"]
    assert ("in-treatment", "1001") == (waiting["case"], waiting["staff"])


@pytest.mark.skipif(sys.platform == "win32", reason="a tray of X11")
def test_the_console_opens_from_the_tray_with_what_was_just_seen(
    agent: AgentAtWork, hands: Hands, browser: Any, opened: Path
) -> None:
    hands.until_ready()
    agent.calls(his_call(SECOND, fixmedins_code="001000200030")).answer()
    hands.until_title("通过")
    hands.key("Escape")
    page = page_of(hands, browser, opened, CONSOLE)

    page.wait_for_selector("text=共 1 条")
    page.get_by_text("本人核验通过").first.wait_for()


def test_the_pages_the_tray_names_are_there() -> None:
    html = SITE.page()
    app = (FOLDER.parent.parent / "ui" / "app.py").read_text("utf-8")

    for name in ("special", "agents"):
        assert f'"#/{name}"' in app
        assert f"page === '{name}'" in html


@pytest.mark.skipif(sys.platform == "win32", reason="a lock of X11")
def test_behind_a_locked_screen_nothing_is_cancelled_and_the_encounter_ends_by_itself(
    start: Start, hands: Hands, see: See, desktop: Desktop
) -> None:
    see("nobody")
    agent = start()
    hands.until_ready()
    lock = [sys.executable, "-c", LOCK]
    with subprocess.Popen(lock, env=desktop.environment, stdout=subprocess.PIPE) as locked:
        try:
            assert locked.stdout is not None
            assert b"locked\n" == locked.stdout.readline()
            call = agent.calls(his_call(FIRST))
            hands.until_title("请正对摄像头")
            hands.key("Escape")
            hands.key("F8")
            answer = call.answer()
        finally:
            locked.terminate()
    assert (0, "未检测到人脸，请正对摄像头后重试") == (answer["code"], answer["msg"])

    see("live-first")
    again = agent.calls(his_call(FIRST))
    hands.until_title("本人核验通过")
    assert 1 == again.answer()["code"]
