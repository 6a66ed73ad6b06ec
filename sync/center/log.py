"""One JSON line per event. Only ids of machines, codes and counts: nothing that names a person."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

_LOGGER = logging.getLogger("yibao_face.center")


def event(name: str, **values: str | int | None) -> None:
    """Something ended as it should."""
    _LOGGER.info("%s", _line(name, values))


def warning(name: str, **values: str | int | None) -> None:
    """Something was refused, or somebody should look at it."""
    _LOGGER.warning("%s", _line(name, values))


def _line(name: str, values: dict[str, str | int | None]) -> str:
    told = {key: value for key, value in values.items() if value is not None}
    return json.dumps({"event": name, **told}, ensure_ascii=True)


class JsonLines(logging.Formatter):
    """One JSON object per line, of this centre's events and of what libraries have to say.

    Of the latter only what is fixed in their text and the kind of an error: their values, and
    messages of errors, may hold what a request held.
    """

    def format(self, record: logging.LogRecord) -> str:
        """See ``logging.Formatter``."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        head = {"at": at, "level": record.levelname.lower()}
        if record.name == _LOGGER.name:
            return json.dumps(head)[:-1] + ", " + record.getMessage()[1:]
        error = record.exc_info[0] if record.exc_info else None
        told = {"event": "log", "logger": record.name, "message": str(record.msg)}
        return json.dumps({**head, **told, **({"error": error.__name__} if error else {})})
