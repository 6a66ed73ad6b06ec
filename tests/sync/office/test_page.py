"""The office's page in a real browser, against the real office."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from pathlib import Path

import pytest
from browser_bed import DESKTOP, PHONE, chromium, watched
from center_bed import DEVICE, INSTITUTION, record
from office_bed import PASSWORD, Bureau, bureau
from page_bed import HOSTILE, RECORDS, Visit, address, furnish, hired, sheet, visit
from playwright.sync_api import Browser, expect

from yibao_face.sync.center.office.door.permission import Role

VIEWS = (
    *("", "devices", "bindings", "institutions", "regions", "records", "alarms", "tickets"),
    *("practitioners", "attendance", "tasks", "specials", "erasures", "rates", "rate-days"),
    *("settlements", "users", "settings", "audit"),
)
SIZES = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Generator[Bureau, None, None]:
    with bureau(tmp_path_factory.mktemp("office") / "center") as made:
        furnish(made)
        yield made


@pytest.fixture(scope="module")
def browser(office: Bureau) -> Generator[Browser, None, None]:
    """Gone before the office: a server cannot close what a browser keeps open."""
    del office
    with chromium() as made:
        yield made


@pytest.fixture(scope="module")
def everyone(office: Bureau) -> str:
    """Somebody with every role there is."""
    return hired(office, *Role)


def test_the_first_sign_in_asks_for_a_password_of_ones_own(
    browser: Browser, office: Bureau
) -> None:
    office.hire("newcomer", (Role.ADMIN.value, "*"), must_change=True)
    own = "Ming-Tian-Lan-2"

    with watched(browser, address(office)) as window:
        page = Visit(window).sign_in("newcomer")
        expect(page.get_by_role("heading", name="修改密码")).to_be_visible()
        assert 0 == page.locator("nav").count()
        page.get_by_label("原密码").fill(PASSWORD)
        page.get_by_label("新密码", exact=True).fill(own)
        page.get_by_label("再输入一次新密码").fill(own + "x")
        page.get_by_role("button", name="保存新密码").click()
        expect(page.get_by_role("alert").filter(has_text="不一致")).to_be_visible()
        page.get_by_label("再输入一次新密码").fill(own)
        page.get_by_role("button", name="保存新密码").click()

        expect(page.get_by_role("heading", name="总览")).to_be_visible()


def test_a_wrong_password_lets_nobody_in_and_says_so(browser: Browser, office: Bureau) -> None:
    name = hired(office, Role.OPERATOR)

    with watched(browser, address(office)) as window:
        page = Visit(window).sign_in(name, "wrong")

        expect(page.get_by_role("alert").filter(has_text="密码不对")).to_be_visible()
        assert "" == page.get_by_label("密码", exact=True).input_value()
        assert 0 == page.locator("main.room").count()


@SIZES
def test_every_view_opens_fits_the_window_and_keeps_nobody_out(
    browser: Browser, office: Bureau, everyone: str, size: tuple[int, int]
) -> None:
    with visit(browser, office, everyone, size) as visitor:
        for view in VIEWS:
            page = visitor.go(view)
            told = [one.inner_text() for one in page.get_by_role("alert").all()]
            assert ("", []) == ("".join(told), visitor.window.barriers()), view
            assert visitor.window.width() <= size[0], view


@SIZES
def test_dialogs_fit_and_keep_nobody_out(
    browser: Browser, office: Bureau, everyone: str, size: tuple[int, int]
) -> None:
    buttons = {
        "devices": "申请绑定设备",
        "institutions": "新增机构",
        "tasks": "新建查房任务",
        "settlements": "上传结算",
        "users": "新增用户",
        "settings": "修改设置",
    }
    with visit(browser, office, everyone, size) as visitor:
        for view, name in buttons.items():
            visitor.go(view)
            box = visitor.press(name)
            assert [] == visitor.window.barriers(), view
            assert visitor.window.width() <= size[0], view
            visitor.page.keyboard.press("Escape")
            expect(box).to_be_hidden()


def test_a_binding_takes_two_people_and_gives_its_code_once(
    browser: Browser, office: Bureau
) -> None:
    clerk = hired(office, Role.OPERATOR)
    first, second = hired(office, Role.REVIEWER), hired(office, Role.REVIEWER)

    with visit(browser, office, clerk) as visitor:
        visitor.go("bindings")
        box = visitor.press("申请绑定设备")
        box.get_by_label("机构编号").fill(INSTITUTION)
        box.get_by_label("设备号").fill("counter-77")
        box.get_by_role("button", name="确定").click()
        visitor.told("已完成")
    for reviewer, button, choice in ((first, "初审", "true"), (second, "复核", "true")):
        with visit(browser, office, reviewer) as visitor:
            page = visitor.go("bindings")
            row = page.get_by_role("row").filter(has_text="counter-77")
            row.get_by_role("button", name=f"{button} ").click()
            box = page.get_by_role("dialog")
            expect(box.get_by_text("counter-77")).to_be_visible()
            box.get_by_role("combobox").select_option(choice)
            box.get_by_label("理由").fill("材料齐全")
            box.get_by_role("button", name="确定").click()
            visitor.told("已完成")
            if button == "初审":
                row.get_by_role("button", name="复核 ").click()
                expect(page.get_by_role("alert").filter(has_text="须由另一人复核")).to_be_visible()
                expect(page.get_by_role("button", name="确定")).to_be_disabled()
    with visit(browser, office, clerk) as visitor:
        page = visitor.go("bindings?state=approved")
        row = page.get_by_role("row").filter(has_text="counter-77")
        row.get_by_role("button", name="绑定码").click()
        page.get_by_role("button", name="确定").click()
        code = page.locator(".secret")
        expect(code).to_be_visible()
        shown = code.inner_text()
        page.keyboard.press("Escape")

        assert len(shown) >= 8
        expect(page.get_by_text(shown)).to_have_count(0)


def test_a_registration_is_judged_by_two_who_see_all_of_it(
    browser: Browser, office: Bureau
) -> None:
    first, second = hired(office, Role.REVIEWER), hired(office, Role.REVIEWER)

    for reviewer, button in ((first, "初审"), (second, "复核")):
        with visit(browser, office, reviewer) as visitor:
            page = visitor.go("specials")
            page.get_by_role("button", name=f"{button} ").click()
            box = page.get_by_role("dialog")
            expect(box.get_by_text("情形：治疗中")).to_be_visible()
            box.get_by_role("combobox").select_option("true")
            box.get_by_label("理由").fill("病历齐全")
            box.get_by_role("button", name="确定").click()
            visitor.told("已完成")
    with visit(browser, office, second) as visitor:
        page = visitor.go("specials?state=approved")
        expect(page.get_by_role("cell", name="已通过")).to_be_visible()
        expect(page.locator(".chips").get_by_text("特殊登记 · 已通过")).to_be_visible()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_an_uploaded_sheet_is_compared_with_the_certificates(
    browser: Browser, office: Bureau, tmp_path: Path, encoding: str
) -> None:
    clerk = hired(office, Role.OPERATOR)
    at = "2026-11-22T09:30:00"
    lines = [
        (INSTITUTION, "D00000001", "CP00000001", "12.50", at),
        (INSTITUTION, f"X-{encoding}", "CP99999999", "8.00", at),
    ]
    file = tmp_path / "结算.csv"
    file.write_bytes(sheet(lines).encode(encoding))

    with visit(browser, office, clerk) as visitor:
        visitor.go("settlements")
        box = visitor.press("上传结算")
        box.get_by_label("CSV").set_input_files(file)
        box.get_by_role("button", name="确定").click()
        visitor.told("上传结算：")

        page = visitor.go("settlements?verdict=unknown-cp-no&from=2026-11-22&to=2026-11-22")
        expect(page.get_by_role("cell", name="凭证号不存在").first).to_be_visible()
        expect(page.locator(".chips").get_by_text("凭证号不存在")).to_be_visible()


def test_a_sheet_with_a_fault_is_refused_by_its_reason(
    browser: Browser, office: Bureau, tmp_path: Path
) -> None:
    clerk = hired(office, Role.OPERATOR)
    file = tmp_path / "bad.csv"
    file.write_text("nothing,of,this\n1,2,3\n", "utf-8")

    with visit(browser, office, clerk) as visitor:
        visitor.go("settlements")
        box = visitor.press("上传结算")
        box.get_by_label("CSV").set_input_files(file)
        box.get_by_role("button", name="确定").click()

        expect(box.get_by_role("alert").last).not_to_be_empty()
        expect(box).to_be_visible()


@pytest.mark.parametrize(
    ("role", "sees", "sees_not"),
    [
        (Role.AUDITOR, {"系统", "记录"}, set[str]()),
        (Role.ENGINEER, {"设备", "工单", "告警"}, {"记录", "结算", "系统", "审核"}),
        (Role.REVIEWER, {"审核", "记录"}, {"系统"}),
    ],
)
def test_a_role_sees_its_own_views_only(
    browser: Browser, office: Bureau, role: Role, sees: set[str], sees_not: set[str]
) -> None:
    with visit(browser, office, hired(office, role)) as visitor:
        items = visitor.page.get_by_role("navigation", name="主导航").get_by_role("listitem")
        names = {text.split("\n")[0].strip() for text in items.all_inner_texts()}

        assert sees <= names
        assert set() == names & sees_not


def test_who_may_only_read_is_offered_nothing_to_press(browser: Browser, office: Bureau) -> None:
    with visit(browser, office, hired(office, Role.AUDITOR)) as visitor:
        page = visitor.go("devices")
        expect(page.get_by_role("button", name="查看", exact=False).first).to_be_visible()

        assert 0 == page.get_by_role("button", name="吊销").count()
        assert 0 == page.get_by_role("button", name="申请绑定设备").count()


def test_hostile_text_is_shown_as_text(browser: Browser, office: Bureau, everyone: str) -> None:
    with visit(browser, office, everyone) as visitor:
        page = visitor.go("institutions")
        expect(page.get_by_role("cell", name=HOSTILE, exact=True)).to_be_visible()
        page.get_by_role("button", name=f"查看 {HOSTILE}", exact=False).click()
        expect(page.get_by_role("dialog").get_by_text(HOSTILE)).to_be_visible()

        assert 0 == page.locator("img").count()


def test_records_are_masked_paged_and_saved_as_a_sheet(browser: Browser, office: Bureau) -> None:
    with visit(browser, office, hired(office, Role.OPERATOR)) as visitor:
        page = visitor.go(f"records?device={DEVICE}")
        rows = page.locator("tbody tr")
        expect(rows).to_have_count(50)
        assert "5" * 64 not in page.content()
        page.get_by_role("button", name="显示更多").click()
        expect(rows).to_have_count(RECORDS + 1)
        with page.expect_download() as saving:
            page.get_by_role("button", name="导出CSV").click()
        text = Path(saving.value.path()).read_text("utf-8-sig")

        assert saving.value.suggested_filename.endswith(".csv")
        assert RECORDS + 2 == len(text.splitlines())
        assert "5" * 64 not in text


def test_a_records_facts_say_which_counter_asked(browser: Browser, office: Bureau) -> None:
    with visit(browser, office, hired(office, Role.OPERATOR)) as visitor:
        page = visitor.go(f"records?device={DEVICE}")
        row = page.locator("tbody tr").filter(has_text="本人通过").first
        row.get_by_role("button", name="查看", exact=False).click()
        box = page.get_by_role("dialog")

        expect(box).to_contain_text("发起电脑：收费一号窗")
        expect(box).to_contain_text("同时等候结果的电脑：装有核验程序的本机")


def test_who_may_sees_the_original_when_asked_for_and_that_is_written_down(
    browser: Browser, office: Bureau
) -> None:
    name = hired(office, Role.REVIEWER)

    with visit(browser, office, name) as visitor:
        page = visitor.go(f"records?device={DEVICE}")
        expect(page.get_by_role("cell", name="555555…", exact=True).first).to_be_visible()
        page.get_by_label("显示原文").check()
        page.get_by_role("button", name="查询").click()
        expect(page.get_by_role("cell", name=re.compile(r"^D\d{8}$")).first).to_be_visible()

    log = office.role(Role.AUDITOR, name="reader").get("/audit", who=name)["items"]
    assert "records" in {entry["what"] for entry in log}


def test_rates_are_drawn_by_institution_and_by_day(browser: Browser, office: Bureau) -> None:
    day_ms, days = 86_400_000, ("2026-11-22", "2026-11-23")
    told = [json.dumps({"day": day, "category": "settlement", "count": 90}) for day in days]
    office.send(
        *(
            record(
                n * day_ms + 500 + k, kind=kind, cause=cause, day=days[n], detail=detail, code=code
            )
            for n in (0, 1)
            for k, (kind, cause, detail, code) in enumerate(
                (("settlement", "matched-self", "{}", 1), ("settled", "recorded", told[n], 0))
            )
        ),
        device="counter-2",
    )
    office.work()
    asked = f"from={days[0]}&to={days[1]}&institution={INSTITUTION}"

    with visit(browser, office, hired(office, Role.REGULATOR)) as visitor:
        page = visitor.go(f"rate-days?{asked}")
        line = page.get_by_role("img", name="逐日认证率")
        expect(line).to_be_visible()
        assert set(days) <= set(
            re.findall(r"2026-11-\d\d", line.get_attribute("aria-label") or "")
        )
        page = visitor.go(f"rates?{asked}")
        expect(page.get_by_role("img", name=f"各机构认证率：{HOSTILE}")).to_be_visible()
        expect(page.get_by_role("cell", name="合计")).to_be_visible()


def test_a_page_nobody_uses_signs_itself_out(browser: Browser, office: Bureau) -> None:
    with watched(browser, address(office)) as window:
        window.page.clock.install()
        visitor = Visit(window)
        visitor.sign_in(hired(office, Role.OPERATOR)).locator("main.room").wait_for()
        page = visitor.go("records")
        page.clock.fast_forward("31:00")

        expect(page.get_by_text("长时间没有操作")).to_be_visible()
        assert "D0000" not in page.content()


def test_a_filter_stays_in_the_address(browser: Browser, office: Bureau, everyone: str) -> None:
    with visit(browser, office, everyone) as visitor:
        page = visitor.go("records")
        page.get_by_label("原因").select_option("spoof-flat")
        page.get_by_role("button", name="查询").click()
        expect(page.get_by_text("没有符合条件的内容")).to_be_visible()
        page.reload()

        expect(page.get_by_label("原因")).to_have_value("spoof-flat")
        expect(page.get_by_text("没有符合条件的内容")).to_be_visible()


def test_a_keyboard_is_enough(browser: Browser, office: Bureau, everyone: str) -> None:
    with watched(browser, address(office)) as window:
        page = window.open()
        page.get_by_label("登录名").wait_for()
        for text in (everyone, PASSWORD):
            page.keyboard.press("Tab")
            page.keyboard.type(text)
        page.keyboard.press("Enter")
        page.locator("main.room").wait_for()
        page.keyboard.press("Tab")
        assert "跳到内容" == page.evaluate("document.activeElement.textContent")
        link = page.get_by_role("link", name="设备").first
        for _ in range(12):
            page.keyboard.press("Tab")
            if link.evaluate("(own) => own === document.activeElement"):
                break
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="设备", level=1)).to_be_visible()
        opener = page.get_by_role("button", name="申请绑定设备")
        opener.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_be_visible()
        assert "institution" == page.evaluate("document.activeElement.name")
        page.keyboard.press("Escape")

        expect(page.get_by_role("dialog")).to_be_hidden()
        expect(opener).to_be_focused()


def test_an_ended_session_leads_back_to_the_sign_in_with_nothing_left(
    browser: Browser, office: Bureau
) -> None:
    with watched(browser, address(office)) as window:
        visitor = Visit(window)
        visitor.sign_in(hired(office, Role.OPERATOR)).locator("main.room").wait_for()
        page = visitor.go("records")
        page.context.clear_cookies()
        page.get_by_role("button", name="查询").click()

        expect(page.get_by_text("登录已失效")).to_be_visible()
        assert "D0000" not in page.content()


def test_the_browser_refuses_what_the_policy_forbids(browser: Browser, office: Bureau) -> None:
    with watched(browser, address(office)) as window:
        page = window.open()
        page.get_by_label("登录名").wait_for()
        page.evaluate(
            """() => {
              const add = (name, own) =>
                document.body.append(Object.assign(document.createElement(name), own));
              add("script", { textContent: "document.title = 'taken'" });
              add("style", { textContent: "body { display: none }" });
              add("script", { src: "https://elsewhere.example/x.js" });
            }"""
        )
        page.wait_for_timeout(500)
        told = "\n".join(window.faults)
        window.faults.clear()

        assert "taken" != page.title()
        assert "policy: script-src-elem inline" in told
        assert "policy: style-src-elem inline" in told
        assert "policy: script-src-elem https://elsewhere.example" in told


def test_paper_gets_the_list_without_the_buttons(
    browser: Browser, office: Bureau, everyone: str
) -> None:
    with visit(browser, office, everyone) as visitor:
        page = visitor.go("devices")
        page.emulate_media(media="print")

        expect(page.get_by_role("table").first).to_be_visible()
        for hidden in (".side", ".tools", ".filters", "td.acts"):
            expect(page.locator(hidden).first).to_be_hidden()


def test_every_call_of_the_page_exists_and_every_word_has_its_meaning(
    browser: Browser, office: Bureau, everyone: str
) -> None:
    """The page against the office's own description of itself."""
    with visit(browser, office, everyone) as visitor:
        calls, words = visitor.page.evaluate(
            """async () => {
              const { VIEWS } = await import("/page/view.js");
              const { FORMS, WORDS } = await import("/page/words.js");
              const answer = await fetch("/office/v1/openapi.json");
              const own = await answer.json();
              const known = Object.values(own.paths).flatMap((path) =>
                Object.values(path).map((one) => one.operationId));
              const named = VIEWS.flatMap((view) => [view.list, view.facts, view.detail, view.csv,
                view.counts, ...(view.more ?? []).map(([name]) => name),
                ...(view.acts ?? []).map((act) => act.call)]);
              const lacking = [];
              for (const [form, fields] of Object.entries(FORMS)) {
                const properties = own.components.schemas[form]?.properties ?? {};
                for (const [field, table] of Object.entries(fields)) {
                  for (const word of properties[field]?.enum ?? []) {
                    if (word !== null && !WORDS[table][word]) lacking.push(`${field} ${word}`);
                  }
                }
              }
              return [named.filter((one) => one && !known.includes(one)), lacking];
            }"""
        )

        assert ([], []) == (calls, words)
