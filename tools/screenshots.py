"""Make the pictures of docs/ui: ``python3 tools/screenshots.py [FOLDER]``.

The windows are the real ones, at the end of a real pipe; what they show is staged, and the person
before the camera is drawn: no real face is in any picture. Needs Xvfb, openbox, trayer, xdotool,
ImageMagick and PySide6.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from yibao_face.daemon.agent.status import Link
from yibao_face.daemon.agent.window.screen import result
from yibao_face.daemon.booth.board import Visit
from yibao_face.daemon.booth.counter import Prompt, Stage
from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.challenge import Action
from yibao_face.daemon.core.liveness.modality import Purpose
from yibao_face.daemon.demo.window.desktop import virtual_desktop
from yibao_face.daemon.demo.window.drawn import SIZE, drawn_face
from yibao_face.daemon.demo.window.staged import Staged, staged
from yibao_face.daemon.demo.window.windows import until_up
from yibao_face.daemon.section import CONSENT_TEXT, UiConfig

ROOT = Path(__file__).resolve().parent.parent
# Name of the set, pixels, scale of the desktop.
SETS = (
    ("1280x720", (1280, 720), "1"),
    ("1920x1080", (1920, 1080), "1"),
    ("1280x720-150", (1280, 720), "1.5"),
)
READ_S = 1.3
COLOURS = "96"
Show = Callable[[Staged], None]


def visit(name: str, purpose: Purpose = Purpose.SETTLEMENT) -> Visit:
    """An invented person, a visit of his own each time."""
    return Visit(f"shot-{time.monotonic_ns()}", purpose, name, "")


def seen(stage: Staged, usable: int, name: str = "张小丰", share: float = 1.0) -> str:
    """Somebody stands there, ``usable`` of five frames are had; the encounter's id."""
    shown = visit(name)
    stage.begin(shown)
    stage.board.placed((drawn_face(0.0, share),), SIZE)
    stage.board.counted(usable)
    return shown.encounter


def start(stage: Staged) -> None:
    """Nobody is found yet."""
    stage.begin(visit("张小丰"))


def good(stage: Staged) -> None:
    """All is well, and three of five frames are had."""
    seen(stage, 3)


def hint(stage: Staged) -> None:
    """The longest hint there is."""
    seen(stage, 2)
    time.sleep(0.1)
    stage.counter.tell(Cause.GLARE)


def action(of: Action) -> Show:
    """A movement is asked for."""

    def show(stage: Staged) -> None:
        seen(stage, 5)
        stage.counter.ask_action(of, 6.0)

    return show


def asked(of: Stage, text: str) -> Show:
    """The person, or the clerk, is asked something."""

    def show(stage: Staged) -> None:
        id_ = seen(stage, 0 if of is Stage.CONSENT else 5, "欧阳明月")
        prompt = Prompt(id_, of, text, "2023-106-1", "44**************20")
        stage.ask(prompt, Attempt(READ_S + 0.4))

    return show


def ended(cause: Cause, name: str = "张小丰") -> Show:
    """It is over, and told."""

    def show(stage: Staged) -> None:
        stage.end(seen(stage, 5, name), cause)

    return show


def signed(stage: Staged) -> None:
    """Somebody signed in by the tray, with the signs of his day."""
    shown = visit("", Purpose.ATTENDANCE)
    stage.begin(shown)
    stage.end(shown.encounter, Cause.SIGNED_IN)
    body: dict[str, Any] = {
        "t": "signed",
        "result": result(Cause.SIGNED_IN, Purpose.ATTENDANCE),
        "encounter": shown.encounter,
        "name": "李*",
        "person": "0123456789ab",
        "signs": [["in", "08:01"], ["out", "12:02"], ["in", "13:27"]],
    }
    time.sleep(0.3)
    stage.keeper.tell(body)


def menu(stage: Staged) -> None:
    """The tray's menu."""
    stage.rest()
    time.sleep(READ_S)
    width = int(os.environ["SCREEN_WIDTH"])
    subprocess.run(["xdotool", "mousemove", str(width - 12), "12", "click", "1"], check=True)


def board(stage: Staged) -> None:
    """What a second start of the program shows; away from the centre."""
    stage.rest()
    stage.link = Link(online=False, waiting=12)
    time.sleep(2.5)
    stage.keeper.tell({"t": "show"})


STATES: dict[str, Show] = {
    "01-start": start,
    "02-good": good,
    "03-hint": hint,
    "04-mouth": action(Action.MOUTH),
    "05-turn-left": action(Action.TURN_LEFT),
    "06-blink": action(Action.BLINK),
    "07-consent": asked(Stage.CONSENT, CONSENT_TEXT),
    "08-confirm": asked(
        Stage.CONFIRM, "请核对本人与证件，确认为同一人，或刷身份证、拍摄证件照比对"
    ),
    "09-passed": ended(Cause.MATCHED_SELF),
    "10-refused": ended(Cause.SPOOF_FLAT),
    "11-refused-long": ended(Cause.CAMERA_UNTRUSTED, "阿卜杜拉·买买提"),
    "12-cancelled": ended(Cause.CANCELLED_BY_PERSON),
    "13-signed-in": signed,
    "14-menu": menu,
    "15-again": board,
}
CONTRASTED = ("03-hint", "05-turn-left", "07-consent", "10-refused")


@contextmanager
def on_display(size: tuple[int, int], scale: str) -> Generator[None, None, None]:
    """A desktop of ``size``, named in the environment of what is started."""
    with virtual_desktop(*size) as desktop:
        os.environ.update(desktop.environment)
        os.environ["QT_SCALE_FACTOR"], os.environ["SCREEN_WIDTH"] = scale, str(size[0])
        yield


def shoot(folder: Path, name: str) -> None:
    """The whole screen, in few colours."""
    made = folder / f"{name}.png"
    command = ["import", "-window", "root", "+dither", "-colors", COLOURS, f"PNG8:{made}"]
    subprocess.run(command, check=True)


def run(folder: Path, ui: UiConfig, names: tuple[str, ...]) -> None:
    """Every state of ``names``, one after the other, in the same windows."""
    folder.mkdir(parents=True, exist_ok=True)
    with staged(ui) as stage:
        until_up(stage)
        stage.rest()
        time.sleep(1.0)
        for name in names:
            STATES[name](stage)
            time.sleep(READ_S)
            shoot(folder, name)
            subprocess.run(["xdotool", "key", "Escape"], check=True)
            stage.rest()
            time.sleep(0.6)


def main(arguments: list[str]) -> int:
    """Make them all."""
    out = Path(arguments[0]) if arguments else ROOT / "docs" / "ui"
    plain = UiConfig(volume=0)
    for name, size, scale in SETS:
        with on_display(size, scale):
            run(out / name, plain, tuple(STATES))
            print(f"{name}: {len(STATES)} pictures")
    with on_display((1280, 720), "1"):
        run(out / "high-contrast", replace(plain, contrast="high"), CONTRASTED)
        run(out / "english", replace(plain, language="en"), ("02-good", "07-consent", "14-menu"))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
