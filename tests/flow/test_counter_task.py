"""What the person is asked to do reaches the counter's window through the door."""

from __future__ import annotations

from harness import running

from yibao_face.daemon.config import Config
from yibao_face.daemon.core.liveness.challenge import Action


def test_the_window_shows_the_action_its_words_and_the_seconds_left(site: Config) -> None:
    with running(site) as shop:
        before = shop.caller.look()["task"]
        shop.daemon.counter.ask_action(Action.MOUTH, 60.0)
        during = shop.caller.look()["task"]
        shop.daemon.counter.end_action()
        after = shop.caller.look()["task"]

    assert before is None
    assert ("mouth", "请张大嘴，保持片刻") == (during["action"], during["text"])
    assert 0.0 < during["left_s"] <= 60.0
    assert after is None
