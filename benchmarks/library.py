"""The library in a benchmark: compiled beside a program that times it, and whom it asks."""

from __future__ import annotations

import http.client
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from scratch import SPARED

from yibao_face.daemon.clock import Clock
from yibao_face.daemon.door.client import sample_request
from yibao_face.daemon.door.http import AUTH_PATH
from yibao_face.shim import build
from yibao_face.shim.source import monocypher

HERE = Path(__file__).resolve().parent
RATIO = 1.15
# Refused before anybody opens a camera; the answer is the same each time.
REFUSED = b"{}"
_NUMBER = "11010519491231002X"


@dataclass(frozen=True, slots=True)
class Server:
    """Whom to ask what. ``#``: the number of the call; a ``*`` ends what is only a beginning."""

    name: str
    port: int
    request: str
    expected: str


@dataclass(frozen=True, slots=True)
class Figures:
    """One client's line; times in microseconds."""

    calls: int
    wrong: int
    mean: float
    p50: float
    p99: float

    def __str__(self) -> str:
        times = f"mean {self.mean:.0f}  p50 {self.p50:.0f}  p99 {self.p99:.0f} us"
        return f"{times}, {self.calls} calls, {self.wrong} wrong"


@dataclass(frozen=True, slots=True)
class Bench:
    """The compiled program, and the library twice: as installed, and with ``verify = off``."""

    program: Path
    proving: Path
    trusting: Path

    def install(self, port: int, key: str) -> None:
        """Write the settings file of both."""
        for library, verify in ((self.proving, "on"), (self.trusting, "off")):
            text = f"daemon = 127.0.0.1:{port}\nkey = {key}\nverify = {verify}\n"
            setting_of(library).write_text(text, "ascii")

    def ask(self, at: Server, calls: int, *clients: Path | str, threads: int = 1) -> list[Figures]:
        """Times of the clients, their calls in turn."""
        words = (at.port, at.request, at.expected, calls, threads, *clients)
        return [figures(line.split()[1:]) for line in self._run("ask", *words).splitlines()]

    def grow(self, at: Server, calls: int, library: Path) -> tuple[int, int, int]:
        """VmRSS in KiB before and after the calls, and how many were wrong."""
        found = self._run("grow", at.request, at.expected, calls, library)
        before, after, wrong = found.split()
        return int(before), int(after), int(wrong)

    def _run(self, *words: object) -> str:
        command = [str(self.program), *map(str, words)]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


class Verdict:
    """Collects what was missed."""

    def __init__(self) -> None:
        self.missed: list[str] = []

    def hold(self, holds: bool, what: str) -> None:
        """Say it; remember where it does not hold."""
        print(f"{'met' if holds else 'MISSED'}: {what}")
        if not holds:
            self.missed.append(what)

    def ratio(self, pair: tuple[Figures, Figures], name: str) -> None:
        """The issue's target, with every proof paid for and the faster of the bare sockets."""
        ratio = pair[0].mean / pair[1].mean
        self.hold(ratio <= RATIO, f"{name}: library / bare socket {ratio:.3f} <= {RATIO}")


def spared_call() -> str:
    """A whole call the policy answers with code 2 from no camera; each a settlement of its own."""
    sample = sample_request(_NUMBER, "演示", Clock(), 0)
    deal = {"deal_no": f"{sample['deal_no'][:-7]}#", "med_type": SPARED}
    return json.dumps({**sample, **deal}, ensure_ascii=False)


def compiled(folder: Path) -> Bench:
    """The program, and the library for two settings files of its own."""
    program = folder / "shim_call"
    options = ("-std=c99", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-O2", "-pthread")
    command = ["gcc", *options, str(HERE / "shim_call.c"), "-o", str(program), "-ldl"]
    subprocess.run(command, check=True)
    linux = next(t for t in build.TARGETS if build.system_of(t) == "linux")
    crypto = monocypher(build.CACHE)
    made: list[Path] = []
    for name in ("proving", "trusting"):
        path = folder / name / linux.folder / linux.file
        defines = (f'-DHCF_SETTING_FILE="{setting_of(path)}"',)
        made.append(build.compile_target(linux, folder / name, crypto, defines=defines))
    return Bench(program, made[0], made[1])


def setting_of(library: Path) -> Path:
    """Where this library looks for its settings."""
    return library.with_name("library.conf")


def figures(words: list[str]) -> Figures:
    """One line of the program without its name."""
    calls, wrong, *times = words
    mean, p50, p99 = map(float, times)
    return Figures(int(calls), int(wrong), mean, p50, p99)


def answer_of(port: int) -> str:
    """What the daemon says to ``REFUSED``, asked without library and socket of ours."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", AUTH_PATH, REFUSED, {"Content-Type": "application/json"})
        return connection.getresponse().read().decode("utf-8")
    finally:
        connection.close()
