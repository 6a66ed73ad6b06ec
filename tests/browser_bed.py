"""A real browser, watched: what it logs, what it refuses by policy, and whom it talks to."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import ROOT, lacking
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

DESKTOP, PHONE = (1280, 800), (390, 844)
_AXE = ROOT / ".dev" / "asset" / "axe.min.js"
_PROGRAMS = ("/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome")
_REFUSAL = re.compile(r"^Failed to load resource: .* status of 4(01|03|09|22) ")
# Told by the page's own document, before any script of it runs.
_NOTE_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
"""


@contextmanager
def chromium() -> Generator[Browser, None, None]:
    """Headless Chromium as the machine has it; skips, or fails where all is demanded."""
    program = next((found for name in _PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        lacking("chromium")
    # The sandbox needs a user that is not root.
    arguments = ["--no-proxy-server", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@dataclass
class Window:
    """A page at ``base`` and all it did that it should not."""

    page: Page
    base: str
    faults: list[str] = field(default_factory=list[str])

    def open(self, path: str = "/") -> Page:
        """Load afresh, whatever the address was before."""
        self.page.goto("about:blank")
        self.page.goto(self.base + path)
        return self.page

    def width(self) -> int:
        """How wide the content is; more than the window has to be scrolled sideways."""
        return int(self.page.evaluate("document.documentElement.scrollWidth"))

    def barriers(self) -> list[str]:
        """What axe-core finds that keeps people out: serious and critical findings."""
        if not _AXE.is_file():
            lacking("axe-core (tools/assets.py --dev)")
        # Run by the debugger: the page's own policy would rightly refuse it.
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(_AXE.read_text("utf-8") + "\n;undefined")
        found: dict[str, Any] = self.page.evaluate(
            "axe.run(document, {resultTypes: ['violations']})"
        )
        return [
            f"{one['id']}: {one['nodes'][0]['html'][:200]}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
        ]

    def picture(self, file: Path) -> None:
        """What a person would see."""
        self.page.screenshot(path=file)

    def heard(self, message: ConsoleMessage) -> None:
        # A refusal is an answer, which the page shows: the browser logs its status as an error.
        if message.type in ("error", "warning") and not _REFUSAL.search(message.text):
            self.faults.append(f"{message.type}: {message.text}")

    def asked(self, request: Request) -> None:
        if not request.url.startswith((self.base, "data:", "blob:", "about:")):
            self.faults.append(f"asked for {request.url}")


@contextmanager
def watched(
    browser: Browser, base: str, size: tuple[int, int] = DESKTOP
) -> Generator[Window, None, None]:
    """A window of its own with no cookies; fails at its end for anything it should not do."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        ignore_https_errors=True,
        accept_downloads=True,
    )
    context.set_default_timeout(30_000)
    context.add_init_script(_NOTE_VIOLATIONS)
    window = Window(context.new_page(), base)
    window.page.on("console", window.heard)
    window.page.on("pageerror", lambda error: window.faults.append(f"thrown: {error}"))
    window.page.on("request", window.asked)
    try:
        yield window
    finally:
        context.close()
    assert [] == window.faults
