"""The log of the service: on stderr and in ``<data>/logs``, of bounded size, naming nobody."""

from __future__ import annotations

import contextlib
import copy
import logging
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

from yibao_face.daemon.life.frame import frames_of
from yibao_face.daemon.life.redact import clean

FILE = "yibao-face.log"
# The file that is written and those before it: ten of 5 MB.
FILES, FILE_BYTES = 10, 5 * 1024 * 1024
_FORM = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_Error: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)

logger = logging.getLogger(__name__)


class Redacting(logging.Formatter):
    """Lines without what may be a person's. Of an error its class and where it was raised: what
    it says may quote what it was given."""

    def __init__(self) -> None:
        super().__init__(_FORM)

    def format(self, record: logging.LogRecord) -> str:
        """See ``logging.Formatter``."""
        own = copy.copy(record)
        # Another handler may have left there what the error said.
        own.exc_text = None
        return super().format(own)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # of the base
        """See ``logging.Formatter``."""
        record.message = clean(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: _Error) -> str:  # noqa: N802  # of the base
        """See ``logging.Formatter``."""
        kind, error, _ = ei
        if kind is None or error is None:
            return ""
        where = [f"  {at.file}:{at.line} {at.function}" for at in frames_of(error.__traceback__)]
        return "\n".join([*where, kind.__name__])


class _File(RotatingFileHandler):
    """A log that cannot be written must not stop anything, nor print what it was given."""

    def _open(self) -> TextIOWrapper:
        stream = super()._open()
        os.chmod(self.baseFilename, 0o600)  # noqa: PTH101  # a name, not a path
        return stream

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # of the base
        """See ``logging.Handler``."""


@contextmanager
def logged(folder: Path, *, verbose: bool) -> Generator[None, None, None]:
    """Log to stderr and to ``folder`` meanwhile. A folder that cannot be is told, no more."""
    root = logging.getLogger()
    handlers: list[logging.Handler] = []
    if not root.handlers:
        handlers.append(logging.StreamHandler(sys.stderr))
    file, why = _file(folder)
    if file is not None:
        handlers.append(file)
    before = root.level
    for handler in handlers:
        handler.setFormatter(Redacting())
        root.addHandler(handler)
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    if file is None:
        logger.warning("no log is kept on disk: %s", why)
    try:
        yield
    finally:
        root.setLevel(before)
        for handler in handlers:
            root.removeHandler(handler)
            # What could not be written cannot be flushed either.
            with contextlib.suppress(OSError):
                handler.close()


def _file(folder: Path) -> tuple[_File | None, str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / FILE
        return _File(path, "a", FILE_BYTES, FILES - 1, "utf-8"), ""
    except OSError as exc:
        return None, exc.strerror or type(exc).__name__
