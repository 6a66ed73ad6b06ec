"""The three things the capture window says beside the picture: what to do, a question, the end."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar, cast

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from yibao_face.daemon.ui.model import Prompt, Result, Screen
from yibao_face.daemon.ui.text import Catalogue
from yibao_face.daemon.ui.widget.theme import (
    BODY_PT,
    HINT_PT,
    LEAST_PT,
    REASON_PT,
    SMALL_PT,
    Theme,
    font,
)

# Long enough to be read, before another hint takes its place.
_HINT_S = 0.9
_STAFF_CHARACTERS = 20
_Widget = TypeVar("_Widget", bound=QWidget)


def label(points: float, *, bold: bool = False, name: str = "", least: float = 10.0) -> QLabel:
    """A text that is never taken for markup, and breaks where it is too long.

    ``least``: points it keeps on however small a screen, see ``scale``.
    """
    made = QLabel()
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(True)
    made.setObjectName(name)
    return _sized(made, points, least, 0, bold=bold)


def button(
    text: str, act: Callable[[], None], *, main: bool = False, large: bool = False
) -> QPushButton:
    """A button large enough for an unsteady finger. ``main``: the one to choose, ``large`` too."""
    made, large = QPushButton(text), main or large
    _sized(made, BODY_PT if large else SMALL_PT, 10.0, 66 if large else 48, bold=large)
    made.setObjectName("main" if main else "other")
    made.setAccessibleName(text)
    made.setAutoDefault(True)
    made.clicked.connect(partial(only, act))
    return made


def only(act: Callable[[], None], _pressed: object = None) -> None:
    """``act``, whatever Qt hands over beside the click."""
    act()


def scale(of: QWidget, factor: float) -> None:
    """Fonts and heights of all within ``of``: ``factor`` times what they were made with."""
    for widget in cast("list[QWidget]", of.findChildren(QWidget)):
        sizes = cast("tuple[float, float, int, bool] | None", widget.property("sizes"))
        if sizes is None:
            continue
        points, least, height, bold = sizes
        widget.setFont(font(max(least, points * factor), bold=bool(bold)))
        if height:
            widget.setMinimumHeight(round(height * factor))


def _sized(made: _Widget, points: float, least: float, height: int, *, bold: bool) -> _Widget:
    made.setFont(font(points, bold=bold))
    made.setMinimumHeight(height)
    made.setProperty("sizes", (points, least, height, bold))
    return made


class HintPage(QWidget):
    """One hint at a time, how far it is, how long there still is."""

    def __init__(self, texts: Catalogue) -> None:
        super().__init__()
        self._texts, self._since_s = texts, 0.0
        self.hint = label(HINT_PT, bold=True, least=LEAST_PT)
        self.hint.setAccessibleDescription(texts("access.hint"))
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(22)
        self.progress.setRange(0, 100)
        self.progress.setAccessibleName(texts("access.progress"))
        self.left = label(BODY_PT, name="faint")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(14)
        column.addWidget(self.hint)
        column.addWidget(self.progress)
        column.addWidget(self.left)

    def show_screen(self, screen: Screen) -> None:
        """Take over how it goes."""
        self._say(self._wanted(screen), at_once=screen.task is not None)
        percent = round(screen.share * 100)
        self.progress.setValue(percent)
        self.progress.setVisible(screen.task is None and screen.phase == "looking")
        self.progress.setAccessibleDescription(self._texts("progress", percent=percent))
        left_s = screen.task.left_s if screen.task is not None else screen.left_s
        told = screen.phase in ("looking", "test") and 0 < left_s < 600
        seconds = int(left_s) + 1
        self.left.setText(self._texts("left.seconds", seconds=seconds) if told else "")

    def _wanted(self, screen: Screen) -> str:
        if screen.phase == "test":
            return self._texts("hint.test")
        if screen.phase != "looking":
            return self._texts("hint.judged")
        if screen.task is not None:
            return screen.task.text
        if screen.hint:
            return screen.hint
        return self._texts("hint.hold" if screen.usable else "hint.start")

    def _say(self, text: str, *, at_once: bool) -> None:
        now_s = time.monotonic()
        if text == self.hint.text() or (not at_once and now_s - self._since_s < _HINT_S):
            return
        self._since_s = now_s
        self.hint.setText(text)
        self.hint.setAccessibleName(text)

    def reset(self) -> None:
        """Another person: nothing is waited for to be read."""
        self._since_s = 0.0
        self.hint.setText("")


class PromptPage(QWidget):
    """Consent, or the clerk's confirmation; ``answered``: accepted, staff number, by ID card."""

    answered = Signal(bool, str, bool)

    def __init__(self, texts: Catalogue) -> None:
        super().__init__()
        self._texts, self._stage = texts, ""
        self.head = label(BODY_PT, bold=True, name="title")
        self.text = label(BODY_PT)
        self.person = label(SMALL_PT, name="faint")
        self.staff = QLineEdit()
        _sized(self.staff, BODY_PT, 10.0, 52, bold=False)
        self.staff.setMaxLength(_STAFF_CHARACTERS)
        self.staff.setPlaceholderText(texts("prompt.staff"))
        self.staff.setAccessibleName(texts("prompt.staff"))
        self.staff.returnPressed.connect(self._to_yes)
        self.slip = label(SMALL_PT)
        # To agree and not to are offered alike.
        self.agree = button(texts("button.agree"), lambda: self._answer(card=False), large=True)
        self.refuse = button(texts("button.disagree"), self._refuse, large=True)
        self.yes = button(texts("button.confirm"), lambda: self._answer(card=False), main=True)
        self.card = button(texts("button.card"), lambda: self._answer(card=True))
        self.no = button(texts("button.deny"), self._refuse)
        self._lay_out()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        for widget in (self.head, self.text, self.person, self.staff, self.slip):
            column.addWidget(widget)
        row = QHBoxLayout()
        row.setSpacing(10)
        for made in (self.agree, self.refuse, self.yes, self.card, self.no):
            row.addWidget(made)
        column.addLayout(row)

    def show_prompt(self, prompt: Prompt) -> bool:
        """Ask ``prompt``; what was typed stays while the same is asked.

        Whether a staff number is to be typed now. No answer is ever given by a stray Enter, as
        code scanners send it: a button is chosen first.
        """
        confirms = prompt.stage == "confirm"
        fresh, self._stage = prompt.stage != self._stage, prompt.stage
        self.head.setText(self._texts("prompt.confirm" if confirms else "prompt.consent"))
        self.text.setText(prompt.text)
        self.person.setText(self._texts("prompt.person", person=prompt.person))
        for widget in (self.staff, self.yes, self.card, self.no, self.slip):
            widget.setVisible(confirms)
        for widget in (self.agree, self.refuse):
            widget.setVisible(not confirms)
        if fresh:
            self.staff.clear()
            self.slip.clear()
        return fresh and confirms

    def _to_yes(self) -> None:
        self.yes.setFocus()

    def reset(self) -> None:
        """Nothing is asked."""
        self._stage = ""

    def _refuse(self) -> None:
        self.answered.emit(False, "", False)

    def _answer(self, *, card: bool) -> None:
        staff = self.staff.text().strip()
        if self._stage == "confirm" and not staff:
            self.slip.setText(self._texts("prompt.staff.empty"))
            self.staff.setFocus()
            return
        self.answered.emit(True, staff, card)


class ResultPage(QWidget):
    """How it ended, why, and what to do next."""

    def __init__(self, texts: Catalogue, theme: Theme) -> None:
        super().__init__()
        self._texts, self._theme = texts, theme
        self.head = label(44, bold=True)
        self.reason = label(REASON_PT, bold=True, least=LEAST_PT)
        self.step = label(REASON_PT, least=LEAST_PT)
        self.day = label(BODY_PT)
        self.closing = label(SMALL_PT, name="faint")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        for widget in (self.head, self.reason, self.step, self.day, self.closing):
            column.addWidget(widget)

    def show_result(self, result: Result, seconds: int) -> None:
        """``seconds``: until the window closes."""
        key = "result.good" if result.good else "result.bad"
        self.head.setText(self._texts(key))
        colour = self._theme.good if result.good else self._theme.bad
        self.head.setStyleSheet(f"color: {colour};")
        self.reason.setText(result.reason)
        self.step.setText(result.step)
        self.step.setVisible(bool(result.step))
        told = "，".join(text for text in (self._texts(key), result.reason, result.step) if text)
        self.setAccessibleName(told)
        self.show_left(seconds)

    def show_day(self, text: str) -> None:
        """The signs of the day, where somebody signed."""
        self.day.setText(text)
        self.day.setVisible(bool(text))

    def show_left(self, seconds: int) -> None:
        """Seconds until the window closes."""
        self.closing.setText(self._texts("result.closing", seconds=seconds))
