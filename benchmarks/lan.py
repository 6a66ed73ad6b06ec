"""What LAN mode costs: the library sealed, over a network's address, beside the local call.

Both in one process, in turn, against one real daemon (Linux, gcc). The network itself is not in
it: both addresses are this machine's.
"""

from __future__ import annotations

import argparse
import socket
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from library import REFUSED, Bench, Server, Verdict, answer_of, compiled, setting_of, spared_call
from scratch import scratch_site

from yibao_face.daemon.cli.device.lan import settings_of
from yibao_face.daemon.cli.machine.library import settings_of as local_of
from yibao_face.daemon.config import Config, load_config
from yibao_face.daemon.demo.child import child_daemon
from yibao_face.daemon.lan import exchange
from yibao_face.daemon.section import LanConfig
from yibao_face.daemon.wiring import caller_book_of, reply_signer_of, vault_of

HOST = "127.0.0.2"
# A HIS waits for a person, who takes seconds: nobody may notice the rest.
MOST_MS, THREADS = 10.0, 16


def main() -> int:
    """Print every figure; 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=1000, help="of each client, at most 2000")
    given = parser.parse_args()
    verdict = Verdict()
    with tempfile.TemporaryDirectory(prefix="yibao-lan-") as folder:
        bench = compiled(Path(folder))
        with scratch_site(load_config()) as bare:
            site = replace(bare, lan=LanConfig(True, HOST, free_port(), 6000))
            with child_daemon(site) as child:
                pair(bench, site, child.caller.port)
                beside(bench, verdict, child.caller.port, given.calls)
                print(f"daemon: {child.caller.health()['lan']}")
            own_cost(site)
    return 1 if verdict.missed else 0


def pair(bench: Bench, site: Config, port: int) -> None:
    """The one library is this machine's own, the other a neighbour's."""
    caller = caller_book_of(site, vault_of(site)).add("bench", ("127.0.0.0/24",), "2026-11-27")
    local = local_of(site, port)
    for library, told in (
        (bench.trusting, local),
        (bench.proving, settings_of(site, HOST, caller)),
    ):
        lines = "".join(f"{name} = {value}\n" for name, value in told.items())
        setting_of(library).write_text(lines, "ascii")


def beside(bench: Bench, verdict: Verdict, port: int, calls: int) -> None:
    """Two kinds of calls, then many at once."""
    refusal = Server("a refusal", port, REFUSED.decode(), answer_of(port))
    spared = Server("code 2 on record", port, spared_call(), '{"code":2,*')
    for at in (refusal, spared):
        lan, local = bench.ask(at, calls, bench.proving, bench.trusting)
        more_ms = (lan.mean - local.mean) / 1000
        print(f"{at.name}, in turn:\n  LAN mode    {lan}\n  local call  {local}")
        verdict.hold(lan.wrong + local.wrong == 0, f"{at.name}: 0 wrong")
        verdict.hold(more_ms <= MOST_MS, f"{at.name}: {more_ms:.2f} ms more <= {MOST_MS}")
    [found] = bench.ask(refusal, calls // THREADS, bench.proving, threads=THREADS)
    print(f"{THREADS} threads, LAN mode: {found}")
    verdict.hold(found.wrong == 0, f"{found.wrong} of {found.calls} wrong")


def own_cost(site: Config, times: int = 500) -> None:
    """The daemon's arithmetic for a caller and for a stranger."""
    signer, secret = reply_signer_of(vault_of(site)), bytes(exchange.SECRET_BYTES)
    public = X25519PrivateKey.generate().public_key().public_bytes_raw()
    raw = exchange.MAGIC + bytes(exchange.ID_BYTES) + public + bytes(32)
    hello = exchange.read_hello(raw)
    began = time.process_time()
    for _ in range(times):
        hello.is_of(secret)
    judged = time.process_time()
    for _ in range(times):
        _, keys = exchange.welcome(hello, secret, signer, X25519PrivateKey.generate())
        exchange.unseal(keys.call, exchange.seal(keys.call, bytes(1200))[exchange.LENGTH_BYTES :])
        exchange.seal(keys.reply, bytes(2032))
    ended = time.process_time()
    stranger_us, caller_us = (1e6 * t / times for t in (judged - began, ended - judged))
    print(f"CPU of the daemon: a stranger's hello {stranger_us:.0f} us, a call {caller_us:.0f} us")


def free_port() -> int:
    """One nobody listens on."""
    with socket.create_server((HOST, 0)) as server:
        return int(server.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
