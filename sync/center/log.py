"""One JSON line per event. Only ids of machines, codes and counts: nothing that names a person."""

from __future__ import annotations

import json
import logging

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
