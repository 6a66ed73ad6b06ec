"""The process of the windows: started by the agent, ended with it."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from yibao_face.daemon.life.crash import CrashFolder, inherited
from yibao_face.daemon.life.redact import clean
from yibao_face.daemon.ui.protocol import NO_DISPLAY, NO_QT


def main() -> int:
    """Run until the daemon closes the pipe; see ``protocol`` for how it may end at once."""
    # Qt's bindings look for numpy and warn of one that is newer than they are; we hand Qt bytes.
    sys.modules["numpy"] = None  # type: ignore[assignment]  # how Python is told "not to be had"
    if sys.platform not in ("win32", "darwin") and not _has_display():
        return NO_DISPLAY
    try:
        from PySide6.QtWidgets import QApplication  # noqa: PLC0415  # where it is not installed
    except ImportError:
        return NO_QT
    from yibao_face.daemon.ui.app import App  # noqa: PLC0415  # needs Qt
    from yibao_face.daemon.ui.pipe import Pipe  # noqa: PLC0415  # needs Qt

    crash = inherited("windows")
    if crash is not None:
        _keep_faults_of_qt(crash)
    pipe_first = Pipe()
    app = QApplication(["yibao-face"])
    app.setQuitOnLastWindowClosed(False)
    app.setApplicationName("yibao-face")
    shown = App(pipe_first)
    shown.start()
    return int(app.exec())


def _keep_faults_of_qt(crash: CrashFolder) -> None:
    """What Qt ends the process with is kept before it does; anything less goes its usual way."""
    from PySide6.QtCore import QtMsgType, qInstallMessageHandler  # noqa: PLC0415  # as above

    def hear(kind: QtMsgType, context: object, text: str) -> None:
        del context
        if kind is QtMsgType.QtFatalMsg:
            crash.keep("qt", clean(text)[:200], [])
        sys.stderr.write(f"{text}\n")

    qInstallMessageHandler(hear)


def _has_display() -> bool:
    named = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return any(os.environ.get(name) for name in named)


def run() -> NoReturn:
    """As ``main``, and end the process."""
    code = main()
    # Threads of ours may still wait for the pipe: nothing is left to be put in order.
    os._exit(code)


if __name__ == "__main__":
    run()
