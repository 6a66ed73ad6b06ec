"""Eight HIS calls against a real daemon that plays the demo clips, expected beside actual."""

from __future__ import annotations

import base64
import json
import shutil
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from yibao_face.daemon.booth.still.photo import enrol
from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config
from yibao_face.daemon.demo.child import DemoError, child_daemon
from yibao_face.daemon.demo.picture.card import CARD_NUMBER, chip_photo, lay_card
from yibao_face.daemon.demo.picture.portraits import load_portrait
from yibao_face.daemon.door.client import Caller, ClientError, sample_request
from yibao_face.daemon.gallery.gallery import Enrolment, Numbers
from yibao_face.daemon.wiring import gallery_of
from yibao_face.models.suite import FaceModels

# Invented numbers; the first is the interface document's own sample, check digit and all.
FIRST, SECOND, THIRD = "320101194202156744", "110101199003070000", "440101198512120000"
_STAFF = "1001"
_CLERK_POLL_S = 0.1

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Call:
    """One HIS call: who is named, who stands there, what must come back.

    ``first``: done prior. ``clerk``: consents and confirms; by the ID card where ``card``.
    """

    title: str
    person: str
    clip: str | None
    code: int
    type: int
    first: Callable[[Caller], None] | None = None
    clerk: bool = False
    card: bool = False


@dataclass(frozen=True, slots=True)
class Played:
    """A call and its answer."""

    call: Call
    answer: dict[str, Any]
    took_s: float

    @property
    def as_expected(self) -> bool:
        """Code, type and the rule that a certificate goes with a pass and only with one."""
        got = (self.answer.get("code"), self.answer.get("type"))
        certified = bool(self.answer.get("cp_no")) == (self.call.code > 0)
        return got == (self.call.code, self.call.type) and certified


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demo plays: its own data folder, and the clip that is before the camera now."""

    config: Config
    clips: Path

    @property
    def before_camera(self) -> Path:
        """The file the replay camera opens."""
        return self.config.data / "before-camera.rgbd"

    @property
    def card(self) -> Path:
        """The invented ID card on the virtual reader."""
        return self.config.data / "card.json"

    def put(self, clip: str | None) -> None:
        """Bring a clip before the camera; ``None`` unplugs it."""
        if clip is None:
            self.before_camera.unlink(missing_ok=True)
            return
        part = self.before_camera.with_suffix(".part")
        shutil.copyfile(self.clips / f"{clip}.rgbd", part)
        part.replace(self.before_camera)


def release_and_register(caller: Caller) -> None:
    """The clerk lifts the pause after three photographs, then registers the agent (S0-58)."""
    at = {"institution": sample_request(FIRST, "", Clock(), 0)["fixmedins_code"], "staff": _STAFF}
    agent = {
        "agent_id": SECOND,
        "relation": "配偶",
        "until": (Clock().today() + timedelta(days=30)).isoformat(),
        "photos": [blank_paper()],
    }
    acts: dict[str, dict[str, Any]] = {"release": {"reason": "已核对证件"}, "agent": agent}
    for name, form in acts.items():
        answer = caller.act(name, {**at, "id": FIRST, **form})
        if not answer["ok"]:
            raise DemoError(f"{name} was not recorded: {answer['msg']}")


def blank_paper() -> str:
    """A picture of an empty sheet in base64: stands for documents of invented persons."""
    _, png = cv2.imencode(".png", np.full((64, 64, 3), 255, np.uint8))
    return base64.b64encode(png.tobytes()).decode()


CALLS = (
    Call("本人 self", FIRST, "live-first", 1, 1),
    Call("他人 other person", FIRST, "live-second", 0, 0),
    Call("平面照片 flat photo", FIRST, "flat-first", 0, 0),
    Call("弯曲照片 bent photo", FIRST, "bent-first", 0, 0),
    Call("屏幕 screen", FIRST, "tablet-first", 0, 0),
    Call(
        "未登记者刷身份证建模 enrolled in call by ID card",
        CARD_NUMBER,
        "live-third",
        1,
        1,
        clerk=True,
        card=True,
    ),
    Call("代购人 agent", FIRST, "live-second", 1, 2, first=release_and_register),
    Call("无摄像头 camera missing", FIRST, None, 0, 0),
)


def enrol_cast(stage: Stage, models: FaceModels, cache: Path) -> None:
    """Enrol the first person from two photographs, the second from one; lay the third's card."""
    lay_card(stage.card, chip_photo(models, load_portrait("third", cache)))
    today = Clock().today().isoformat()
    cast = {FIRST: ("张三", ("first-1", "first-3")), SECOND: ("李四", ("second",))}
    for number, (name, portraits) in cast.items():
        photos = [load_portrait(portrait, cache) for portrait in portraits]
        consent = stage.config.enrolment.consent_version
        enrolment = Enrolment(Numbers(number), name, consent, "photo:demo", today)
        enrol(gallery_of(stage.config), models, enrolment, photos)


def play(stage: Stage, progress: Progress, *, windows: bool = False) -> list[Played]:
    """Start the daemon as its own process, make every call, stop it. Raises ``DemoError``.

    ``windows``: show what the person at the counter sees meanwhile.
    """
    stage.put("nobody")
    with child_daemon(stage.config, ("agent" if windows else "serve", "--demo")) as child:
        return [
            _one(stage, child.caller, call, number, progress)
            for number, call in enumerate(CALLS, 1)
        ]


def _one(stage: Stage, caller: Caller, call: Call, number: int, progress: Progress) -> Played:
    progress(f"[{number}/{len(CALLS)}] {call.title} …")
    if call.first is not None:
        call.first(caller)
    stage.put(call.clip)
    body = json.dumps(sample_request(call.person, "演示", Clock(), number)).encode()
    started = time.monotonic()
    with _clerk(caller, by_card=call.card) if call.clerk else _nobody():
        answer = caller.authenticate(body)
    played = Played(call, answer, time.monotonic() - started)
    mark = "ok" if played.as_expected else "NOT AS EXPECTED"
    progress(f"      {json.dumps(answer, ensure_ascii=False)} {played.took_s:.2f} s {mark}")
    return played


@contextmanager
def _nobody() -> Generator[None, None, None]:
    yield


@contextmanager
def _clerk(caller: Caller, *, by_card: bool) -> Generator[None, None, None]:
    """A clerk at the counter: reads what is asked, agrees to consent, confirms by staff number.

    ``by_card``: the clerk has the daemon read the person's card before that.
    """
    done = threading.Event()

    def attend() -> None:
        while not done.wait(_CLERK_POLL_S):
            prompt = caller.look()["prompt"]
            if prompt:
                answer = {key: prompt[key] for key in ("encounter", "stage")}
                confirms = by_card and prompt["stage"] == "confirm"
                given = {"accepted": True, "staff": _STAFF, "id_card": confirms}
                caller.answer({**answer, **given})

    def attend_until_gone() -> None:
        try:
            attend()
        except ClientError:
            return  # the daemon stopped: the call itself reports it

    thread = threading.Thread(target=attend_until_gone, name="clerk")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
