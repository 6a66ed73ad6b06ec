"""What the daemon tells a window, and how little a window can do to it: no Qt, real pipes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import FileIO
from typing import Any

import pytest
from harness import wait_for

from yibao_face.daemon.agent.host import Host
from yibao_face.daemon.agent.status import Sources
from yibao_face.daemon.agent.window.conversation import Conversation
from yibao_face.daemon.booth.board import Board, Visit
from yibao_face.daemon.booth.booth import Booth
from yibao_face.daemon.booth.counter import Consent, Counter, CounterSilentError, Prompt, Stage
from yibao_face.daemon.booth.eye import Eye
from yibao_face.daemon.booth.look import Scene
from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.clock import Clock
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.modality import Purpose
from yibao_face.daemon.demo.window.drawn import DrawnCamera
from yibao_face.daemon.door.client import Caller
from yibao_face.daemon.section import UiConfig
from yibao_face.daemon.ui.protocol import Message, encode, receive
from yibao_face.drivers.api import Camera, DeviceBusyError
from yibao_face.drivers.supervise.health import State
from yibao_face.drivers.supervise.supervisor import Patience, Supervisor

PROMPT = Prompt("one", Stage.CONSENT, "同意吗", "v1", "44**20")
VISIT = Visit("one", Purpose.SETTLEMENT, "张小丰", "")


@dataclass(slots=True)
class Window:
    """The other end of the pipes."""

    conversation: Conversation
    host: Host
    supervisor: Supervisor
    to: FileIO
    from_: FileIO
    quits: list[bool]
    listener: threading.Thread

    @property
    def board(self) -> Board:
        return self.host.board

    def say(self, **body: Any) -> None:
        self.to.write(encode(body))

    def ask(self, *, picture: bool = False) -> Message:
        """The next message."""
        self.say(t="next", picture=picture, height=240)
        found = receive(self.from_)
        assert found is not None
        return found

    def until(self, fits: Callable[[Message], object], *, picture: bool = False) -> Message:
        """The first message that fits."""
        for _ in range(200):
            found = self.ask(picture=picture)
            if fits(found):
                return found
        raise AssertionError("no message fits")

    def screen(self, **wanted: object) -> dict[str, Any]:
        """The first screen that has ``wanted``."""
        found = self.until(lambda m: wanted.items() <= m.body.get("screen", {}).items())
        screen: dict[str, Any] = found.body["screen"]
        return screen


def no_scene() -> Scene:
    raise AssertionError("nobody is judged here")


@contextmanager
def talking(
    open_: Callable[[], Camera], ui: UiConfig | None = None
) -> Generator[Window, None, None]:
    """A conversation about a booth nobody uses but the test."""
    ui = ui or UiConfig()
    (theirs, to), (from_, ours) = os.pipe(), os.pipe()
    quits: list[bool] = []
    with Supervisor(open_, Patience(open_s=0.5, idle_s=0.0, preopen=False, peek_s=0)) as camera:
        eye = Eye(camera.lease, camera)
        booth = Booth(no_scene, Clock(), Board())
        hello = {"ui": asdict(ui), "address": "", "version": "1", "voice": ""}
        sources = Sources(eye, None)
        host = Host(
            *(booth, Counter(1.0), eye, Clock(), Caller("127.0.0.1", 9), ui, sources),
            lambda: quits.append(True),
            hello,
        )
        hears = FileIO(theirs, "r")
        talk = Conversation(host, FileIO(ours, "w"), hears)
        listener = threading.Thread(target=talk.listen)
        listener.start()
        with FileIO(to, "w") as say, FileIO(from_, "r") as hear:
            window = Window(talk, host, camera, say, hear, quits, listener)
            assert "hello" == window.ask().type
            yield window
        listener.join(5)
        talk.close()
        hears.close()
        booth.close()
        assert not listener.is_alive()


@pytest.fixture
def window() -> Generator[Window, None, None]:
    with talking(lambda: DrawnCamera(30.0)) as made:
        yield made


def test_pictures_flow_while_somebody_is_before_the_camera_and_is_shown(window: Window) -> None:
    assert b"" == window.ask(picture=True).picture
    assert State.CLOSED is window.supervisor.health().state
    window.board.begin(VISIT, Attempt(60.0))

    assert b"" == window.ask().picture
    shown = window.until(lambda m: m.picture, picture=True)
    assert 240 == shown.body["rows"]
    assert 240 * 180 * 4 == len(shown.picture)

    window.board.judged()
    assert b"" == window.ask().picture
    wait_for(lambda: window.supervisor.health().state is State.CLOSED)


def test_a_window_that_is_slow_is_shown_what_is_now(window: Window) -> None:
    window.board.begin(VISIT, Attempt(60.0))
    window.board.gathers(50, 30.0)
    for usable in range(40):
        window.board.counted(usable)

    window.screen(usable=39)


def test_who_is_expected_is_masked_and_the_end_is_told_in_the_tables_words(
    window: Window,
) -> None:
    window.board.begin(VISIT, Attempt(60.0))
    assert "张*丰" == window.screen(phase="looking")["who"]

    window.board.judged()
    window.board.written("one", Cause.TOO_DARK)
    result = window.screen(phase="told")["result"]
    assert (False, "光线太暗", "请调亮灯光后重试") == (
        result["good"],
        result["reason"],
        result["step"],
    )


def test_a_hint_is_gone_once_a_frame_was_good(window: Window) -> None:
    counter = window.host.counter
    counter.begin("one")
    window.board.begin(VISIT, Attempt(60.0))
    window.board.gathers(5, 30.0)
    counter.tell(Cause.MASKED)
    window.screen(hint={"cause": "masked", "text": "请摘下口罩"})

    threading.Event().wait(0.1)
    window.board.counted(1)
    assert "hint" not in window.screen(usable=1)


def test_who_looks_attends_the_counter_and_may_answer(window: Window) -> None:
    counter, given = window.host.counter, list[Consent]()
    counter.begin("one")
    window.board.begin(VISIT, Attempt(60.0))
    asking = threading.Thread(target=lambda: given.append(counter.ask(PROMPT, Attempt(20.0))))
    asking.start()

    window.until(lambda m: "prompt" in m.body["screen"])
    window.say(t="answer", encounter="one", stage="consent", accepted="yes", staff="", id_card=1)
    asking.join(5)
    assert [Consent("one", Stage.CONSENT, False, "")] == given, "only true is a yes"


def test_a_site_without_windows_has_no_window_at_its_counter() -> None:
    with talking(lambda: DrawnCamera(30.0), UiConfig(window=False)) as window:
        counter = window.host.counter
        counter.begin("one")
        window.board.begin(VISIT, Attempt(60.0))
        ended: list[Exception] = []

        def ask() -> None:
            try:
                counter.ask(PROMPT, Attempt(5.0))
            except CounterSilentError as exc:
                ended.append(exc)

        asking = threading.Thread(target=ask)
        asking.start()
        assert all("prompt" not in window.ask().body["screen"] for _ in range(12))
        asking.join(5)
        assert ended, "looking at a tray is no attendance at the counter"


def test_a_sign_the_door_does_not_answer_is_told_in_the_tables_words(window: Window) -> None:
    window.say(t="sign", sign="in")

    found = window.until(lambda m: m.type == "signed").body
    assert "系统内部错误" == found["result"]["reason"]
    window.say(t="sign", sign="out")
    window.until(lambda m: m.type == "signed")


def test_a_camera_test_says_what_is_wrong_with_it() -> None:
    def taken() -> Camera:
        raise DeviceBusyError("taken")

    with talking(taken) as window:
        window.say(t="test", on=True)
        window.until(lambda m: m.body["screen"]["phase"] == "test")
        found = window.until(lambda m: "result" in m.body["screen"], picture=True)

        assert "摄像头被其他程序占用" == found.body["screen"]["result"]["reason"]


def test_a_camera_test_shows_the_picture_and_ends(window: Window) -> None:
    window.say(t="test", on=True)
    window.until(lambda m: m.picture, picture=True)
    window.say(t="test", on=False)

    window.until(lambda m: m.body["screen"]["phase"] == "idle")
    wait_for(lambda: window.supervisor.health().state is State.CLOSED)


def test_the_trays_quit_ends_the_daemon(window: Window) -> None:
    window.say(t="quit")

    wait_for(lambda: window.quits)


@pytest.mark.parametrize(
    "said",
    [
        b"\xff\xff\xff\xff\0\0\0\0",
        encode({"t": "dance"}),
        encode({"t": "answer", "stage": "dance"}),
        encode({"t": ["next"]}),
        b"\0\0\0\2\0\0\0\0[]",
    ],
)
def test_a_window_that_talks_nonsense_is_heard_no_more(window: Window, said: bytes) -> None:
    window.to.write(said)

    wait_for(lambda: not window.listener.is_alive())


@pytest.mark.parametrize("height", ["240", -1, 10**12, None, True])
def test_an_odd_height_is_no_picture_or_one_of_reason(window: Window, height: object) -> None:
    window.board.begin(VISIT, Attempt(60.0))
    for _ in range(10):
        window.say(t="next", picture=True, height=height)
        found = receive(window.from_)
        assert found is not None
        assert len(found.picture) <= 1440 * 1080 * 4
