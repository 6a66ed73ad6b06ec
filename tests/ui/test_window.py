"""What the person at the counter sees and may do: the real agent, a real X server, demo clips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from harness import FIRST, his_call
from ui_bed import Hands, until

from ui.conftest import Start
from yibao_face.daemon.config import Config

See = Callable[[str], None]


def test_who_passes_is_told_so_and_the_window_goes_by_itself(
    start: Start, hands: Hands, see: See
) -> None:
    see("live-first")
    agent = start()
    hands.until_ready()
    call = agent.calls(his_call(FIRST))

    assert "通过" in hands.until_title("本人核验通过")
    assert 1 == call.answer()["code"]
    until(lambda: not hands.windows())


def test_who_is_refused_reads_why_and_what_to_do(start: Start, hands: Hands, see: See) -> None:
    see("flat-first")
    agent = start()
    hands.until_ready()
    call = agent.calls(his_call(FIRST))

    title = hands.until_title("未通过")
    assert 0 == call.answer()["code"]
    assert "疑似照片或屏幕，已拒绝" in title
    assert "请本人到场核验" in title


def test_escape_is_the_cancel_of_the_person(start: Start, hands: Hands, see: See) -> None:
    see("nobody")
    agent = start()
    hands.until_ready()
    call = agent.calls(his_call(FIRST))
    hands.until_title("请正对摄像头")

    hands.key("Escape")
    answer = call.answer()
    assert (0, "本人已取消，如需继续请重新发起") == (answer["code"], answer["msg"])
    hands.until_title("本人已取消")
    hands.key("Escape")
    until(lambda: not hands.windows())


@pytest.mark.parametrize("way", ["key", "close"])
def test_the_clerk_cancels_by_key_or_by_closing_the_window(
    start: Start, hands: Hands, see: See, way: str
) -> None:
    see("nobody")
    agent = start()
    hands.until_ready()
    call = agent.calls(his_call(FIRST))
    hands.until_title("请正对摄像头")

    if way == "key":
        hands.key("F8")
    else:
        hands.close_window()
    assert "工作人员已取消，如需继续请重新发起" == call.answer()["msg"]
    hands.until_title("工作人员已取消")


def test_names_that_would_spoil_the_screen_do_not(start: Start, hands: Hands, see: See) -> None:
    see("nobody")
    agent = start()
    hands.until_ready()
    name = "<b>张\u3000&lt;%s{0}</b>" + "三" * 9
    call = agent.calls(his_call(FIRST, name=name))
    hands.until_title("请正对摄像头")

    hands.key("Escape")
    assert 0 == call.answer()["code"]
    hands.until_title("未通过")


def test_consent_and_confirmation_are_given_in_the_window(
    start: Start, hands: Hands, see: See, counter: Config
) -> None:
    see("live-third")
    agent = start()
    hands.until_ready()
    call = agent.calls(his_call("440101198512120000", name="王五"))

    until(lambda: agent.caller.look()["prompt"])
    hands.until_title("本人同意接受")
    hands.key("Return")
    hands.do("sleep", 0.5)
    assert "consent" == agent.caller.look()["prompt"]["stage"], "a stray Enter answered"
    hands.key("Tab", "Return")
    hands.until_title("请核对本人与证件")
    hands.do("sleep", 0.5, "type", "1001")
    hands.key("Return", "Return")
    assert (1, "本人核验通过") == (call.answer()["code"], call.answer()["msg"])


def test_no_window_opens_where_the_site_wants_none(
    start: Start, hands: Hands, see: See, counter: Config
) -> None:
    see("nobody")
    config = replace(counter, ui=replace(counter.ui, window=False))
    agent = start(config=config)
    hands.until_ready()
    call = agent.calls(his_call(FIRST))

    assert 0 == call.answer()["code"]
    assert [] == hands.windows()
