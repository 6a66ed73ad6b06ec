"""The protocol of ``docs/protocol.md`` as JSON Schemas, one file per body."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, cast


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema called ``name``, e.g. ``batch``; ``FileNotFoundError`` for another."""
    text = files(__name__).joinpath(f"{name}.json").read_text("utf-8")
    return cast(dict[str, Any], json.loads(text))
