"""The daemon at the other end of stdin and stdout."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any

from PySide6.QtCore import QObject, Signal

from yibao_face.daemon.ui.protocol import Message, ProtocolError, encode, receive

if sys.platform == "win32":
    import msvcrt


class Pipe(QObject):
    """``heard``: each message, in the thread of the windows. ``ended``: the daemon is gone."""

    heard = Signal(object)
    ended = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._from, self._to = _private(0), _private(1)
        _silence()
        self._thread = threading.Thread(target=self._listen, name="daemon", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def say(self, **body: Any) -> None:
        """Send ``body``; nobody hears it once the daemon is gone."""
        left = memoryview(encode(body))
        try:
            while left:
                left = left[os.write(self._to, left) :]
        except OSError:
            self.ended.emit()

    def _listen(self) -> None:
        try:
            with os.fdopen(self._from, "rb", buffering=0) as source:
                while (message := receive(source)) is not None:
                    self._pass_on(message)
        except (ProtocolError, OSError, RuntimeError):
            # RuntimeError: the windows are gone already.
            pass
        try:
            self.ended.emit()
        except RuntimeError:
            return

    def _pass_on(self, message: Message) -> None:
        self.heard.emit(message)


def _silence() -> None:
    """Whatever prints is not to be taken for a message."""
    try:
        os.dup2(2, 1)
    except OSError:
        # A program without a console has no stderr either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _private(number: int) -> int:
    handle = os.dup(number)
    if sys.platform == "win32":
        msvcrt.setmode(handle, os.O_BINARY)
    return handle
