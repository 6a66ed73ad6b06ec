"""Logging in and out, by PIN and by face; what a manager does with accounts."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path

import pytest
from console_bed import NAMES, PIN, Office, office
from harness import FIRST, SECOND, put_before_camera

from yibao_face.daemon.config import Config
from yibao_face.daemon.console.access.role import Role
from yibao_face.daemon.console.access.staff import StaffError
from yibao_face.sync.api import Query


def test_a_login_tells_who_one_is_and_what_one_may(open_office: Office) -> None:
    window = open_office.window()
    account = window.log_in("9001").json()["account"]

    assert ("9001", "孙主任", "manager") == (
        account["number"],
        account["name"],
        account["role"],
    )
    assert "staff" in account["may"]
    assert "preview" not in account["may"]
    assert account == window.ask("/me").json()["account"]


@pytest.mark.parametrize("pin", ["739156", "", "x" * 31, "７３９１５５"])
def test_a_wrong_pin_is_told_in_one_sentence(open_office: Office, pin: str) -> None:
    answer = open_office.window().log_in("1001", pin)

    assert 400 == answer.status_code
    assert "Set-Cookie" not in answer.headers


def test_pins_are_not_tried_by_program(open_office: Office) -> None:
    window = open_office.window()
    answers = [window.log_in(f"n{number}", "739156").json()["error"] for number in range(22)]

    assert "工号或密码不对，请重试" == answers[19]
    assert "登录尝试过于频繁，请一分钟后重试" == answers[20]


def test_a_logout_ends_the_session(open_office: Office) -> None:
    window = open_office.window(Role.CLERK)
    cookie = window.http.cookies.copy()

    assert window.send("/logout").ok
    window.http.cookies.update(cookie)
    assert 401 == window.ask("/encounters").status_code


def test_a_face_of_the_staff_logs_in_and_is_on_record(open_office: Office) -> None:
    window = open_office.window()

    assert "1001" == window.by_face().json()["account"]["number"]
    assert window.ask("/encounters").ok
    [record] = open_office.site.daemon.ledger.outbox.find(Query(kinds=("login",)))
    assert ("matched-self", 1) == (record.cause, record.code)


@pytest.mark.parametrize("clip", ["live-second", "flat-first", "nobody"])
def test_another_face_a_photograph_or_nobody_does_not(
    open_office: Office, clips: Path, clip: str
) -> None:
    put_before_camera(open_office.site.config, clips, clip)
    answer = open_office.window().by_face()

    assert 400 == answer.status_code
    assert "Set-Cookie" not in answer.headers
    [record] = open_office.site.daemon.ledger.outbox.find(Query(kinds=("login",)))
    assert 0 == record.code


def test_a_recording_logs_nobody_in_outside_the_demo(cast: Config, clips: Path) -> None:
    put_before_camera(cast, clips, "live-first")
    with office(cast, demo=False) as made:
        assert 400 == made.window().by_face().status_code


def test_without_a_face_among_the_staff_nobody_is_looked_at(open_office: Office) -> None:
    open_office.book.remove("1001")
    answer = open_office.window().by_face()

    assert "还没有账号开通刷脸登录" in answer.json()["error"]
    assert [] == open_office.site.daemon.ledger.outbox.find(Query(kinds=("login",)))


def test_ones_own_pin_is_changed_with_the_old_one(open_office: Office) -> None:
    other, window = open_office.window(Role.CLERK), open_office.window(Role.CLERK)

    assert 400 == window.send("/pin", old="739156", new="864209").status_code
    assert 400 == window.send("/pin", old=PIN, new="111111").status_code
    changed = window.entered(window.send("/pin", old=PIN, new="864209"))
    assert changed.ok
    # This window goes on, all others have to log in again.
    assert window.ask("/encounters").ok
    assert 401 == other.ask("/encounters").status_code
    assert open_office.window().log_in("1001", "864209").ok


def test_a_manager_makes_accounts_resets_pins_and_removes(open_office: Office) -> None:
    manager = open_office.window(Role.MANAGER)
    form = {"number": "1002", "name": "<b>李</b>", "role": "clerk", "pin": "864209", "id": SECOND}

    assert manager.send("/staff", **form).ok
    [listed] = [s for s in manager.ask("/staff").json()["staff"] if s["number"] == "1002"]
    assert (True, "<b>李</b>", False) == (listed["face"], listed["name"], listed["locked"])
    clerk = open_office.window()
    assert clerk.log_in("1002", "864209").ok
    assert manager.send("/staff/pin", number="1002", pin=PIN).ok
    assert 401 == clerk.ask("/encounters").status_code
    assert clerk.log_in("1002").ok
    assert manager.send("/staff/remove", number="1002").ok
    assert 401 == clerk.ask("/encounters").status_code
    assert "没有这个账号" in manager.send("/staff/remove", number="1002").json()["error"]


def test_a_pin_of_the_manager_is_changed_before_anything_else(open_office: Office) -> None:
    manager = open_office.window(Role.MANAGER)
    form = {"number": "1002", "name": "李", "role": "clerk", "pin": "864209"}
    assert manager.send("/staff", **form).ok
    clerk = open_office.window()
    account = clerk.log_in("1002", "864209").json()["account"]

    assert account["pin_given"]
    assert clerk.ask("/me").json()["account"]["pin_given"]
    for answer in (clerk.ask("/encounters"), clerk.send("/desk/settled"), clerk.ask("/choices")):
        assert (403, "密码由他人设置，请先修改密码") == (
            answer.status_code,
            answer.json()["error"],
        )
    same = clerk.send("/pin", old="864209", new="864209")
    assert (400, "新密码不能与原密码相同") == (same.status_code, same.json()["error"])
    changed = clerk.entered(clerk.send("/pin", old="864209", new="975310"))
    assert not changed.json()["account"]["pin_given"]
    assert clerk.ask("/encounters").ok
    assert not open_office.window().log_in("1002", "975310").json()["account"]["pin_given"]


def test_a_pin_that_was_reset_is_changed_too_but_not_ones_own(open_office: Office) -> None:
    manager = open_office.window(Role.MANAGER)
    for number in ("1001", "9001"):
        assert manager.send("/staff/pin", number=number, pin="864209").ok
        manager = open_office.window()
        assert manager.log_in("9001", PIN if number == "1001" else "864209").ok

    clerk = open_office.window()
    assert clerk.log_in("1001", "864209").json()["account"]["pin_given"]
    assert clerk.send("/logout").ok
    assert manager.ask("/staff").ok


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"role": "king"}, "岗位"),
        ({"pin": "123456"}, "密码太简单"),
        ({"number": "1001"}, "已有账号"),
        ({"id": "110101199003079999"}, "未登记人脸"),
        ({"name": ""}, "姓名"),
    ],
)
def test_an_account_that_cannot_be_is_told(
    open_office: Office, changed: dict[str, str], said: str
) -> None:
    form = {"number": "1002", "name": "李", "role": "clerk", "pin": "864209", **changed}
    answer = open_office.window(Role.MANAGER).send("/staff", **form)

    assert 400 == answer.status_code
    assert said in answer.json()["error"]


def test_a_removed_account_is_out_at_once_whoever_removed_it(open_office: Office) -> None:
    clerk = open_office.window(Role.CLERK)
    # As the command line of another process does.
    open_office.book.remove(NAMES[Role.CLERK][0])

    assert 401 == clerk.ask("/encounters").status_code


def test_who_does_nothing_is_logged_out(cast: Config) -> None:
    with office(replace(cast, console=replace(cast.console, idle_min=0.02))) as made:
        clerk = made.window(Role.CLERK)
        assert clerk.ask("/status").ok
        began = time.monotonic()
        while clerk.poll("/status").ok:
            assert time.monotonic() - began < 30
            time.sleep(0.2)
        # Not at once, and however often the page asked by itself.
        assert time.monotonic() - began > 0.5
        assert 401 == clerk.ask("/status").status_code


def test_no_pin_is_logged(open_office: Office, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        open_office.window(Role.CLERK)
        open_office.window().log_in("1001", "864207")

    assert caplog.text
    assert PIN not in caplog.text
    assert "864207" not in caplog.text


def test_the_id_number_of_a_face_is_kept_nowhere(open_office: Office) -> None:
    assert FIRST.encode() not in open_office.book.path.read_bytes()
    with pytest.raises(StaffError):
        open_office.book.log_in("1001", FIRST)
