"""Two counters in network namespaces, their clocks a day to either side, cut off and joined.

    sudo .venv/bin/python benchmarks/partition.py

Real daemons before a recorded clip and a real centre, over mTLS on a bridge; the clocks of the
counters are moved by libfaketime (Debian: faketime). While both are cut off people are verified,
one counter starts anew, and somebody tries to sign in on each: at no time may he. Joined again,
the centre must hold what both hold, once, without gaps, and have told of both clocks. Exit code 1
when not. Linux, as root, with ``ip``; 仿真 (clips of the demo).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from backlog import INSTITUTION, run, serving
from scratch import ENROLLED, enrol_one, scratch_site
from sqlalchemy import select

from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config, load_config, to_toml
from yibao_face.daemon.door.client import caller_of, sample_request
from yibao_face.daemon.door.http import ATTENDANCE_PATH, AUTH_PATH, HEALTH_PATH
from yibao_face.daemon.section import CentreConfig, DoorConfig
from yibao_face.daemon.wiring import outbox_path
from yibao_face.sync.api import Query
from yibao_face.sync.center.store.database import Database, rows
from yibao_face.sync.center.store.tables import ALARM, CONFLICT, GAP, RECORD
from yibao_face.sync.outbox import Outbox

_FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
_BRIDGE, _NETWORK, _PORT = "yfp0", "10.77.0", 51519
_IP, _ENV = "/sbin/ip", "/usr/bin/env"
_PROGRAM = (sys.executable, "-m", "yibao_face.daemon")
_ASK = (
    "import http.client,json,sys;a=json.load(sys.stdin);"
    "c=http.client.HTTPConnection('127.0.0.1',a['port'],timeout=60);"
    "c.request(a['method'],a['path'],a['body'] and a['body'].encode(),a['headers']);"
    "sys.stdout.buffer.write(c.getresponse().read())"
)


@dataclass
class Counter:
    """One machine: its namespace, its data, its clock (``+1d``) and the daemon that runs."""

    name: str
    config: Config
    shift: str
    sequence: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Serve in the namespace, by the clock of this counter."""
        file = self.config.data / "config.toml"
        fake = ["LD_PRELOAD=" + str(_FAKETIME), f"FAKETIME={self.shift}", "DONT_FAKE_MONOTONIC=1"]
        words = [_IP, "netns", "exec", self.name, _ENV, *fake, *_PROGRAM, "serve", "--demo"]
        with (self.config.data / "daemon.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*words, "--config", str(file)], stdout=subprocess.PIPE, stderr=log
            )
        assert self.process.stdout is not None  # noqa: S101  # it was asked for
        if not self.process.stdout.readline().startswith(b"ready"):
            raise SystemExit(f"{self.name} did not start")

    def stop(self) -> None:
        """End the daemon in order."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """One request of a program on this counter."""
        token = caller_of(self.config, clerk=True).token
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        text = None if body is None else json.dumps(body, ensure_ascii=False)
        asked = {"port": self.config.door.port, "method": method, "path": path}
        done = subprocess.run(
            [_IP, "netns", "exec", self.name, sys.executable, "-c", _ASK],
            input=json.dumps({**asked, "body": text, "headers": headers}).encode(),
            capture_output=True,
            check=True,
        )
        return dict(json.loads(done.stdout))

    def verify(self, times: int) -> int:
        """So many settlements; how many passed."""
        passed = 0
        for _ in range(times):
            self.sequence += 1
            call = sample_request(ENROLLED, "李四", Clock(), self.sequence)
            passed += self.ask("POST", AUTH_PATH, call)["code"] == 1
        return passed

    def sign(self) -> str:
        """What a practitioner who signs in is told."""
        call = {"ID": ENROLLED, "name": "李四", "fixmedins_code": INSTITUTION}
        answer = self.ask("POST", ATTENDANCE_PATH, {**call, "fixmedins_name": "店"})
        return "signed in" if answer["code"] == 0 else str(answer["msg"]).split()[0]

    @property
    def link(self) -> dict[str, Any]:
        """How the way to the centre is."""
        return dict(self.ask("GET", HEALTH_PATH)["centre"])

    def cable(self, *, plugged: bool) -> None:
        """Pull or plug the cable of this counter."""
        ip("link", "set", f"{self.name}0", "up" if plugged else "down")


def ip(*words: str, must: bool = True) -> None:
    """Change the network of this machine."""
    subprocess.run([_IP, *words], check=must)


@contextmanager
def network(names: list[str]) -> Generator[None, None, None]:
    """A bridge with the centre's address, and a namespace for each counter."""
    try:
        ip("link", "add", _BRIDGE, "type", "bridge")
        ip("addr", "add", f"{_NETWORK}.1/24", "dev", _BRIDGE)
        ip("link", "set", _BRIDGE, "up")
        for n, name in enumerate(names, 2):
            ip("netns", "add", name)
            ip("link", "add", f"{name}0", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", f"{name}0", "master", _BRIDGE, "up")
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "addr", "add", f"{_NETWORK}.{n}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
        yield
    finally:
        for name in names:
            ip("netns", "del", name, must=False)
        ip("link", "del", _BRIDGE, must=False)


def bind(counter: Counter, home: Path) -> None:
    """Enrol the machine by a code of the centre, with the true clock."""
    config = counter.config
    (config.data / "config.toml").write_text(to_toml(config), "utf-8")
    who = ("--institution", INSTITUTION, "--device", counter.name)
    code = run("center", "code", "--data", str(home), *who).split()[0]
    link = ("link", "--config", str(config.data / "config.toml"), "enrol")
    run(*link, "--ca", str(home / "ca.pem"), "--code", code)


def wait_for(true: Callable[[], bool], what: str, most_s: float = 90.0) -> None:
    """Until it is so; ends the run where it never is."""
    until = time.monotonic() + most_s
    while not true():
        if time.monotonic() > until:
            raise SystemExit(f"waited {most_s:.0f} s in vain: {what}")
        time.sleep(0.3)


def differences(counters: list[Counter], home: Path) -> list[str]:
    """What the centre holds and the counters do not, or the other way about."""
    wrong: list[str] = []
    database = Database(f"sqlite:///{home / 'center.db'}")
    try:
        with database.reading() as db:
            found = rows(db, select(RECORD.c.device, RECORD.c.id, RECORD.c.chain))
            alarms = {(row["device"], row["kind"]) for row in rows(db, select(ALARM))}
            odd = {table.name: len(rows(db, select(table))) for table in (GAP, CONFLICT)}
    finally:
        database.close()
    wrong += [f"{name}: {count}" for name, count in odd.items() if count]
    for counter in counters:
        with Outbox(outbox_path(counter.config)) as outbox:
            kept = [brief.id for brief in outbox.briefs(Query())]
        stored = [row["id"] for row in found if row["device"] == counter.name]
        if sorted(kept) != sorted(stored):
            wrong.append(f"{counter.name} holds {len(kept)}, the centre {len(stored)}")
        print(f"{counter.name} ({counter.shift}): {len(kept)} records, the centre {len(stored)}")
    wrong += [f"{row['id']} is {row['chain']}" for row in found if row["chain"] != "whole"]
    expected = {(counter.name, "clock-skew") for counter in counters}
    return wrong + ([f"alarms {sorted(alarms)}"] if alarms != expected else [])


def scene(counters: list[Counter], wrong: list[str]) -> None:
    """Together, apart, one started anew, together again."""

    def everybody(times: int, when: str) -> None:
        for counter in counters:
            passed, said = counter.verify(times), counter.sign()
            print(f"{when}: {counter.name} passed {passed} of {times}; sign-in: {said}")
            if passed != times or "clock" not in said:
                wrong.append(f"{when}: {counter.name} passed {passed}, sign-in {said}")

    for counter in counters:
        counter.start()
        roster = {"practitioners": [{"id": ENROLLED, "name": "李四"}], "staff": "1001"}
        counter.ask("POST", "/desk/roster", {"institution": INSTITUTION, **roster})
    wait_for(lambda: all(c.link["clock_skewed"] for c in counters), "clocks compared")
    everybody(3, "together")
    for counter in counters:
        counter.cable(plugged=False)
    everybody(5, "apart")
    # Those that run remember the centre's clock; one that starts anew only that it was heard.
    counters[0].stop()
    counters[0].start()
    everybody(2, "apart, the slow one started anew")
    for counter in counters:
        counter.cable(plugged=True)
    wait_for(lambda: all(not c.link["waiting"] for c in counters), "joined again", 400.0)
    everybody(1, "joined")
    wait_for(lambda: all(not c.link["waiting"] for c in counters), "all is sent", 100.0)
    for counter in counters:
        counter.stop()


def main() -> int:
    """Returns the exit code."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "").parse_args()
    if os.geteuid() or not _FAKETIME.is_file():
        raise SystemExit("needs root and libfaketime (apt install faketime)")
    home_config, wrong = load_config(), list[str]()
    with ExitStack() as stack:
        counters: list[Counter] = []
        for name, shift in (("yfslow", "-1d"), ("yffast", "+1d")):
            bare = stack.enter_context(scratch_site(home_config))
            url = CentreConfig(url=f"https://{_NETWORK}.1:{_PORT}")
            site = replace(bare, centre=url, door=DoorConfig(port=51518))
            enrol_one(site, home_config)
            counters.append(Counter(name, site, shift))
        home = counters[0].config.data / "centre"
        stack.enter_context(network([counter.name for counter in counters]))
        run("center", "init", "--data", str(home), "--name", f"{_NETWORK}.1")
        with serving(home, _PORT, f"{_NETWORK}.1"):
            for counter in counters:
                bind(counter, home)
            try:
                scene(counters, wrong)
            finally:
                for counter in counters:
                    counter.stop()
        wrong += differences(counters, home)
    for line in wrong:
        print(f"WRONG: {line}")
    print("one truth, no forged sign-in" if not wrong else "NOT one truth")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
