"""One window process and what it is told and asks: it may stop, hang or die at any word.

The encounter knows nothing of it: the window looks at the board, cancels as anybody may, and
answers prompts as the clerk's terminal does.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from io import FileIO
from typing import Any

from yibao_face.daemon.agent.host import Host
from yibao_face.daemon.agent.window.clockin import mine, sign
from yibao_face.daemon.agent.window.glimpse import Glimpse
from yibao_face.daemon.agent.window.picture import Mirror, height_px
from yibao_face.daemon.agent.window.screen import result, screen
from yibao_face.daemon.booth.board import Phase, Posted
from yibao_face.daemon.booth.counter import Consent, Stage, View
from yibao_face.daemon.capture.attempt import End
from yibao_face.daemon.codes import cause_of
from yibao_face.daemon.core.liveness.modality import Purpose
from yibao_face.daemon.ui.protocol import Message, ProtocolError, encode, receive
from yibao_face.drivers.api import DeviceError, Frame

logger = logging.getLogger(__name__)

_ENDS = {"person": End.PERSON, "clerk": End.CLERK}
# Without news the window hears so often that all is well.
_BEAT_S = 1.0
# A question to the clerk, a second of a countdown: nothing on the board tells of them.
_LOOKING_BEAT_S = 0.1
_FRAME_S = 0.2
# Several things happen to one frame: they are shown together.
_GAP_S = 0.02
_TEST_S = 20.0
# A window that asks for nothing for so long hangs: it asks within a second when it is well.
_STUCK_S = 6.0
_URGENT = 16


class Conversation:
    """``to``, ``from_``: the child's pipes, unbuffered. ``close`` it once ``listen`` returned."""

    def __init__(self, host: Host, to: FileIO, from_: FileIO) -> None:
        self._host, self._to, self._from = host, to, from_
        self._glimpse, self._mirror = Glimpse(host.eye), Mirror()
        self._changed = threading.Condition()
        self._asked: dict[str, Any] | None = None
        self._urgent: deque[dict[str, Any]] = deque(maxlen=_URGENT)
        self._over = False
        self._told_at_s = time.monotonic()
        self._version = -1
        self._test_until_s = 0.0
        self._signing = False
        self.shown_at_s: dict[str, float] = {}
        self.pictures = 0
        self._writer = threading.Thread(target=self._speak, name="window", daemon=True)
        self._writer.start()
        self.tell({"t": "hello", **host.hello})

    def tell(self, body: dict[str, Any]) -> None:
        """Send ``body`` before anything else, once the window asks."""
        with self._changed:
            self._urgent.append(body)
            self._changed.notify_all()
        self._host.board.wake()

    def listen(self) -> None:
        """Hear the window until it ends; what it says wrongly ends it too."""
        try:
            while (message := receive(self._from)) is not None:
                self._hear(message)
        except (ProtocolError, OSError, ValueError) as exc:
            if not self._over:
                logger.warning("window: %s", exc)

    def close(self) -> None:
        """Nothing more is said."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
        self._host.board.wake()

    @property
    def is_stuck(self) -> bool:
        """Whether it was told something long ago and asked for nothing since."""
        with self._changed:
            return self._asked is None and time.monotonic() - self._told_at_s > _STUCK_S

    # What follows runs in the thread that listens.

    def _hear(self, message: Message) -> None:
        heard: dict[str, Callable[[dict[str, Any]], None]] = {
            "next": self._next,
            "cancel": self._cancel,
            "answer": self._answer,
            "shown": self._shown,
            "sign": self._sign,
            "mine": self._mine,
            "test": self._test,
            "fault": self._fault,
            "quit": lambda _body: self._host.quit(),
        }
        act = heard.get(message.type)
        if act is None:
            raise ProtocolError("the window says what nobody knows")
        act(message.body)

    def _next(self, body: dict[str, Any]) -> None:
        with self._changed:
            self._asked = body
            self._changed.notify_all()

    def _cancel(self, body: dict[str, Any]) -> None:
        end = _ENDS.get(str(body.get("by")), End.PERSON)
        self._test_until_s = 0.0
        self._host.booth.cancel(str(body.get("encounter", "")), end)

    def _answer(self, body: dict[str, Any]) -> None:
        given = Consent(
            str(body.get("encounter", "")),
            Stage(str(body.get("stage"))),
            body.get("accepted") is True,
            str(body.get("staff", "")).strip()[:50],
            id_card=body.get("id_card") is True,
        )
        self._host.counter.answer(given)

    def _shown(self, body: dict[str, Any]) -> None:
        self.shown_at_s[str(body.get("encounter", ""))] = time.monotonic()

    def _test(self, body: dict[str, Any]) -> None:
        self._test_until_s = time.monotonic() + _TEST_S if body.get("on") is True else 0.0
        self._host.board.wake()

    def _fault(self, body: dict[str, Any]) -> None:
        logger.warning("window: %s", str(body.get("text", ""))[:300])

    def _sign(self, body: dict[str, Any]) -> None:
        wanted = "out" if body.get("sign") == "out" else "in"
        if self._signing:
            return
        self._signing = True
        self._apart(lambda: {"t": "signed", **sign(self._host.caller, wanted, self._host.clock)})

    def _mine(self, body: dict[str, Any]) -> None:
        person, host = str(body.get("person", "")), self._host
        self._apart(lambda: {"t": "mine", "days": mine(host.caller, person, host.clock)})

    def _apart(self, work: Callable[[], dict[str, Any]]) -> None:
        """A call through the door waits for somebody's face: the window goes on meanwhile."""

        def run() -> None:
            try:
                self.tell(work())
            finally:
                self._signing = False

        threading.Thread(target=run, name="window-call", daemon=True).start()

    # What follows runs in the thread that speaks.

    def _speak(self) -> None:
        try:
            while (asked := self._awaited()) is not None:
                self._reply(asked)
        except (OSError, ValueError) as exc:
            if not self._over:
                logger.info("window does not hear: %s", exc)
        finally:
            self._glimpse.rest()
            # Its end of the pipe is the word to go; only who writes may close it.
            with contextlib.suppress(OSError):
                self._to.close()

    def _awaited(self) -> dict[str, Any] | None:
        """What the window asked for; ``None`` when it is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._asked is not None)
            asked, self._asked = self._asked, None
            return None if self._over else asked

    def _reply(self, asked: dict[str, Any]) -> None:
        height = height_px(asked.get("height")) if asked.get("picture") is True else 0
        body, frame = self._news(height)
        picture = b"" if frame is None else self._mirror.show(frame.bgr, height).data.cast("B")
        if frame is not None:
            body["rows"] = height
        self._send(encode(body, len(picture)))
        self._send(picture)
        self.pictures += frame is not None
        with self._changed:
            self._told_at_s = time.monotonic()
        time.sleep(_GAP_S)

    def _send(self, data: bytes | memoryview) -> None:
        left = memoryview(data)
        while left:
            left = left[self._to.write(left) :]

    def _news(self, height: int) -> tuple[dict[str, Any], Frame | None]:
        if self._urgent:
            return self._urgent.popleft(), None
        posted = self._host.board.look()
        testing = time.monotonic() < self._test_until_s and posted.phase is not Phase.LOOKING
        if testing:
            return self._tested(height)
        frame = None
        if not height:
            self._glimpse.rest()
        if height and self._host.eye.supervisor is not None:
            frame = self._glimpse.of_encounter(posted, _FRAME_S)
            posted = self._host.board.look()
        elif posted.version == self._version:
            looking = posted.phase is Phase.LOOKING
            beat_s = _LOOKING_BEAT_S if looking else _BEAT_S
            posted = self._host.board.wait(self._version, beat_s)
        if height and frame is None:
            frame = self._glimpse.of_encounter(posted, 0.0)
        self._version = posted.version
        return self._state(posted), frame

    def _state(self, posted: Posted) -> dict[str, Any]:
        """A window that may answer attends the counter by looking."""
        host = self._host
        view = host.counter.look() if host.ui.window else View("", None, None)
        status = host.status(posted.phase).body()
        return {"t": "state", "screen": screen(posted, view), "status": status}

    def _tested(self, height: int) -> tuple[dict[str, Any], Frame | None]:
        body: dict[str, Any] = {"phase": "test", "purpose": Purpose.ATTENDANCE.value}
        body["left_s"] = round(self._test_until_s - time.monotonic(), 1)
        frame = None
        try:
            frame = self._glimpse.of_test(_FRAME_S) if height else None
        except DeviceError as exc:
            self._test_until_s = 0.0
            self._glimpse.rest()
            body["result"] = result(cause_of(exc), Purpose.ATTENDANCE)
        status = self._host.status(Phase.IDLE).body()
        return {"t": "state", "screen": body, "status": status}, frame
