"""The capture window: what the person before the camera sees, and may answer or end."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeyEvent, QResizeEvent, QScreen
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLayout, QVBoxLayout, QWidget

from yibao_face.daemon.ui.model import Result, Screen, Settings
from yibao_face.daemon.ui.text import Catalogue
from yibao_face.daemon.ui.widget.oval import OvalView
from yibao_face.daemon.ui.widget.page import HintPage, PromptPage, ResultPage, button, label, scale
from yibao_face.daemon.ui.widget.theme import BODY_PT, SMALL_PT, sheet, theme_of

_GOOD_S, _BAD_S = 4, 10
_TICK_MS = 100
# Of the main screen, where the hospital program stays visible around it.
_SHARE = 0.92
# Sizes are drawn for a window so high; nothing shrinks or grows further than this.
_DRAWN_PX, _LEAST_SCALE, _MOST_SCALE = 690, 0.6, 1.8
# A screen smaller than this is taken whole.
_SMALL_PX = 800
_FLAGS = (
    Qt.WindowType.Window | Qt.WindowType.FramelessWindowHint | Qt.WindowType.WindowStaysOnTopHint
)


class CaptureWindow(QWidget):
    """``cancelled``: encounter, and by whom; ``answered``: encounter, stage, accepted, staff
    number, by ID card; ``shown``: of which encounter; ``put_away``: a test was ended."""

    cancelled = Signal(str, str)
    answered = Signal(str, str, bool, str, bool)
    shown = Signal(str)
    put_away = Signal()

    def __init__(self, settings: Settings, texts: Catalogue) -> None:
        super().__init__(None, _FLAGS)
        self._settings, self._texts = settings, texts
        theme = theme_of(settings.contrast)
        self._screen, self._told, self._closes_in_s = Screen(), "", 0.0
        self._painted = ""
        self.oval = OvalView(theme)
        self.oval.setAccessibleName(texts("access.picture"))
        self.hints, self.prompts = HintPage(texts), PromptPage(texts)
        self.results = ResultPage(texts, theme)
        self.title, self.who = label(BODY_PT, name="title"), label(BODY_PT, bold=True)
        self.consent = label(SMALL_PT, name="faint")
        self.cancel = button(texts("button.cancel"), self._cancel_by_person, main=True)
        self.clerk = button(texts("button.clerk"), lambda: self._cancel("clerk"))
        self._pages = (self.hints, self.prompts, self.results)
        self._lay_out()
        self.setObjectName("ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setStyleSheet(sheet(theme))
        self.setWindowTitle(texts("app.name"))
        self.setAccessibleName(texts("access.window"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.oval.painted.connect(self._was_painted)
        self.prompts.answered.connect(self._answer)
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._tick)

    @property
    def wants_picture(self) -> bool:
        """Whether there is anybody to be shown to himself."""
        return self.isVisible() and self._screen.phase in ("looking", "test")

    def show_screen(self, screen: Screen) -> None:
        """Take over how it goes; opens and closes by itself."""
        if screen.phase == "idle":
            self._rest()
        elif screen.result is not None:
            self.show_result(screen)
        elif screen.phase == "judged" and screen.encounter != self._screen.encounter:
            # It began and ended unseen: its result is what counts.
            return
        else:
            self._go_on(screen)

    def show_picture(self, data: bytes, rows: int) -> None:
        """See ``OvalView.show_picture``."""
        if self.wants_picture:
            self.oval.show_picture(data, rows)

    def show_result(self, screen: Screen, day: str = "") -> None:
        """Show how an encounter ended, once; it closes by itself."""
        found = screen.result
        if found is None or (screen.encounter and self._told == screen.encounter and not day):
            return
        self._told = screen.encounter or self._told
        self._screen = screen
        self._closes_in_s = float(_GOOD_S if found.good else _BAD_S)
        self._name(screen)
        self.oval.clear()
        self.oval.show_screen(screen)
        self.results.show_result(found, int(self._closes_in_s))
        self.results.show_day(day)
        self._entitle(self.results.accessibleName())
        self.consent.clear()
        self.cancel.setText(self._texts("button.close"))
        self.cancel.setAccessibleName(self._texts("button.close"))
        self.clerk.hide()
        self._turn_to(self.results)
        self._open()
        self.setFocus()

    def show_day(self, who: str, result: Result, encounter: str, day: str) -> None:
        """The result of a sign again, with who it was and the signs of the day."""
        ended = replace(Screen(), phase="told", encounter=encounter, who=who, result=result)
        self.show_result(replace(ended, purpose="attendance"), day)

    def _go_on(self, screen: Screen) -> None:
        first = (screen.encounter, screen.phase == "test") != (
            self._screen.encounter,
            self._screen.phase == "test",
        ) or self._screen.result is not None
        self._screen = screen
        if first:
            self._begin(screen)
        if screen.phase == "judged":
            self.oval.clear()
        self.oval.show_screen(screen)
        self.hints.show_screen(screen)
        self._entitle(self.hints.hint.text())
        prompt = screen.prompt
        if prompt is None:
            self.prompts.reset()
            self._turn_to(self.hints)
        else:
            self._entitle(prompt.text)
            types = self.prompts.show_prompt(prompt)
            self._turn_to(self.prompts)
            if types:
                self.prompts.staff.setFocus()
        if first or not self.isVisible():
            self._open()

    def _begin(self, screen: Screen) -> None:
        self._painted = ""
        self.oval.clear()
        self.hints.reset()
        self._name(screen)
        tests = screen.phase == "test"
        key = "button.close" if tests else "button.cancel"
        self.cancel.setText(self._texts(key))
        self.cancel.setAccessibleName(self._texts("button.close" if tests else "access.cancel"))
        self.clerk.setVisible(not tests)
        self.consent.setText("" if tests else self._texts("consent.line"))
        # Not on a button: a code scanner's Enter must not end the encounter.
        self.setFocus()

    def _name(self, screen: Screen) -> None:
        purpose = "test" if screen.phase == "test" else screen.purpose
        key = purpose if purpose in ("attendance", "test") else "settlement"
        self.title.setText(self._texts(f"title.{key}"))
        named = self._texts("who.expected", who=screen.who) if screen.who else ""
        unnamed = "" if screen.result is not None or key == "test" else self._texts("who.anybody")
        self.who.setText(named or unnamed)

    def _rest(self) -> None:
        """Nobody is before the camera; a result stays until it was read."""
        if self._screen.result is None:
            self._screen = Screen()
            self._hide()

    def _hide(self) -> None:
        self._timer.stop()
        self.oval.clear()
        self.hide()

    def _open(self) -> None:
        if not self.isVisible():
            self.place()
            self.show()
        self._timer.start()
        self.raise_()
        self.activateWindow()

    def place(self) -> None:
        """Over the configured screen, or in the middle of the main one."""
        screens = QGuiApplication.screens()
        beside = [s for s in screens if s is not QGuiApplication.primaryScreen()]
        number = self._settings.screen
        if 1 <= number <= len(beside):
            self.setGeometry(beside[number - 1].geometry())
            return
        # Its stubs do not say so, but a session may lose its last screen.
        primary = cast("QScreen | None", QGuiApplication.primaryScreen())
        if primary is None:
            return
        room = primary.availableGeometry()
        share = 1.0 if min(room.width(), room.height()) < _SMALL_PX else _SHARE
        width, height = round(room.width() * share), round(room.height() * share)
        wide = min(width, round(height * 1.7))
        self.setGeometry(
            room.x() + (room.width() - wide) // 2,
            room.y() + (room.height() - height) // 2,
            wide,
            height,
        )

    def _cancel_by_person(self) -> None:
        if self._screen.result is not None:
            self._put_away()
        elif self._screen.phase == "test":
            self.put_away.emit()
            self._put_away()
        else:
            self._cancel("person")

    def _put_away(self) -> None:
        self._screen = Screen()
        self._hide()

    def _cancel(self, by: str) -> None:
        if self._screen.phase in ("looking", "judged") and self._screen.result is None:
            self.cancelled.emit(self._screen.encounter, by)

    def _answer(self, accepted: bool, staff: str, card: bool) -> None:
        prompt = self._screen.prompt
        if prompt is not None:
            self.answered.emit(self._screen.encounter, prompt.stage, accepted, staff, card)

    def _was_painted(self) -> None:
        if self._screen.encounter and self._painted != self._screen.encounter:
            self._painted = self._screen.encounter
            self.shown.emit(self._painted)

    def _tick(self) -> None:
        self.oval.tick()
        if self._screen.result is None:
            return
        self._closes_in_s -= _TICK_MS / 1000
        if self._closes_in_s <= 0:
            self._put_away()
        else:
            self.results.show_left(int(self._closes_in_s) + 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  # Qt's own name
        """Esc is the person's cancel, F8 the clerk's."""
        if event.key() == Qt.Key.Key_Escape:
            self._cancel_by_person()
        elif event.key() == Qt.Key.Key_F8:
            self._cancel("clerk")
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._screen.result:
            self._put_away()
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802  # Qt's own name
        """Closing it in the middle ends the encounter, as the clerk's word; the end is shown."""
        event.ignore()
        if self._screen.phase in ("looking", "judged") and self._screen.result is None:
            self._cancel("clerk")
        else:
            self._cancel_by_person()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  # Qt's own name
        """An upright screen has the picture above, others beside the words."""
        super().resizeEvent(event)
        scale(self, max(_LEAST_SCALE, min(self.height() / _DRAWN_PX, _MOST_SCALE)))
        upright = self.height() > self.width()
        way = QBoxLayout.Direction
        self._body.setDirection(way.TopToBottom if upright else way.LeftToRight)

    def _entitle(self, told: str) -> None:
        """What it says is its title too: for screen readers, and for the list of windows."""
        name = self._texts("app.name")
        self.setWindowTitle(f"{told} - {name}" if told else name)

    def _turn_to(self, shown: QWidget) -> None:
        for page in self._pages:
            page.setVisible(page is shown)

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(8)
        words.addWidget(self.title)
        words.addWidget(self.who)
        words.addStretch(1)
        for page in self._pages:
            words.addWidget(page)
        words.addStretch(1)
        words.addWidget(self.consent)
        words.addLayout(self._buttons())
        self._body = QHBoxLayout(self)
        # Never larger than its screen, whatever is to be said.
        self._body.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        self._body.setContentsMargins(20, 16, 28, 16)
        self._body.setSpacing(20)
        self._body.addWidget(self.oval, 5)
        self._body.addLayout(words, 6)

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(12)
        row.addWidget(self.cancel, 3)
        row.addWidget(self.clerk, 2)
        return row
