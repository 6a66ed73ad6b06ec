"""The tray and, where there is none or it is not found, a window with the same buttons."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QCursor
from PySide6.QtWidgets import QGridLayout, QMenu, QPushButton, QSystemTrayIcon, QWidget

from yibao_face.daemon.ui.model import Settings, Status
from yibao_face.daemon.ui.text import Catalogue
from yibao_face.daemon.ui.widget.icon import icon_of
from yibao_face.daemon.ui.widget.page import label, only
from yibao_face.daemon.ui.widget.theme import BODY_PT, SMALL_PT, font, sheet, theme_of

Act = Callable[[], None]
# key of the text -> name of the act; None: a line between
MENU: tuple[tuple[str, str] | None, ...] = (
    ("sign.in", "sign-in"),
    ("sign.out", "sign-out"),
    ("menu.mine", "mine"),
    None,
    ("menu.special", "special"),
    ("menu.agent", "agent"),
    ("menu.console", "console"),
    None,
    ("menu.test", "test"),
    ("menu.about", "about"),
    ("menu.quit", "quit"),
)
# Worth a notification when it begins.
_NEWS = {"fault": "note.camera", "offline": "note.offline", "update": "note.update"}
_NOTE_MS = 8000
# Buttons beside each other: all of them fit on the lowest screen.
_COLUMNS = 2


def status_text(texts: Catalogue, status: Status) -> str:
    """One line for a state."""
    if status.light == "fault" and status.reason:
        return status.reason
    key = "tray.camera" if status.light == "fault" else f"tray.{status.light}"
    return texts(key, count=status.waiting, version=status.version)


class Tray:
    """``acts``: what each entry of ``MENU`` does."""

    def __init__(self, texts: Catalogue, acts: dict[str, Act]) -> None:
        self._texts = texts
        self._status = Status()
        self.menu = QMenu()
        self.menu.setFont(font(SMALL_PT))
        self._state = self.menu.addAction("")
        self._state.triggered.connect(partial(only, acts["show"]))
        self.menu.addSeparator()
        self._actions = [self._entry(entry, acts) for entry in MENU]
        self.icon = QSystemTrayIcon(icon_of("starting", 0))
        self.icon.setContextMenu(self.menu)
        self.icon.activated.connect(self._clicked)
        self.show_status(self._status)
        self.icon.show()

    def show_status(self, status: Status) -> None:
        """Tell the state, and what became of it in a notification."""
        before, self._status = self._status, status
        text = status_text(self._texts, status)
        self._state.setText(text)
        self.icon.setToolTip(f"{self._texts('app.name')}：{text}")
        if (status.light, status.waiting) == (before.light, before.waiting):
            return
        self.icon.setIcon(icon_of(status.light, status.waiting))
        if status.light != before.light and status.light in _NEWS:
            self.note(text if status.light == "fault" else self._texts(_NEWS[status.light]))
        elif before.light == "fault":
            self.note(self._texts("note.camera.back"))

    def note(self, text: str) -> None:
        """A notification, where the desktop shows any."""
        kind = QSystemTrayIcon.MessageIcon.Information
        if QSystemTrayIcon.supportsMessages():
            self.icon.showMessage(self._texts("app.name"), text, kind, _NOTE_MS)

    def _entry(self, entry: tuple[str, str] | None, acts: dict[str, Act]) -> QAction:
        if entry is None:
            return self.menu.addSeparator()
        key, act = entry
        action = self.menu.addAction(self._texts(key))
        action.triggered.connect(partial(only, acts[act]))
        return action

    def _clicked(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        """The left button opens the menu too: two clicks for a sign."""
        if reason == QSystemTrayIcon.ActivationReason.Trigger:
            self.menu.popup(QCursor.pos())


class Board(QWidget):
    """What the tray has, as a window: for who starts the program again to find it."""

    def __init__(self, settings: Settings, texts: Catalogue, acts: dict[str, Act]) -> None:
        super().__init__(None, Qt.WindowType.Window)
        self._texts = texts
        self.setObjectName("ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setStyleSheet(sheet(theme_of(settings.contrast)))
        self.setWindowTitle(texts("app.name"))
        self.state = label(BODY_PT, bold=True)
        grid = QGridLayout(self)
        grid.setContentsMargins(24, 20, 24, 20)
        grid.setSpacing(10)
        grid.addWidget(self.state, 0, 0, 1, _COLUMNS)
        for number, entry in enumerate(entry for entry in MENU if entry is not None):
            row, column = divmod(number, _COLUMNS)
            grid.addWidget(self._button(entry, acts), row + 1, column)
        self.setMinimumWidth(480)

    def show_status(self, status: Status) -> None:
        """Tell the state."""
        self.state.setText(status_text(self._texts, status))

    def _button(self, entry: tuple[str, str], acts: dict[str, Act]) -> QPushButton:
        key, act = entry
        made = QPushButton(self._texts(key))
        made.setFont(font(SMALL_PT))
        made.setMinimumHeight(54)
        made.setAccessibleName(self._texts(key))
        made.clicked.connect(partial(only, acts[act]))
        return made
