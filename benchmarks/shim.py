"""What the library costs a HIS: a call beside a bare socket in one process, and its memory."""

from __future__ import annotations

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scratch import SPARED, scratch_site

from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import load_config
from yibao_face.daemon.demo.child import child_daemon
from yibao_face.daemon.door.client import sample_request
from yibao_face.daemon.door.http import AUTH_PATH
from yibao_face.daemon.wiring import reply_signer_of, vault_of
from yibao_face.shim import build
from yibao_face.shim.source import monocypher

HERE = Path(__file__).resolve().parent
RATIO, THREADS = 1.15, 16
# Refused before anybody opens a camera; the answer is the same each time.
REFUSED = b"{}"
OWN = ('{"id":"#"}', '{"code":1,"msg":"#","cp_no":"","type":1}')
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


def main() -> int:
    """Print every figure; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=5000, help="of each client")
    parser.add_argument("--rss", type=int, default=100_000, help="calls the memory is watched for")
    parser.add_argument("--each", type=int, default=1000, help="calls of each of 16 threads")
    given = parser.parse_args()
    verdict = Verdict()
    with tempfile.TemporaryDirectory(prefix="yibao-shim-") as folder:
        bench = compiled(Path(folder))
        beside_the_daemon(bench, verdict, given.calls, given.each, given.rss // 10)
        beside_a_bare_server(bench, verdict, given.calls, given.rss)
        with signing_server(bench) as port:
            own = Server("signing server, each its own answer", port, *OWN)
            at_once(bench, verdict, own, given.each)
            memory(bench, verdict, own, given.rss, bench.proving)
    return 1 if verdict.missed else 0


def beside_the_daemon(bench: Bench, verdict: Verdict, calls: int, each: int, grown: int) -> None:
    """The figure of the issue: library over bare socket, the real daemon signing for both."""
    with scratch_site(load_config()) as site, child_daemon(site) as child:
        port, key = child.caller.port, reply_signer_of(vault_of(site)).public_key().hex()
        bench.install(port, key)
        refusal = Server("the real daemon, a refusal", port, REFUSED.decode(), answer_of(port))
        verdict.ratio(in_turn(bench, verdict, refusal, calls), refusal.name)
        spared = Server("the real daemon, code 2 on record", port, spared_call(), '{"code":2,*')
        verdict.ratio(in_turn(bench, verdict, spared, calls), spared.name)
        at_once(bench, verdict, refusal, each)
        memory(bench, verdict, refusal, grown, bench.proving)


def in_turn(bench: Bench, verdict: Verdict, at: Server, calls: int) -> tuple[Figures, Figures]:
    """Four clients in turn; the library's figures and those of the faster bare socket."""
    found = bench.ask(at, calls, bench.proving, bench.trusting, "close", "length")
    proving, trusting, close, length = found
    print(f"{at.name}, four clients in turn:")
    print(f"  library                                  {proving}")
    print(f"  library, verify = off                    {trusting}")
    print(f"  bare socket, read to the close           {close}")
    print(f"  bare socket, read to Content-Length      {length}")
    print(f"  proof of a reply: {proving.mean - trusting.mean:.0f} us of the mean")
    wrong = sum(one.wrong for one in found)
    verdict.hold(wrong == 0, f"{wrong} wrong")
    return proving, min(close, length, key=lambda one: one.mean)


def beside_a_bare_server(bench: Bench, verdict: Verdict, calls: int, grown: int) -> None:
    """Against a server that does nothing: what of the time is the library's own."""
    answer = OWN[1].replace("#", "0")
    with bare_server(bench, answer) as port:
        at = Server("bare server in C, nothing signed", port, REFUSED.decode(), answer)
        found = bench.ask(at, calls, bench.trusting, "close", "length")
        library, close, length = found
        print(f"{at.name}, in turn:")
        print(f"  library, verify = off                    {library}")
        print(f"  bare socket, read to the close           {close}")
        print(f"  bare socket, read to Content-Length      {length}")
        print(f"  the library's own: {library.mean - length.mean:.0f} us of the mean")
        verdict.hold(not any(one.wrong for one in found), "0 wrong")
        memory(bench, verdict, at, grown, bench.trusting)


def at_once(bench: Bench, verdict: Verdict, at: Server, each: int) -> None:
    """Latency of the library in many threads at once; none may get another's answer."""
    [found] = bench.ask(at, each, bench.proving, threads=THREADS)
    print(f"{THREADS} threads x {each}, {at.name}: {found}")
    verdict.hold(found.wrong == 0, f"{found.wrong} of {found.calls} wrong")


def memory(bench: Bench, verdict: Verdict, at: Server, calls: int, library: Path) -> None:
    """Growth of the process after it has warmed up."""
    before, after, wrong = bench.grow(at, calls, library)
    verify = "on" if library == bench.proving else "off"
    print(f"VmRSS, {at.name}, verify = {verify}: {before} KiB, after {calls} calls {after} KiB")
    verdict.hold(after <= before and wrong == 0, f"grown by {after - before} KiB, {wrong} wrong")


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


@contextmanager
def bare_server(bench: Bench, answer: str) -> Generator[int, None, None]:
    """Port of the program's own server, which says ``answer`` to everybody."""
    size = len(answer.encode())
    whole = f"HTTP/1.0 200 OK\r\nContent-Length: {size}\r\n\r\n{answer}"
    with started([str(bench.program), "serve", whole]) as (port,):
        bench.install(int(port), "00" * 32)
        yield int(port)


@contextmanager
def signing_server(bench: Bench) -> Generator[int, None, None]:
    """Port of the fuzzers' server, which signs for the ``id`` it was asked with."""
    server = build.ROOM / "fuzz" / "server.py"
    with started([sys.executable, str(server)]) as (port, key):
        bench.install(int(port), key)
        yield int(port)


@contextmanager
def started(command: list[str]) -> Generator[list[str], None, None]:
    """The words a server says once it listens."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None  # noqa: S101  # it is a pipe
            yield process.stdout.readline().split()
        finally:
            process.kill()


if __name__ == "__main__":
    sys.exit(main())
