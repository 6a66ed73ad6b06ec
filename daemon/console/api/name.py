"""Names as the page shows them: enough for a clerk to tell two apart, too little for others."""

from __future__ import annotations

from typing import Any, cast

from yibao_face.daemon.gallery.gallery import Gallery

_KEYS = ("person", "agent")
_SHORT = 12
_STARS = 3


def starred(name: str) -> str:
    """The first character, and a star for each other one, up to three."""
    return name[:1] + "*" * min(len(name) - 1, _STARS)


def with_names(gallery: Gallery, shown: Any) -> Any:
    """``shown`` with ``person_name`` beside each ``person`` that is enrolled, at any depth."""
    return _named(gallery, shown, {})


def _named(gallery: Gallery, shown: Any, known: dict[str, str]) -> Any:
    if isinstance(shown, list):
        return [_named(gallery, item, known) for item in cast("list[object]", shown)]
    if not isinstance(shown, dict):
        return shown
    body = cast("dict[str, Any]", shown)
    names = {
        f"{key}_name": _name(gallery, start, known)
        for key in _KEYS
        if isinstance(start := body.get(key), str) and len(start) >= _SHORT
    }
    return {**{key: _named(gallery, value, known) for key, value in body.items()}, **names}


def _name(gallery: Gallery, start: str, known: dict[str, str]) -> str:
    if start not in known:
        found = gallery.alike(start)
        known[start] = starred(found.name) if found else ""
    return known[start]
