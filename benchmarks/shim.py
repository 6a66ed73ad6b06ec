"""What the library costs a HIS: a call beside a bare socket in one process, and its memory."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from library import (
    REFUSED,
    Bench,
    Figures,
    Server,
    Verdict,
    answer_of,
    compiled,
    spared_call,
)
from scratch import scratch_site

from yibao_face.daemon.config import load_config
from yibao_face.daemon.demo.child import child_daemon
from yibao_face.daemon.wiring import reply_signer_of, vault_of
from yibao_face.shim import build

THREADS = 16
OWN = ('{"id":"#"}', '{"code":1,"msg":"#","cp_no":"","type":1}')


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
