"""What the updater does outside its own folder: ask the daemon, start programs, wait."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any, cast

from yibao_face.installer.update.decision import Health
from yibao_face.installer.update.fault import SelfTestError, UpdateError
from yibao_face.installer.update.site import PROGRAM, Site, Words
from yibao_face.installer.update.version import Version

NAME = "yibao-face"
_MAX_BODY_BYTES = 256 * 1024
_ANSWER_S = 3.0
_RESTART_S = 120.0


@dataclass(frozen=True, slots=True)
class Hands:
    """Handed in, so that a test can put its own in their place.

    ``test``: folder of a program, its version → raises ``SelfTestError``. ``restart``: starts
    what ``current`` names, raises ``UpdateError``. ``at``: told before every step.
    """

    health: Callable[[], Health | None]
    test: Callable[[Path, Version], None]
    restart: Callable[[], None]
    now_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    at: Callable[[str], None] = field(default=lambda _step: None)


def hands_of(site: Site, scratch: Path) -> Hands:
    """Those of a real site. ``scratch``: data folder the new program is tested with."""
    return Hands(
        lambda: ask(site.health),
        lambda folder, version: self_test(site, folder, version, scratch),
        lambda: _restart(site),
    )


def _restart(site: Site) -> None:
    _ran(site.restart, _RESTART_S, {})


def program_of(folder: Path) -> Path:
    """The program in a version's folder."""
    return folder / (f"{NAME}.exe" if sys.platform == "win32" else NAME)


def ask(address: str) -> Health | None:
    """What the daemon at ``address`` says of itself; ``None``: nothing that can be used."""
    try:
        # No proxy: a daemon is on this machine or the site says where.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(address, timeout=_ANSWER_S) as answer:
            return health_of(answer.read(_MAX_BODY_BYTES))
    except (OSError, HTTPException, ValueError):
        return None


def health_of(body: bytes) -> Health | None:
    """Read the body of ``/health``; ``None`` where it is none of ours."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    said = cast("dict[str, Any]", found)
    if said.get("status") != "ok":
        return None
    camera = said.get("camera")
    state = cast("dict[str, Any]", camera).get("state") if isinstance(camera, dict) else ""
    return Health(
        str(said.get("version", "")),
        said.get("busy", False) is not False,
        said.get("able", True) is True,
        str(state or ""),
    )


def self_test(site: Site, folder: Path, version: Version, scratch: Path) -> None:
    """Run the site's self-tests with the program in ``folder``; raises ``SelfTestError``."""
    program = str(program_of(folder))
    # A data folder of its own: nothing of the site is touched before the switch.
    more = {"YIBAO_FACE_HOME": str(scratch)}
    scratch.mkdir(exist_ok=True)
    try:
        said = _ran((program, "--version"), site.selftest_s, more)
        for words in site.selftest:
            _ran([program if word == PROGRAM else word for word in words], site.selftest_s, more)
    except UpdateError as exc:
        raise SelfTestError(str(exc)) from exc
    # In a line of its own: libraries have their say on any computer, before it or behind it.
    if f"{NAME} {version}" not in map(str.strip, said.splitlines()):
        raise SelfTestError(f"the program in {folder.name} says it is {said.strip()[:80]!r}")


def _ran(words: Words | Sequence[str], timeout_s: float, more: dict[str, str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603  # words of the administrator
            list(words),
            env={**_clean(os.environ.items()), **more},
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as exc:
        raise UpdateError(f"{_shown(words)} cannot be run: {exc}") from exc
    text = done.stdout.decode("utf-8", "replace")
    if done.returncode != 0:
        last = " / ".join(text.strip().splitlines()[-3:])
        raise UpdateError(f"{_shown(words)} ended with {done.returncode}: {last[-500:]}")
    return text


def _shown(words: Sequence[str]) -> str:
    return " ".join([Path(words[0]).name, *words[1:]])


def _clean(environment: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Without what this packed program was started with, which would lead its libraries along."""
    kept = {key: value for key, value in environment if not key.startswith(("_PYI", "_MEI"))}
    original = kept.pop("LD_LIBRARY_PATH_ORIG", None)
    if getattr(sys, "frozen", False):
        kept.pop("LD_LIBRARY_PATH", None)
        if original is not None:
            kept["LD_LIBRARY_PATH"] = original
    return kept
