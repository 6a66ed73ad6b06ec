"""The frozen program in a Windows of the tests' own: installed, started, called.

The setup and what it was made of lie in ``$YIBAO_FACE_PACKAGED``: ``package windows --check``.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness import FIRST, HOME, his_call, require
from setup_bed import Windows, path

PACKAGED = os.environ.get("YIBAO_FACE_PACKAGED", "")
OUT = Path(PACKAGED)
PORT = 51518


@dataclass(frozen=True, slots=True)
class Site:
    """A Windows with what the tests stand on: setups by name, seconds and bytes measured."""

    machine: Windows
    measured: dict[str, float]

    def run(self, *words: str | Path, wait_s: float = 300) -> tuple[int, str]:
        program = self.machine.program / "yibao-face.exe"
        return self.machine.wine.call([program, *words], wait_s=wait_s)


def whole_setup() -> Path:
    [found] = OUT.glob("yibao-face-*-x64-setup.exe")
    return found


def answers(site: Site, *more: str) -> str:
    file = site.machine.held / "answer.ini"
    lines = (
        "[install]",
        "org_code = H44010600001",
        r"camera = replay:C:\clip\before-camera.rgbd",
        r"his_folder = C:\HIS",
        "his_library = x64",
        *more,
    )
    file.write_text("\n".join(lines), "utf-8")
    return f"/ANSWER={path(file)}"


def health() -> dict[str, object] | None:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        return dict(json.loads(answer.read()))
    except (OSError, ValueError):
        return None
    finally:
        connection.close()


def until(condition: Callable[[], object], wait_s: float) -> float:
    began_s = time.monotonic()
    while not condition():
        assert time.monotonic() - began_s < wait_s
        time.sleep(0.1)
    return time.monotonic() - began_s


@contextmanager
def serving(
    site: Site,
    *words: str,
    program: str = "yibao-face.exe",
    more: Mapping[str, str] | None = None,
) -> Generator[float, None, None]:
    """The installed program until the end; seconds until it answered."""
    wine = site.machine.wine
    environment = {**wine.outside(), **(more or {}), **wine.environment}
    log = (site.machine.held / "serve.log").open("ab")
    with (
        log,
        subprocess.Popen(
            [
                require("sh"),
                "-c",
                '"$@" </dev/null 2>&1 | cat',
                "sh",
                require("wine"),
                str(site.machine.program / program),
                *words,
            ],
            env=environment,
            stdout=log,
        ) as process,
    ):
        try:
            yield until(health, 180)
        finally:
            site.run("setup", "halt", r"C:\Program Files\YibaoFace")
            process.wait(60)


def called(site: Site, clip: str) -> int:
    """The code a HIS gets through the library in its folder, with ``clip`` before the camera,
    which is not there where that is empty."""
    machine = site.machine
    target = machine.wine.drive / "clip" / "before-camera.rgbd"
    if clip:
        shutil.copyfile(HOME / "clips" / f"{clip}.rgbd", target)
    request = machine.held / "call.json"
    request.write_bytes(his_call(FIRST))
    program = machine.program / "shim" / "x64" / "hcf-selftest.exe"
    words = ["--call", path(request), r"C:\HIS\HisCallFace.dll"]
    code, told = machine.wine.call([program, *words], wait_s=120)
    assert 0 == code, told
    answer = json.loads(told.splitlines()[1])
    assert int(told.splitlines()[0]) == answer["code"]
    return int(answer["code"])
