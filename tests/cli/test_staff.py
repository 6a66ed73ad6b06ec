"""``yibao-face staff``: the first manager is made here, PINs never stand on the command line."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from harness import FIRST

from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config
from yibao_face.daemon.console.access.role import Role
from yibao_face.daemon.console.console import staff_book
from yibao_face.daemon.wiring import vault_of

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]
PIN = "739155"
ADD = ("staff", "add", "9001", "--name", "孙主任", "--role", "manager")


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """What a script writes on standard input."""
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_the_first_manager_logs_in_afterwards(
    at_home: Config, run: Run, typed: Callable[[str], None]
) -> None:
    typed(f"{PIN}\n")
    code, out, err = run(*ADD)

    assert (0, "", True) == (code, err, "9001" in out)
    book = staff_book(at_home, vault_of(at_home), Clock())
    assert Role.MANAGER is book.log_in("9001", PIN).role
    code, out, _ = run("staff", "ls")
    assert (0, True) == (code, out.startswith("9001  孙主任  manager  -  "))


@pytest.mark.usefixtures("at_home")
def test_a_poor_pin_and_a_second_account_are_refused(
    run: Run, refusal: Refusal, typed: Callable[[str], None]
) -> None:
    typed("123456\n")
    assert "密码太简单" in refusal(*ADD)
    typed(PIN)
    assert 0 == run(*ADD)[0]
    typed(PIN)
    assert "已有账号" in refusal(*ADD)
    typed("")
    assert "密码须为" in refusal("staff", "pin", "9001")


def test_a_pin_is_reset_and_an_account_removed(
    at_home: Config, run: Run, refusal: Refusal, typed: Callable[[str], None]
) -> None:
    typed(PIN)
    run(*ADD)
    typed("864209")
    assert 0 == run("staff", "pin", "9001")[0]
    assert staff_book(at_home, vault_of(at_home), Clock()).log_in("9001", "864209")
    assert "最后一位管理员" in refusal("staff", "remove", "9001")
    typed(PIN)
    run("staff", "add", "9002", "--name", "周", "--role", "manager")
    assert 0 == run("staff", "remove", "9001")[0]
    assert "没有这个账号" in refusal("staff", "remove", "9001")


@pytest.mark.usefixtures("at_home")
def test_only_who_is_enrolled_logs_in_by_face(
    refusal: Refusal, typed: Callable[[str], None]
) -> None:
    typed(PIN)

    assert "not enrolled" in refusal(*ADD, "--id", FIRST)
