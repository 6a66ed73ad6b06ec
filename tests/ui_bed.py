"""The real agent on a desktop nobody sits at, and hands that click and type there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
from harness import lacking, require

from yibao_face.daemon.config import Config, to_toml
from yibao_face.daemon.demo.window.desktop import TOOLS, Desktop
from yibao_face.daemon.door.client import Caller, caller_of

NAME = "医保人脸核验"
_PATIENT_S = 40.0


def require_desktop() -> None:
    """Skip, or fail where everything is demanded, without an X server, its tools and Qt."""
    for tool in (*TOOLS, "xdotool"):
        require(tool)
    if find_spec("PySide6") is None:
        lacking("PySide6")


def until(condition: Callable[[], Any], seconds: float = _PATIENT_S) -> Any:
    """The first value of ``condition`` that is true."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s in vain")


@dataclass(frozen=True, slots=True)
class Hands:
    """``xdotool`` on one display."""

    desktop: Desktop

    def do(self, *words: object) -> str:
        """What it printed; nothing where it found nothing."""
        command = ["xdotool", *map(str, words)]
        done = subprocess.run(
            command, env=self.desktop.environment, check=False, capture_output=True, timeout=20
        )
        return done.stdout.decode("utf-8", "replace").strip()

    def windows(self, name: str = NAME) -> list[str]:
        """Windows to be seen whose title holds ``name``."""
        return self.do("search", "--onlyvisible", "--name", name).split()

    def title(self) -> str:
        """Of the capture window; empty while there is none to be seen."""
        titles = [self.do("getwindowname", window) for window in self.windows()]
        return next(iter(titles), "")

    def until_title(self, text: str) -> str:
        """The title of the window, once it holds ``text``."""
        return str(until(lambda: (t := self.title()) and text in t and t))

    def key(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        self.do("key", *keys)

    def close_window(self) -> None:
        """As the window manager does it."""
        self.key("alt+F4")

    def until_ready(self) -> None:
        """The process of the windows is there, and has its icon in the tray."""
        until(lambda: self.do("search", "--class", "yibao-face"))

    def click_tray(self) -> None:
        """The left button on the icon in the tray."""
        panel = until(lambda: self.do("search", "--class", "trayer").split())[-1]
        facts = self._geometry(panel)
        x, y = facts["X"] + facts["WIDTH"] - 12, facts["Y"] + facts["HEIGHT"] // 2
        self.do("mousemove", x, y, "click", 1)

    def click_menu(self, share: float) -> None:
        """The entry of the open menu at ``share`` of its height."""
        menu = until(self._menu)
        facts = self._geometry(menu)
        x, y = facts["X"] + facts["WIDTH"] // 2, facts["Y"] + round(facts["HEIGHT"] * share)
        self.do("mousemove", x, y, "click", 1)

    def _menu(self) -> str | None:
        """The menu: of our program, upright, and of no frame."""
        for window in self.do("search", "--onlyvisible", "--class", "yibao-face").split():
            facts = self._geometry(window)
            if 250 < facts.get("HEIGHT", 0) < 620 and facts.get("WIDTH", 999) < 420:
                return window
        return None

    def _geometry(self, window: str) -> dict[str, int]:
        lines = self.do("getwindowgeometry", "--shell", window).splitlines()
        pairs = (line.partition("=") for line in lines)
        return {key: int(value) for key, _, value in pairs if value.lstrip("-").isdigit()}


@dataclass(frozen=True, slots=True)
class AgentAtWork:
    """A running ``yibao-face agent`` and its ``config`` with the port it bound."""

    process: subprocess.Popen[bytes]
    config: Config
    caller: Caller
    log: Path

    @property
    def window_pid(self) -> int:
        """Of the process of the windows, once there is one."""
        return int(until(self._window_pid))

    def said(self) -> str:
        """Its log so far."""
        return self.log.read_text("utf-8", "replace")

    def kill_windows(self) -> int:
        """End the process of the windows at once; its pid."""
        pid = self.window_pid
        os.kill(pid, signal.SIGKILL)
        return pid

    def calls(self, body: bytes) -> Call:
        """A HIS calls, in a thread of its own."""
        return Call(self.caller, body)

    def _window_pid(self) -> int | None:
        try:
            children = psutil.Process(self.process.pid).children()
            return next((c.pid for c in children if "yibao_face.daemon.ui" in c.cmdline()), None)
        except psutil.Error:
            return None


class Call:
    """A HIS call under way."""

    def __init__(self, caller: Caller, body: bytes) -> None:
        self._answer: dict[str, Any] = {}
        self._thread = threading.Thread(target=self._call, args=(caller, body), name="his")
        self._thread.start()

    def answer(self) -> dict[str, Any]:
        """The four keys, once they are there."""
        self._thread.join(60)
        assert not self._thread.is_alive(), "no answer within a minute"
        return self._answer

    def _call(self, caller: Caller, body: bytes) -> None:
        self._answer = caller.authenticate(body)


@contextmanager
def agent(
    config: Config, environment: dict[str, str], *words: str
) -> Generator[AgentAtWork, None, None]:
    """``yibao-face agent --demo`` with ``config``, stopped at the end."""
    file, log = config.data / "config.toml", config.data / "agent.log"
    file.write_text(to_toml(config), "utf-8")
    with (
        log.open("wb") as sink,
        subprocess.Popen(
            agent_command(config, *words), stdout=subprocess.PIPE, stderr=sink, env=environment
        ) as process,
    ):
        try:
            assert process.stdout is not None
            words_ = process.stdout.readline().decode().split()
            assert words_[:1] == ["ready"], log.read_text("utf-8", "replace")
            port = int(words_[1].rsplit(":", 1)[1])
            bound = replace(config, door=replace(config.door, port=port))
            yield AgentAtWork(process, bound, caller_of(bound, clerk=True), log)
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def agent_command(config: Config, *words: str) -> list[str]:
    """What starts the agent of ``config``."""
    file = config.data / "config.toml"
    python = [sys.executable, "-m", "yibao_face.daemon"]
    return [*python, "agent", "--demo", "--config", str(file), *words]


def roster_form(number: str) -> dict[str, Any]:
    """Takes one practitioner over."""
    named = [{"id": number, "name": "演示医师"}]
    return {"practitioners": named, "staff": "1001", "institution": "001000200030"}


def as_json(value: object) -> bytes:
    """For a body."""
    return json.dumps(value, ensure_ascii=False).encode()
