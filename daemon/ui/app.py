"""The windows' own loop: what is heard is shown, what is clicked is said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from PySide6.QtCore import QObject, Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QMessageBox

from yibao_face.daemon.ui.model import (
    Screen,
    Settings,
    Signed,
    Status,
    screen_of,
    settings_of,
    signed_of,
    signs_of,
    status_of,
)
from yibao_face.daemon.ui.pipe import Pipe
from yibao_face.daemon.ui.protocol import Message
from yibao_face.daemon.ui.text import EN, Catalogue
from yibao_face.daemon.ui.voice import Voice
from yibao_face.daemon.ui.widget.theme import SMALL_PT, font, has_chinese, sheet, theme_of
from yibao_face.daemon.ui.widget.tray import Board, Tray
from yibao_face.daemon.ui.widget.window import CaptureWindow

_DIALOG = (
    "QMessageBox { background: #F3F6FB; }"
    "QPushButton { font-size: 16pt; min-width: 90px; min-height: 30px; }"
)
# A word joiner, and a space no line ends at.
_JOINER, _SPACE = "\u2060", "\u00a0"
# Where the console does what needs more than a face.
_PAGES = {"console": "", "special": "#/special", "agent": "#/agents"}


class App(QObject):
    """One per process."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__()
        self._pipe = pipe
        self._ready = False
        self._person = self._name = ""
        self._said = ""
        self._dialog: QMessageBox | None = None
        pipe.heard.connect(self._hear)
        pipe.ended.connect(self._leave)

    def start(self) -> None:
        """Begin to listen, and ask for the first word."""
        self._pipe.start()
        if not has_chinese():
            text = "no Chinese font is installed (apt install fonts-noto-cjk): windows in English"
            self._pipe.say(t="fault", text=text)
        self._next()

    def _hear(self, message: Message) -> None:
        body = message.body
        if message.type == "hello" and not self._ready:
            self._open(settings_of(body))
        elif self._ready:
            self._show(message.type, body, message.picture)
        # After what was just heard is on the screen.
        QTimer.singleShot(0, self._next)

    def _next(self) -> None:
        if self._ready and self._window.wants_picture:
            self._pipe.say(t="next", picture=True, height=self._window.oval.rows)
        else:
            self._pipe.say(t="next", picture=False)

    def _open(self, settings: Settings) -> None:
        self._settings = settings
        language = settings.language if has_chinese() else EN
        self._texts = texts = Catalogue(language)
        self._voice = Voice(Path(settings.voice), settings.volume)
        self._window = window = CaptureWindow(settings, texts)
        acts = {
            "sign-in": lambda: self._sign("in"),
            "sign-out": lambda: self._sign("out"),
            "mine": self._ask_mine,
            "test": lambda: self._pipe.say(t="test", on=True),
            "about": self._about,
            "quit": self._quit,
            "show": self._show_board,
            **{name: self._browse(name) for name in _PAGES},
        }
        self._tray, self._board = Tray(texts, acts), Board(settings, texts, acts)
        window.cancelled.connect(self._cancel)
        window.shown.connect(self._was_shown)
        window.put_away.connect(self._end_test)
        window.answered.connect(self._answer)
        app = cast("QApplication", QApplication.instance())
        for moved in (app.screenRemoved, app.screenAdded):
            moved.connect(self._place)
        self._ready = True

    def _cancel(self, encounter: str, by: str) -> None:
        self._pipe.say(t="cancel", encounter=encounter, by=by)

    def _was_shown(self, encounter: str) -> None:
        self._pipe.say(t="shown", encounter=encounter)

    def _end_test(self) -> None:
        self._pipe.say(t="test", on=False)

    def _place(self, _screen: object = None) -> None:
        self._window.place()

    def _show(self, type_: str, body: Mapping[str, Any], picture: bytes) -> None:
        if type_ == "state":
            self._show_state(body, picture)
        elif type_ == "signed":
            self._show_signed(signed_of(body))
        elif type_ == "mine":
            self._show_mine(body)
        elif type_ == "show":
            self._show_board()

    def _show_board(self) -> None:
        self._board.show()
        self._board.raise_()
        self._board.activateWindow()

    def _show_state(self, body: Mapping[str, Any], picture: bytes) -> None:
        status = status_of(body["status"]) if isinstance(body.get("status"), dict) else Status()
        self._tray.show_status(status)
        self._board.show_status(status)
        raw = body.get("screen")
        screen = screen_of(cast("dict[str, Any]", raw)) if isinstance(raw, dict) else Screen()
        if self._settings.window or screen.phase == "test" or screen.purpose == "attendance":
            self._window.show_screen(screen)
        rows = body.get("rows")
        if picture and isinstance(rows, int):
            self._window.show_picture(picture, rows)
        self._speak(screen)

    def _speak(self, screen: Screen) -> None:
        """What is to be done, once; and how it ended."""
        name = screen.hint_cause
        if screen.task is not None:
            name = screen.task.action
        if screen.result is not None:
            name = screen.result.cause
        if name != self._said:
            self._said = name
            if name:
                self._voice.say(name)

    def _sign(self, sign: str) -> None:
        self._board.hide()
        self._pipe.say(t="sign", sign=sign)

    def _show_signed(self, signed: Signed) -> None:
        if signed.person:
            self._person, self._name = signed.person, signed.name
        day = self._signs(signed.signs)
        line = f"{self._texts('sign.day')}：{day}" if day else ""
        self._window.show_day(signed.name, signed.result, signed.encounter, line)

    def _signs(self, signs: tuple[tuple[str, str], ...]) -> str:
        entries = (
            self._texts("sign.entry", time=at, sign=self._texts(f"sign.{kind}"))
            for kind, at in signs
            if kind in ("in", "out")
        )
        # A line may end between two of them, not within one.
        return "　".join(_JOINER.join(entry.replace(" ", _SPACE)) for entry in entries)

    def _ask_mine(self) -> None:
        if self._person:
            self._pipe.say(t="mine", person=self._person)
        else:
            self._tell(self._texts("mine.title"), self._texts("mine.nobody"))

    def _show_mine(self, body: Mapping[str, Any]) -> None:
        raw = body.get("days")
        rows = cast("list[object]", raw) if isinstance(raw, list) else []
        days = [cast("dict[str, Any]", row) for row in rows if isinstance(row, dict)]
        lines = [
            self._texts(
                "mine.line",
                day=str(day.get("day", ""))[:10],
                signs=self._signs(signs_of(day.get("signs"))) or self._texts("mine.none"),
            )
            for day in days
        ]
        head = self._texts("mine.who", name=self._name)
        self._tell(self._texts("mine.title"), "\n".join([head, "", *lines]))

    def _about(self) -> None:
        at = self._settings
        told = self._texts("about.text", version=at.version, address=at.address)
        self._tell(self._texts("menu.about"), told)

    def _quit(self) -> None:
        box = self._box(self._texts("menu.quit"), self._texts("quit.ask"))
        yes = box.addButton(self._texts("quit.yes"), QMessageBox.ButtonRole.DestructiveRole)
        no = box.addButton(self._texts("quit.no"), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(no)

        def decided(_code: int) -> None:
            if box.clickedButton() is yes:
                self._pipe.say(t="quit")

        box.finished.connect(decided)
        box.open()

    def _tell(self, title: str, text: str) -> None:
        box = self._box(title, text)
        box.addButton(self._texts("button.close"), QMessageBox.ButtonRole.AcceptRole)
        box.open()

    def _box(self, title: str, text: str) -> QMessageBox:
        """A dialog that does not hold up what the daemon says; gone once closed."""
        box = QMessageBox()
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setStyleSheet(sheet(theme_of("normal")) + _DIALOG)
        box.setFont(font(SMALL_PT))
        box.setWindowTitle(title)
        box.setText(text)
        # Whoever opens it does not wait for it: something must hold it meanwhile.
        self._dialog = box
        return box

    def _browse(self, name: str) -> Any:
        def open_() -> None:
            QDesktopServices.openUrl(QUrl(f"{self._settings.address}/ui{_PAGES[name]}"))

        return open_

    def _answer(self, encounter: str, stage: str, accepted: bool, staff: str, card: bool) -> None:
        said = {"encounter": encounter, "stage": stage, "accepted": accepted}
        self._pipe.say(t="answer", **said, staff=staff, id_card=card)

    def _leave(self) -> None:
        QApplication.quit()
