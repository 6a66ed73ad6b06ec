"""An unknown person is enrolled inside the call: consent, capture, confirmation, fresh frames."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from harness import FIRST, SECOND, Running, his_call, put_before_camera, running

from yibao_face.daemon.config import Config
from yibao_face.daemon.door.client import ClientError
from yibao_face.daemon.gallery.gallery import Numbers
from yibao_face.daemon.section import CONSENT_TEXT
from yibao_face.daemon.wiring import gallery_of

STRANGER = "440101198512120000"
Answers = dict[str, dict[str, Any]]
AGREE: Answers = {
    "consent": {"accepted": True, "staff": "1001"},
    "confirm": {"accepted": True, "staff": "1001"},
}


@contextmanager
def clerk(site: Running, answers: Answers) -> Generator[list[dict[str, Any]], None, None]:
    """A clerk who answers each prompt as written; the prompts as they were shown."""
    shown: list[dict[str, Any]] = []
    done = threading.Event()

    def attend() -> None:
        while not done.wait(0.05):
            prompt = site.caller.look()["prompt"]
            if prompt and prompt["stage"] in answers:
                shown.append(prompt)
                ticket = {key: prompt[key] for key in ("encounter", "stage")}
                site.caller.answer({**ticket, **answers[prompt["stage"]]})

    thread = threading.Thread(target=attend)
    thread.start()
    try:
        yield shown
    finally:
        done.set()
        thread.join(10)


def enrol(cast: Config, answers: Answers) -> tuple[dict[str, Any], list[dict[str, Any]], Any]:
    """Answer, prompts shown and record of one call for the stranger."""
    with running(cast) as site, clerk(site, answers) as shown:
        answer = site.caller.authenticate(his_call(STRANGER))
        [record] = site.daemon.ledger.outbox.waiting()
    return answer, shown, record


def test_the_stranger_passes_once_consent_and_staff_are_there(cast: Config, clips: Path) -> None:
    put_before_camera(cast, clips, "live-third")
    answer, shown, record = enrol(cast, AGREE)

    assert (1, 1) == (answer["code"], answer["type"])
    assert ["consent", "confirm"] == [prompt["stage"] for prompt in shown]
    assert CONSENT_TEXT == shown[0]["text"]
    assert cast.enrolment.consent_version == record.consent
    assert STRANGER not in str(shown)
    assert gallery_of(cast).find(Numbers(STRANGER)) == record.person


def test_the_enrolled_stranger_needs_no_clerk_the_next_time(cast: Config, clips: Path) -> None:
    put_before_camera(cast, clips, "live-third")
    enrol(cast, AGREE)
    with running(cast) as site:
        again = site.caller.authenticate(his_call(STRANGER))
        put_before_camera(cast, clips, "live-second")
        other = site.caller.authenticate(his_call(STRANGER))

    assert (1, 0) == (again["code"], other["code"])


@pytest.mark.parametrize(
    ("stage", "given", "said"),
    [
        ("consent", {"accepted": False, "staff": "1001"}, "未同意"),
        ("confirm", {"accepted": False, "staff": "1001"}, "未确认身份"),
        ("confirm", {"accepted": True, "staff": ""}, "未确认身份"),
        ("confirm", {"accepted": True, "staff": "1", "id_photo": "AAAA"}, "证件照无法识别"),
    ],
    ids=["no consent", "staff refuses", "nameless staff", "id photo is none"],
)
def test_nobody_is_enrolled_without_every_step(
    cast: Config, clips: Path, stage: str, given: dict[str, Any], said: str
) -> None:
    put_before_camera(cast, clips, "live-third")
    answer, _, record = enrol(cast, {**AGREE, stage: given})

    assert (0, "") == (answer["code"], answer["cp_no"])
    assert said in answer["msg"]
    assert gallery_of(cast).find(Numbers(STRANGER)) is None
    assert 0 == record.code


@pytest.mark.parametrize(("photo", "code"), [("third", 1), ("second", 0)])
def test_an_id_photo_must_show_the_same_face(
    cast: Config, clips: Path, portrait: Callable[[str], bytes], photo: str, code: int
) -> None:
    put_before_camera(cast, clips, "live-third")
    card = base64.b64encode(portrait(photo)).decode()
    confirm = {"accepted": True, "staff": "1001", "id_photo": card}
    answer, _, _ = enrol(cast, {**AGREE, "confirm": confirm})

    assert code == answer["code"]
    assert (code == 1) is (gallery_of(cast).find(Numbers(STRANGER)) is not None)


def test_a_photograph_cannot_be_enrolled(cast: Config, clips: Path) -> None:
    put_before_camera(cast, clips, "flat-first")
    answer, shown, _ = enrol(cast, AGREE)

    assert 0 == answer["code"]
    assert "疑似照片" in answer["msg"]
    assert ["consent"] == [prompt["stage"] for prompt in shown]
    assert gallery_of(cast).find(Numbers(STRANGER)) is None


def test_somebody_else_stepping_in_after_the_capture_undoes_the_enrolment(
    cast: Config, clips: Path
) -> None:
    put_before_camera(cast, clips, "live-third")
    opened: list[Any] = []

    def camera() -> Any:
        opened.append(Switching(clips))
        return opened[-1]

    with running(cast, camera=camera) as site, clerk(site, {"consent": AGREE["consent"]}):
        caller = threading.Thread(
            target=lambda: opened.append(site.caller.authenticate(his_call(STRANGER)))
        )
        caller.start()
        ticket = wait_for_prompt(site, "confirm")
        opened[0].switch()
        site.caller.answer({**ticket, **AGREE["confirm"]})
        caller.join(20)

    assert 0 == opened[1]["code"]
    assert gallery_of(cast).find(Numbers(STRANGER)) is None


class Switching:
    """A camera before which one person takes the place of another."""

    def __init__(self, clips: Path) -> None:
        from yibao_face.drivers.replay import ReplayCamera  # noqa: PLC0415

        self._first = ReplayCamera(clips / "live-third.rgbd")
        self._second = ReplayCamera(clips / "live-second.rgbd")
        self._now = self._first
        self.info = self._first.info

    def switch(self) -> None:
        self._now = self._second

    def read(self, timeout_s: float) -> Any:
        return self._now.read(timeout_s)

    def close(self) -> None:
        self._first.close()
        self._second.close()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def wait_for_prompt(site: Running, stage: str) -> dict[str, Any]:
    for _ in range(200):
        prompt = site.caller.look()["prompt"]
        if prompt and prompt["stage"] == stage:
            return {key: prompt[key] for key in ("encounter", "stage")}
        time.sleep(0.05)
    raise AssertionError(f"no {stage} prompt within 10 s")


def test_an_answer_to_nothing_is_refused(cast: Config) -> None:
    with running(cast) as site, pytest.raises(ClientError, match="409"):
        site.caller.answer({"encounter": "x", "stage": "consent", "accepted": True, "staff": "1"})


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"encounter": "x", "stage": "other", "accepted": True},
        {"encounter": "x", "stage": "consent", "accepted": "yes"},
        {"encounter": "x", "stage": "confirm", "accepted": True, "id_photo": "not base64!"},
    ],
    ids=["empty", "unknown stage", "not a yes or no", "photo"],
)
def test_an_answer_that_cannot_be_read_is_refused(cast: Config, given: dict[str, Any]) -> None:
    with running(cast) as site, pytest.raises(ClientError, match="400"):
        site.caller.answer(given)


def test_an_agent_passes_as_type_2_until_the_last_day_and_only_for_the_principal(
    cast: Config, clips: Path
) -> None:
    put_before_camera(cast, clips, "live-second")
    gallery = gallery_of(cast)
    principal, agent = gallery.find(Numbers(FIRST)), gallery.find(Numbers(SECOND))
    assert principal is not None
    assert agent is not None
    with running(cast) as site:
        before = site.caller.authenticate(his_call(FIRST))
        gallery.allow_agent(principal, agent, "子女", date(2999, 1, 1))
        allowed = site.caller.authenticate(his_call(FIRST))
        own = site.caller.authenticate(his_call(SECOND))
        gallery.allow_agent(principal, agent, "子女", date(2020, 1, 1))
        expired = site.caller.authenticate(his_call(FIRST))

    got = [(a["code"], a["type"]) for a in (before, allowed, own, expired)]
    assert [(0, 0), (1, 2), (1, 1), (0, 0)] == got
