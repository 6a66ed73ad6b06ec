"""What the daemon costs itself: code-2 calls, every record on disk; beside bare aiohttp."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from aiohttp import web
from knock import Wire
from scratch import SPARED, scratch_site

from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config, load_config
from yibao_face.daemon.core.deal import SPOOFS, earlier_answer, locked_until_ms
from yibao_face.daemon.core.policy import Visit, ruling
from yibao_face.daemon.demo.child import child_daemon
from yibao_face.daemon.door.client import sample_request
from yibao_face.daemon.door.http import AUTH_PATH
from yibao_face.daemon.gallery.gallery import Numbers
from yibao_face.daemon.service import body_digest
from yibao_face.daemon.trust.certificate import Facts, issue
from yibao_face.daemon.wire.reply import encode
from yibao_face.daemon.wire.request import AuthRequest, parse_request
from yibao_face.daemon.wiring import Daemon, build
from yibao_face.sync.api import Query

P99_MS, PER_SECOND = 20.0, 300.0
CONNECTIONS, BATCH_S = 4, 3.0
_NUMBER, _SERIAL = "11010519491231002X", 9_999_999


class Calls:
    """Code-2 calls without end: each a person (of 10,000) and a settlement of its own."""

    def __init__(self) -> None:
        sample = sample_request(_NUMBER, "演示", Clock(), 0)
        deal = {"deal_no": f"{sample['deal_no'][:-7]}{_SERIAL}", "med_type": SPARED}
        self._body = json.dumps({**sample, **deal}, ensure_ascii=False).encode()
        self._next, self._guard = 0, threading.Lock()

    def body(self) -> bytes:
        """The next call."""
        with self._guard:
            self._next += 1
            serial = self._next
        number = b"11010519491231%04d" % (serial % 10_000)
        body = self._body.replace(b"%d" % _SERIAL, b"%07d" % serial)
        return body.replace(_NUMBER.encode(), number)

    def message(self) -> bytes:
        """The next call as an HTTP message."""
        body = self.body()
        head = f"POST {AUTH_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}"
        return head.encode() + b"\r\nContent-Type: application/json\r\n\r\n" + body


def main() -> int:
    """Print every figure; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=5000, help="for the latency, each way")
    parser.add_argument("--rounds", type=int, default=5, help="daemon and echo in turn, 3 s each")
    parser.add_argument("--echo", type=int, metavar="BYTES", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.echo is not None:
        asyncio.run(echo(given.echo))
        return 0
    home = load_config()
    with scratch_site(home) as site:
        print(f"write + fsync of 4 KiB beside results.db: {spread(fsyncs(site.data))}")
        met = processes(site, given.calls, given.rounds)
    with scratch_site(home) as site, build(site, demo=True) as daemon:
        stages(daemon, min(given.calls, 2000))
    return 0 if met else 1


def processes(site: Config, calls: int, rounds: int) -> bool:
    """Latency, then throughput on one core; whether both targets are met."""
    with child_daemon(site) as child:
        port, made = child.caller.port, Calls()
        kept, size = latency(port, made, calls)
        print(f"keep-alive, {calls} calls: {spread(kept)}")
        fresh = fresh_latency(port, made, calls)
        print(f"a connection each, {calls} calls: {spread(fresh)}")
        with echo_process(size) as echo_port:
            bare = [timed(lambda w: w.ask(made.message()), echo_port) for _ in range(1000)]
            print(f"bare aiohttp echo, a connection each, 1000 calls: {spread(bare)}")
            pin(child.process.pid)
            ours = throughput(child.process.pid, (port, echo_port), made, rounds)
    worst = max(quantile(kept, 0.99), quantile(fresh, 0.99)) * 1000
    met = worst <= P99_MS and ours >= PER_SECOND
    print(f"targets: p99 {worst:.2f} <= {P99_MS} ms, {ours:.0f} >= {PER_SECOND:.0f}/s: {met}")
    return met


def latency(port: int, made: Calls, calls: int) -> tuple[list[float], int]:
    """Seconds of each call over one connection, and the size of an answer."""
    size = 0
    with Wire(port) as wire:
        for _ in range(50):
            size = len(spared(wire.ask(made.message()).body))
        times = [timed_on(wire, made) for _ in range(calls)]
    return times, size


def fresh_latency(port: int, made: Calls, calls: int) -> list[float]:
    """Seconds of each call over a connection of its own, connecting included."""
    return [timed(lambda wire: spared(wire.ask(made.message()).body), port) for _ in range(calls)]


def timed_on(wire: Wire, made: Calls) -> float:
    """Seconds of one call."""
    message = made.message()
    started = time.perf_counter()
    answer = wire.ask(message)
    took = time.perf_counter() - started
    spared(answer.body)
    return took


def timed(work: Callable[[Wire], object], port: int) -> float:
    """Seconds of ``work`` with a new connection."""
    started = time.perf_counter()
    with Wire(port) as wire:
        work(wire)
    return time.perf_counter() - started


def spared(body: bytes) -> bytes:
    """``body``, if it is code 2; a call that was refused would be no measure of anything."""
    if not body.startswith(b'{"code":2,'):
        raise RuntimeError(f"not code 2: {body.decode('utf-8', 'replace')}")
    return body


def throughput(pid: int, ports: tuple[int, int], made: Calls, rounds: int) -> float:
    """Calls per second of the daemon; prints it beside the bare echo, in turn."""
    pairs: list[tuple[float, float]] = []
    process, cpu_s = psutil.Process(pid), 0.0
    for _ in range(rounds):
        before = sum(process.cpu_times()[:2])
        ours = per_second(ports[0], made, check=True)
        cpu_s += sum(process.cpu_times()[:2]) - before
        pairs.append((ours, per_second(ports[1], made, check=False)))
    ours, bare = (statistics.mean(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(theirs / mine for mine, theirs in pairs)
    seconds = rounds * BATCH_S
    cpu_ms = cpu_s / (ours * seconds) * 1000
    print(f"one core, {CONNECTIONS} connections, {seconds:.0f} s: {ours:.0f} code-2 calls/s")
    print(f"CPU of the daemon per call: {cpu_ms:.2f} ms")
    print(f"bare aiohttp echo, the same sizes, in turn: {bare:.0f} calls/s, ratio {ratio:.1f}")
    return ours


def per_second(port: int, made: Calls, *, check: bool) -> float:
    """Answers per second over a few connections at once."""
    counts = [0] * CONNECTIONS
    until = time.perf_counter() + BATCH_S

    def ask(number: int) -> None:
        with Wire(port) as wire:
            while time.perf_counter() < until:
                body = wire.ask(made.message()).body
                if check:
                    spared(body)
                counts[number] += 1

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(CONNECTIONS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - started)


def pin(pid: int) -> None:
    """Every thread of ``pid`` to the first core, this process to the others (Linux only)."""
    if sys.platform != "linux":
        print("not pinned: this system has no sched_setaffinity")
        return
    first, *others = sorted(os.sched_getaffinity(0))
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread.name), {first})
    if others and pid != os.getpid():
        os.sched_setaffinity(0, set(others))


async def echo(size: int) -> None:
    """Serve ``size`` bytes to whoever posts, until killed: aiohttp with nothing behind it."""
    body = b"x" * size

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=body, headers={"Content-Type": "application/json"})

    app = web.Application()
    app.router.add_post(AUTH_PATH, answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


@contextlib.contextmanager
def echo_process(size: int) -> Generator[int, None, None]:
    """The port of an echo in a process of its own, on the daemon's core."""
    command = [sys.executable, __file__, "--echo", str(size)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None  # noqa: S101  # it is a pipe
            port = int(process.stdout.readline())
            if sys.platform == "linux":
                os.sched_setaffinity(process.pid, {min(os.sched_getaffinity(0))})
            yield port
        finally:
            process.kill()


def fsyncs(folder: Path) -> list[float]:
    """Seconds of a small write that reaches the disk: what no program can be faster than."""
    times: list[float] = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(200):
            started = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - started)
    return times


@dataclass(slots=True)
class Stopwatch:
    """Wall time of the parts of a call."""

    times: dict[str, list[float]]

    @contextlib.contextmanager
    def part(self, name: str) -> Generator[None, None, None]:
        """Time what is inside."""
        started = time.perf_counter()
        yield
        self.times.setdefault(name, []).append(time.perf_counter() - started)


def stages(daemon: Daemon, calls: int) -> None:
    """Where the time of a call goes, part by part in one process, without HTTP and threads."""
    watch, made = Stopwatch({}), Calls()
    for _ in range(calls):
        body = made.body()
        with watch.part("whole: parse, serve, encode"):
            request = parse_request(body)
            reply = daemon.service.serve(request, body_digest(body), Attempt(60.0))
            encode(reply, request.charset)
        parts(daemon, made.body(), watch)
    print(f"parts of a call, {calls} calls in one process, p50 / p99 in us:")
    for name, values in watch.times.items():
        p50, p99 = (quantile(values, q) * 1e6 for q in (0.5, 0.99))
        print(f"  {name:42} {p50:8.0f} {p99:8.0f}")


def parts(daemon: Daemon, body: bytes, watch: Stopwatch) -> None:
    """One call more, its parts by hand in the service's order."""
    ledger, rules = daemon.ledger, daemon.service.rules
    with watch.part("parse"):
        request = parse_request(body)
    with watch.part("person: digests, gallery"):
        numbers = Numbers(request.id_number, request.person_number)
        person = daemon.service.gallery.digests(numbers)[0]
        daemon.service.gallery.find(numbers)
    with watch.part("earlier answer of the settlement"):
        deal = Query(institution=request.institution_code, deal_no=request.deal_no, limit=1)
        let_go = replace(deal, let_go=True, newest=True)
        now_ms = ledger.clock.unix_ms()
        events = [*ledger.events(deal), *ledger.events(let_go)]
        earlier_answer(events, {person}, now_ms, rules.repeat)
    with watch.part("pause after spoofs"):
        spoofs = tuple(cause.value for cause in SPOOFS)
        since_ms = now_ms - rules.lock.window_ms
        seen = ledger.events(Query(person=person, causes=spoofs, since_ms=since_ms))
        locked_until_ms(seen, rules.lock)
    with watch.part("policy"):
        found = ruling(rules.policy(), visit(daemon, request))
    facts = Facts(
        *(request.institution_code, request.deal_no, person),
        *(2, 0, "policy-exempt", found.rule, now_ms, True),
    )
    with watch.part("certificate: sign"):
        certificate = issue(ledger.new_id(), facts, ledger.signer)
    with watch.part("seal"):
        sealed = json.dumps(dict(request.fields), ensure_ascii=False).encode()
        ledger.vault.seal(sealed, "benchmark")
    [last] = ledger.outbox.find(Query(newest=True, limit=1))
    record = replace(
        last,
        id=ledger.new_id(),
        person=person,
        deal_no=request.deal_no,
        certificate_no=certificate.no,
        certificate=certificate.text,
    )
    with watch.part("store (synchronous=FULL)"):
        ledger.outbox.put(record)


def visit(daemon: Daemon, request: AuthRequest) -> Visit:
    """What the policy is asked about."""
    fields = request.fields
    return Visit(
        fields["med_type"],
        fields["insutype"],
        fields["mdtrt_cert_type"],
        fields["dise_codg"],
        request.institution_code,
        request.amount,
        daemon.ledger.clock.now(),
    )


def quantile(values: list[float], share: float) -> float:
    """The value below which ``share`` of them lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def spread(values: list[float]) -> str:
    """p50, p95, p99 in milliseconds."""
    p50, p95, p99 = (quantile(values, share) * 1000 for share in (0.5, 0.95, 0.99))
    return f"p50 {p50:.2f}  p95 {p95:.2f}  p99 {p99:.2f} ms"


if __name__ == "__main__":
    sys.exit(main())
