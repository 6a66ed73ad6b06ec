"""The page in a real browser, desktop and phone: what a clerk does in a day, by hand."""

from __future__ import annotations

import re
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from console_bed import NAMES, PIN, SITE, Office, chromium, photo, picture
from harness import FIRST, ROOT, SECOND, his_call, put_before_camera, require_file

from yibao_face.daemon.clock import Clock
from yibao_face.daemon.console.access.role import Role
from yibao_face.daemon.console.access.staff import GivenPin
from yibao_face.daemon.gallery.gallery import Numbers
from yibao_face.sync.api import Query

HOSTILE = "<img src=x onerror=alert(1)>"
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
AXE = ROOT / ".dev" / "asset" / "axe.min.js"


@pytest.fixture(scope="module")
def browser() -> Generator[Any, None, None]:
    """Chromium without a window."""
    with chromium() as running:
        yield running


@dataclass
class Screen:
    """One page somebody works in, and everything that went wrong in it."""

    page: Any
    office: Office
    photo: Path
    troubles: list[str] = field(default_factory=list[str])

    def watch(self) -> None:
        """Errors, violated policies, and requests to anywhere else."""
        self.page.on("pageerror", self._failed)
        self.page.on("console", self._said)
        self.page.on("request", self._asked)

    def _failed(self, error: Any) -> None:
        self.troubles.append(f"error: {error}")

    def _said(self, message: Any) -> None:
        # A refusal the page tells in words is a line of the browser's own console too.
        if message.type in ("error", "warning") and "status of 4" not in message.text:
            self.troubles.append(f"{message.type}: {message.text}")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.office.root, "data:", "blob:")):
            self.troubles.append(f"external: {request.url}")

    def log_in(self, role: Role) -> None:
        self.page.goto(f"{self.office.root}/ui")
        self.page.fill("input[name=staff]", NAMES[role][0])
        self.page.fill("input[name=pin]", PIN)
        self.page.press("input[name=pin]", "Enter")
        self.page.wait_for_selector("#main h1")

    def go(self, name: str) -> None:
        burger = self.page.locator(".burger")
        if burger.is_visible():
            burger.click()
        self.page.click(f"#nav a[href='#/{name}']")
        self.page.wait_for_selector(f"#h-{name}")

    def card(self, title: str) -> Any:
        """The part of the page under this heading."""
        has = self.page.get_by_role("heading", name=title, exact=True)
        return self.page.locator("section article").filter(has=has)

    def notice(self, text: str) -> None:
        self.page.locator(".notice", has_text=text).wait_for()

    def sure(self) -> None:
        self.page.click("#ask footer button:last-child")

    def fits(self) -> None:
        """Nothing sticks out at the side."""
        width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert self.page.evaluate(width) <= 0

    def findings(self) -> list[tuple[str, str]]:
        """What axe-core calls serious or worse."""
        run = (
            "axe.run().then(r => r.violations.map(v => [v.impact, v.id + ' ' + v.nodes[0].html]))"
        )
        self.page.evaluate(AXE.read_text("utf-8"))
        found: list[list[str]] = self.page.evaluate(run)
        return [(impact, what) for impact, what in found if impact in ("serious", "critical")]


@pytest.fixture(params=SIZES)
def screen(
    request: pytest.FixtureRequest, browser: Any, open_office: Office, tmp_path: Path
) -> Generator[Screen, None, None]:
    """A browser of one size, nobody logged in; nothing may have gone wrong when it closes."""
    width, height = SIZES[request.param]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        accept_downloads=True,
    )
    (tmp_path / "document.jpg").write_bytes(picture())
    made = Screen(context.new_page(), open_office, tmp_path / "document.jpg")
    made.page.set_default_timeout(15_000)
    made.watch()
    yield made
    context.close()
    assert [] == made.troubles


def test_a_wrong_pin_is_told_and_the_right_one_opens_the_page(screen: Screen) -> None:
    page = screen.page
    page.goto(f"{screen.office.root}/ui")
    page.fill("input[name=staff]", "1001")
    page.fill("input[name=pin]", "739156")
    page.click(".login [type=submit]")
    page.wait_for_selector("text=工号或密码不对，请重试")
    screen.fits()
    page.fill("input[name=pin]", PIN)
    page.press("input[name=pin]", "Enter")
    page.wait_for_selector("text=王小明 · 窗口人员")
    # What the role may not do is not offered.
    assert 0 == page.locator("#nav a[href='#/staff']").count()
    page.click("text=退出")
    page.wait_for_selector("input[name=pin]")
    page.reload()
    page.wait_for_selector("input[name=pin]")


@pytest.mark.parametrize("name", ["special", "agents"])
def test_who_logs_in_is_where_the_tray_opened_the_page(screen: Screen, name: str) -> None:
    screen.page.goto(f"{screen.office.root}/ui#/{name}")
    screen.page.fill("input[name=staff]", "1001")
    screen.page.fill("input[name=pin]", PIN)
    screen.page.press("input[name=pin]", "Enter")

    screen.page.wait_for_selector(f"#h-{name}")
    # Once logged in, the tray opens another page at once.
    screen.page.goto(f"{screen.office.root}/ui#/today")
    screen.page.wait_for_selector("#h-today")
    screen.page.reload()
    screen.page.goto(f"{screen.office.root}/ui#/{name}")
    screen.page.wait_for_selector(f"#h-{name}")


def test_a_pin_somebody_else_chose_is_changed_first(screen: Screen) -> None:
    screen.office.book.set_pin("1001", GivenPin("864209"))
    page = screen.page
    page.goto(f"{screen.office.root}/ui#/special")
    page.fill("input[name=staff]", "1001")
    page.fill("input[name=pin]", "864209")
    page.press("input[name=pin]", "Enter")
    page.get_by_text("请先改成只有您自己知道的密码").wait_for()
    assert 0 == page.locator("#nav a").count()
    assert [] == screen.findings()
    screen.fits()
    page.get_by_label("原密码").fill("864209")
    page.get_by_label("新密码（6到12位数字）").fill("975310")
    page.get_by_label("再输一次新密码").fill("975310")
    page.get_by_role("button", name="修改密码").click()

    screen.notice("密码已修改")
    page.wait_for_selector("#h-special")


def test_the_link_to_the_centre_is_told_as_it_is(screen: Screen) -> None:
    screen.log_in(Role.ENGINEER)
    screen.go("status")
    screen.page.get_by_text("未设置中心").wait_for()
    screen.go("queue")
    screen.page.get_by_text("未设置中心").wait_for()


def test_a_face_opens_the_page(screen: Screen) -> None:
    screen.page.goto(f"{screen.office.root}/ui")
    screen.page.click(".login button.secondary")

    screen.page.wait_for_selector("text=王小明 · 窗口人员")


def test_the_days_encounters_are_seen_and_opened(screen: Screen, clips: Path) -> None:
    site = screen.office.site
    site.caller.authenticate(his_call(FIRST, name="张三", fixmedins_code=SITE))
    put_before_camera(site.config, clips, "live-second")
    site.caller.authenticate(his_call(FIRST, name=HOSTILE, fixmedins_code=SITE))
    screen.log_in(Role.CLERK)
    page = screen.page

    page.wait_for_selector("text=共 2 条")
    page.locator("text=与参保人不符，请本人核验或办理代购登记").first.wait_for()
    screen.fits()
    assert ["本机", "本机"] == page.locator("td[data-label=发起电脑]").all_inner_texts()
    page.locator("td.act button").first.click()
    dialog = page.locator("dialog[open]")
    dialog.locator("text=other-person").wait_for()
    assert "未通过" in dialog.inner_text()
    assert re.search(r"发起电脑\s+本机", dialog.inner_text())
    page.keyboard.press("Escape")
    page.select_option("select >> nth=1", "passed")
    page.click("text=查询")
    page.wait_for_selector("text=共 1 条")
    assert page.title() == "医保实人认证控制台"


def test_an_agent_is_registered_with_a_photograph(screen: Screen) -> None:
    screen.log_in(Role.CLERK)
    screen.go("agents")
    card = screen.card("登记代购人")
    card.get_by_label("参保人证件号码").fill(FIRST)
    card.get_by_label("代购人证件号码").fill(SECOND)
    card.get_by_label("关系").fill(HOSTILE[:20])
    card.get_by_label("有效期至").fill(Clock().today().isoformat())
    card.get_by_role("button", name="登记", exact=True).click()
    screen.notice("请拍摄委托人和代购人的证件后再登记")
    card.locator("input[type=file]").set_input_files(str(screen.photo))
    card.locator(".thumbs img").wait_for()
    screen.fits()
    card.get_by_role("button", name="登记", exact=True).click()
    screen.notice("已登记")

    # Text is text, whatever it looks like.
    screen.card("代购关系").locator("tbody").get_by_text(HOSTILE[:20]).wait_for()
    assert 0 == screen.page.locator("section img[src=x]").count()
    [record] = screen.office.site.daemon.ledger.outbox.find(Query(kinds=("agent",)))
    assert '"staff": "1001"' in record.detail


def test_a_document_is_photographed_by_the_counters_camera(screen: Screen) -> None:
    screen.log_in(Role.CLERK)
    screen.go("agents")
    screen.page.click("text=用核验摄像头拍摄")

    screen.card("登记代购人").locator(".thumbs img").wait_for()


def test_a_special_case_is_registered_and_reviewed_by_another(screen: Screen) -> None:
    screen.log_in(Role.CLERK)
    screen.go("special")
    card = screen.card("登记特殊情况")
    card.get_by_label("治疗中").check()
    card.get_by_text("请拍摄HIS内治疗开单信息").wait_for()
    card.get_by_label("证件号码", exact=True).fill(FIRST)
    card.locator("input[type=file]").set_input_files(str(screen.photo))
    card.locator(".thumbs img").wait_for()
    card.get_by_role("button", name="登记", exact=True).click()
    screen.notice("已登记")
    screen.page.click("text=退出")

    screen.log_in(Role.PHARMACIST)
    screen.go("review")
    screen.page.locator(".thumbs img").first.wait_for()
    screen.page.click("text=通过 >> nth=0")
    screen.sure()
    screen.card("待审核的特殊登记").get_by_text("没有记录").wait_for()
    screen.fits()


def test_ones_own_special_case_waits_for_another(screen: Screen) -> None:
    form = {"institution": SITE, "staff": "2001", "id": FIRST, "case": "in-treatment"}
    done = screen.office.site.caller.act("special", {**form, "photos": [photo()]})
    assert done["ok"]
    screen.log_in(Role.PHARMACIST)
    screen.go("review")

    screen.page.get_by_text("本人登记，须由另一人审核").wait_for()
    assert not screen.page.get_by_role("button", name="通过", exact=True).is_visible()
    screen.fits()


def test_a_forgotten_sign_is_made_up(screen: Screen) -> None:
    form = {"institution": SITE, "staff": "1", "practitioners": [{"id": FIRST, "name": "张三"}]}
    assert screen.office.site.caller.act("roster", form)["ok"]
    screen.log_in(Role.PHARMACIST)
    screen.go("attendance")
    card = screen.card("补签考勤")
    card.get_by_label("证件号码").fill(FIRST)
    card.get_by_label("原因").fill("忘记签到")
    card.get_by_role("button", name="补签", exact=True).click()

    screen.notice("已登记")
    screen.card("当日考勤").get_by_text("有补签").wait_for()
    screen.page.get_by_role("button", name="签退", exact=True).click()
    screen.notice("签退成功")
    screen.fits()


def test_a_dead_record_is_tried_again(screen: Screen) -> None:
    site = screen.office.site
    site.caller.act("settled", {"day": "2026-12-01", "count": 1})
    outbox = site.daemon.ledger.outbox
    outbox.delivery.bury(outbox.waiting()[0].id, f"字段不符 {HOSTILE}")
    screen.log_in(Role.ENGINEER)
    screen.go("queue")
    screen.page.get_by_text(f"字段不符 {HOSTILE}").wait_for()
    screen.page.click("text=校验记录")
    screen.page.get_by_text("完好：1 条").wait_for()
    screen.fits()
    screen.page.click("text=全部重新上传")

    screen.notice("已重新排队 1 条")
    assert 0 == outbox.delivery.counts().dead
    with screen.page.expect_download() as download:
        screen.page.click("text=导出到U盘")
    assert re.fullmatch(r"queue-[0-9-]+\.jsonl", download.value.suggested_filename)


def test_a_person_is_erased_after_a_second_question(screen: Screen) -> None:
    screen.log_in(Role.MANAGER)
    screen.go("persons")
    screen.page.get_by_text("已登记 2 人").wait_for()
    screen.page.get_by_label("证件号码").fill(FIRST)
    screen.page.click("text=查询")
    card = screen.card("删除此人的人脸信息")
    card.get_by_label("原因").fill("本人要求")
    card.get_by_role("button").click()
    screen.page.click("#ask footer button:first-child")
    gallery = screen.office.site.daemon.desk.gallery
    assert gallery.find(Numbers(FIRST))
    card.get_by_role("button").click()
    screen.fits()
    screen.sure()

    screen.notice("已登记")
    screen.page.get_by_text("已登记 1 人").wait_for()
    assert gallery.find(Numbers(FIRST)) is None


def test_the_preview_is_told_to_be_on_and_turned_off(screen: Screen) -> None:
    screen.log_in(Role.ENGINEER)
    screen.go("status")
    assert 0 == screen.page.locator("img.preview").count()
    screen.page.click("text=开启预览")
    screen.page.get_by_text("预览已开启，画面不保存").wait_for()
    screen.page.locator("img.preview").wait_for()
    screen.fits()
    screen.page.click("text=关闭预览")
    screen.page.locator("img.preview").wait_for(state="detached")

    # Whoever leaves the page has turned it off as well.
    screen.page.click("text=开启预览")
    screen.page.locator("img.preview").wait_for()
    screen.go("today")
    screen.page.wait_for_function("fetch('/ui/api/preview').then(answer => answer.status === 404)")


def test_an_engineer_tests_measures_and_takes_the_bundle(screen: Screen) -> None:
    screen.log_in(Role.ENGINEER)
    screen.go("engineer")
    screen.page.click("text=开始自检")
    screen.page.get_by_text("全部正常").wait_for(timeout=60_000)
    screen.page.locator(".steps button >> nth=1").click()
    screen.page.get_by_text("深度填充率").wait_for()
    screen.fits()
    with screen.page.expect_download(timeout=60_000) as download:
        screen.page.click("text=下载诊断包")
    assert download.value.suggested_filename.endswith(".zip")


def test_the_counters_question_comes_up_on_any_page(screen: Screen, clips: Path) -> None:
    site = screen.office.site
    put_before_camera(site.config, clips, "live-third")
    screen.log_in(Role.CLERK)
    screen.go("rate")
    screen.page.wait_for_timeout(1_500)
    with ThreadPoolExecutor(1) as his:
        call = his.submit(site.caller.authenticate, his_call("440101198512120000", name="王五"))
        screen.page.get_by_role("heading", name="请征得本人同意").wait_for()
        screen.fits()
        assert [] == screen.findings()
        screen.page.click("text=本人同意 >> nth=-1")
        screen.page.get_by_role("heading", name="请核对证件后确认").wait_for()
        screen.page.click("text=确认是本人")
        assert 1 == call.result(30)["code"]
    screen.page.get_by_role("heading", name="请核对证件后确认").wait_for(state="detached")


def test_what_is_printed_has_no_buttons_and_says_when_and_by_whom(screen: Screen) -> None:
    screen.office.site.caller.authenticate(his_call(FIRST, name="张三", fixmedins_code=SITE))
    screen.log_in(Role.CLERK)
    screen.page.wait_for_selector("text=共 1 条")
    screen.page.evaluate("window.print = () => { document.body.dataset.printed = 'yes'; }")
    screen.page.get_by_role("button", name="打印").click()
    assert "yes" == screen.page.evaluate("document.body.dataset.printed")
    screen.page.emulate_media(media="print")

    assert screen.page.locator(".printed").is_visible()
    assert "1001" in screen.page.locator(".printed").inner_text()
    for hidden in (".top", "#nav", ".filters", "section .buttons", "td.act"):
        assert not screen.page.locator(hidden).first.is_visible(), hidden
    assert screen.page.get_by_text("本人核验通过").first.is_visible()
    assert screen.page.pdf().startswith(b"%PDF")


PAGES = {
    Role.CLERK: ("today", "agents", "special", "ward", "treatment", "attendance", "persons"),
    Role.PHARMACIST: ("review", "rate"),
    Role.ENGINEER: ("queue", "status", "engineer"),
    Role.MANAGER: ("attendance", "persons", "rate", "staff"),
}


@pytest.mark.parametrize("role", Role)
def test_no_page_is_hard_to_use_for_anybody(screen: Screen, role: Role) -> None:
    require_file(AXE, "axe-core (tools/assets.py --dev)")
    screen.page.goto(f"{screen.office.root}/ui")
    screen.page.wait_for_selector("input[name=pin]")
    assert [] == screen.findings()
    screen.log_in(role)
    for name in (*PAGES[role],):
        screen.go(name)
        screen.page.wait_for_timeout(300)
        assert [] == screen.findings(), name
        screen.fits()
    screen.page.click("a[href='#/account']")
    screen.page.wait_for_selector("#h-account")
    assert [] == screen.findings()


def test_the_page_speaks_english_when_asked(screen: Screen) -> None:
    screen.log_in(Role.CLERK)
    screen.page.click("text=English")

    screen.page.get_by_role("heading", name="Today").wait_for()
    assert "en" == screen.page.evaluate("document.documentElement.lang")
    screen.fits()
    screen.page.reload()
    screen.page.get_by_role("heading", name="Today").wait_for()


def test_all_is_reached_by_keyboard(screen: Screen) -> None:
    screen.page.goto(f"{screen.office.root}/ui")
    screen.page.wait_for_selector("input[name=pin]")
    screen.page.focus("input[name=staff]")
    screen.page.keyboard.type("1001")
    screen.page.keyboard.press("Tab")
    screen.page.keyboard.type(PIN)
    screen.page.keyboard.press("Enter")
    screen.page.wait_for_selector("#main h1")
    screen.page.keyboard.press("Tab")
    assert "skip" == screen.page.evaluate("document.activeElement.className")
    screen.page.keyboard.press("Enter")
    assert "main" == screen.page.evaluate("document.activeElement.id")
