"""Which version waits to be installed: taken in beside this one, or wanted by the centre."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from yibao_face.installer.update.fault import UpdateError
from yibao_face.installer.update.place import Place
from yibao_face.installer.update.release import order_of
from yibao_face.installer.update.state import State, read_state
from yibao_face.installer.update.version import Version

MANIFEST = "update.accepted.json"


@dataclass(slots=True)
class Waiting:
    """``running``: version of this program. ``root``: where versions live. ``data``: data folder,
    where the inbox lays the manifest it has verified.
    """

    running: str
    root: Path
    data: Path
    _seen: tuple[int, int] = (-1, -1)
    _version: str = field(default="")

    def version(self) -> str:
        """The newest that waits, empty for none. Asked often: files are read when they change."""
        files = Place(self.root).state, self.data / MANIFEST
        seen = _stamp(files[0]), _stamp(files[1])
        if seen != self._seen:
            self._version = self._found(*files)
            self._seen = seen
        return self._version

    def _found(self, state_file: Path, manifest: Path) -> str:
        state = _state(state_file)
        ordered = "" if (wanted := _ordered(manifest)) in state.failed else wanted
        versions = [Version.parse(name) for name in (state.waiting, ordered) if name]
        try:
            newer = [one for one in versions if one > Version.parse(self.running)]
        except ValueError:
            # A developer's program, which is updated by hand.
            return ""
        return str(max(newer)) if newer else ""


def _state(path: Path) -> State:
    try:
        return read_state(path)
    except UpdateError:
        # The updater says so to who asks it; here is only a hint.
        return State()


def _ordered(path: Path) -> str:
    """What the manifest wants; the inbox verified it, and the updater does so again."""
    try:
        envelope = json.loads(path.read_text("utf-8"))
        payload = json.loads(cast("dict[str, Any]", envelope)["payload"])
        return str(order_of(payload).version)
    except (OSError, ValueError, KeyError, TypeError, RecursionError, UpdateError):
        return ""


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
