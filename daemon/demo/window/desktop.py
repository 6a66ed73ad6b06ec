"""A desktop nobody sits at: an X server in memory, a window manager, a place for tray icons."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from yibao_face.daemon.demo.child import DemoError

TOOLS = ("Xvfb", "openbox", "trayer")
_STOP_S = 3.0
_SETTLE_S = 0.5


def has_display() -> bool:
    """Whether this session has a screen to show windows on."""
    named = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return sys.platform == "win32" or bool(named)


@dataclass(frozen=True, slots=True)
class Desktop:
    """``display`` as ``DISPLAY`` names it; ``server``: its process, to be lost with all of it."""

    display: str
    server: subprocess.Popen[bytes]

    @property
    def environment(self) -> dict[str, str]:
        """For a program that is to appear on it."""
        # The session bus of whoever sits here is no part of it.
        left_out = ("WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "QT_QPA_PLATFORM")
        own = {name: value for name, value in os.environ.items() if name not in left_out}
        return {**own, "DISPLAY": self.display}


@contextmanager
def virtual_desktop(width: int, height: int) -> Generator[Desktop, None, None]:
    """A desktop of ``width`` x ``height`` pixels; ``DemoError`` without the programs it needs."""
    lacking = [tool for tool in TOOLS if shutil.which(tool) is None]
    if lacking:
        raise DemoError(f"this needs a display, or {', '.join(lacking)} to make one")
    with ExitStack() as stack:
        command = ["Xvfb", "-displayfd", "1", "-screen", "0", f"{width}x{height}x24"]
        server = stack.enter_context(_process([*command, "-nolisten", "tcp"]))
        assert server.stdout is not None  # noqa: S101  # it is a pipe
        number = server.stdout.readline().decode().strip()
        if not number:
            raise DemoError("Xvfb did not start")
        desktop = Desktop(f":{number}", server)
        for more in (["openbox"], ["trayer", "--edge", "top", "--align", "right"]):
            stack.enter_context(_process(more, desktop.environment))
        time.sleep(_SETTLE_S)
        yield desktop


@contextmanager
def _process(
    command: list[str], environment: dict[str, str] | None = None
) -> Generator[subprocess.Popen[bytes], None, None]:
    with subprocess.Popen(  # noqa: S603  # own words
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
