"""Make the pictures of docs/ui/console: ``python3 tools/console_pictures.py [FOLDER]``.

The real console of a real daemon on the demo clips, as wide as a desktop and as a phone. Names and
numbers are invented and masked, documents are empty sheets: no face is in any picture. Needs
Playwright, Chromium (``CHROMIUM``), ImageMagick and the demo's packages.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from yibao_face.daemon.cli.common import say
from yibao_face.daemon.cli.lab.stage import prepare
from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import load_config
from yibao_face.daemon.demo.child import Child, child_daemon
from yibao_face.daemon.demo.play import FIRST, Stage, blank_paper, release_and_register
from yibao_face.daemon.demo.tryout import enlist, furnish
from yibao_face.daemon.door.client import sample_request

ROOT = Path(__file__).resolve().parent.parent
SIZES = {"1280": (1280, 800), "390": (390, 844)}
CLIPS = ("live-first", "live-second", "flat-first", "live-first")
# Of each account, the pages it is shown on.
PAGES = {
    "1001": ("today", "agents", "special", "attendance", "persons", "status"),
    "2001": ("review", "rate"),
    "9001": ("queue", "staff"),
}
SETTLE_MS = 700


def fill(child: Child, stage: Stage) -> None:
    """A morning: passes, refusals, an agent, a sign, a special case that waits."""
    enlist(child)
    for number, clip in enumerate(CLIPS, 1):
        stage.put(clip)
        body = json.dumps(sample_request(FIRST, "张三", Clock(), number)).encode()
        child.caller.authenticate(body)
    release_and_register(child.caller)
    child.caller.act("attendance-face", {"sign": "in"})
    case = {"id": FIRST, "case": "in-treatment", "photos": [blank_paper()], "staff": "1001"}
    child.caller.act("special", case)


def shoot(browser: Any, address: str, pin: str, folder: Path, size: tuple[int, int]) -> int:
    """Every page at one size; how many."""
    folder.mkdir(parents=True, exist_ok=True)
    made = 0
    for staff, names in PAGES.items():
        view = {"width": size[0], "height": size[1]}
        page = browser.new_page(viewport=view, locale="zh-CN", timezone_id="Asia/Shanghai")
        page.goto(f"{address}/ui")
        page.wait_for_selector("input[name=pin]")
        if not made:
            page.screenshot(path=folder / "login.png")
        page.fill("input[name=staff]", staff)
        page.fill("input[name=pin]", pin)
        page.press("input[name=pin]", "Enter")
        page.wait_for_selector("#main h1")
        for name in names:
            page.goto(f"{address}/ui#/{name}")
            page.wait_for_selector(f"#h-{name}")
            page.wait_for_timeout(SETTLE_MS)
            page.screenshot(path=folder / f"{name}.png")
            made += 1
        page.close()
    return made


def main(arguments: list[str]) -> int:
    """Make them all."""
    out = Path(arguments[0]) if arguments else ROOT / "docs" / "ui" / "console"
    counter = furnish(prepare(load_config(None), "console-pictures"))
    # Its types are of another release: taken as what it is, at this border.
    sync_playwright: Any = import_module("playwright.sync_api").sync_playwright
    counter.stage.put("live-first")
    with child_daemon(counter.stage.config) as child, sync_playwright() as driver:
        fill(child, counter.stage)
        chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
        browser = driver.chromium.launch(executable_path=chromium)
        address = f"http://{child.caller.host}:{child.caller.port}"
        for name, size in SIZES.items():
            say(f"{name}: {shoot(browser, address, counter.pin, out / name, size) + 1} pictures")
        browser.close()
    # Few colours are enough for flat surfaces.
    pictures = sorted(str(file) for name in SIZES for file in (out / name).glob("*.png"))
    subprocess.run(["mogrify", "+dither", "-colors", "96", *pictures], check=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
