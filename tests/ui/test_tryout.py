"""The demo by hand: a counter with accounts, and a HIS that asks whenever a number is typed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import FIRST
from ui_bed import Hands

from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config
from yibao_face.daemon.console.access.staff import check_pin
from yibao_face.daemon.console.console import staff_book
from yibao_face.daemon.demo.play import Stage
from yibao_face.daemon.demo.tryout import invented_pin, try_out
from yibao_face.daemon.demo.window.desktop import Desktop
from yibao_face.daemon.wiring import vault_of


def test_who_types_a_number_sees_the_window_and_what_the_his_got(
    counter: Config,
    clips: Path,
    desktop: Desktop,
    hands: Hands,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in desktop.environment.items():
        monkeypatch.setenv(name, value)
    said: list[str] = []
    seen: list[str] = []

    def typed() -> Iterator[str]:
        hands.until_ready()
        yield "1\n"
        seen.append(hands.until_title("本人核验通过"))
        yield "7\n"
        yield "3\n"
        seen.append(hands.until_title("疑似照片或屏幕"))
        yield "q\n"

    assert 0 == try_out(Stage(counter, clips), typed(), said.append)
    assert 2 == len(seen)
    told = "\n".join(said)
    assert ['"code": 1', '"code": 0'] == re.findall(r'"code": \d', told)
    assert "请输入 1、2、3、4 或 q" in told
    assert FIRST in told
    pin = re.findall(r"PIN +(\d{6})", told)[0]
    book = staff_book(counter, vault_of(counter), Clock())
    assert not book.log_in("1001", pin).pin_given


def test_the_pin_of_a_demo_is_another_one_each_time() -> None:
    pins = {invented_pin() for _ in range(20)}

    assert len(pins) > 15
    for pin in pins:
        check_pin(pin)
