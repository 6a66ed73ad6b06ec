"""Hostile calls in great number to the real daemon: it must answer, refuse, record and live on."""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import psutil
from hypothesis import HealthCheck, Phase, given, seed, settings

ROOT = Path(__file__).resolve().parent.parent
# The strategies are those of the tests, which are no package.
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from knock import Answer, NoAnswerError, Wire  # noqa: E402  # as said above
from scratch import ENROLLED, RULE, enrol_one, scratch_site  # noqa: E402  # as said above

from tests.hostile_calls import (  # noqa: E402  # as said above
    ATTEND,
    AUTH,
    Message,
    broken_messages,
    messages,
    of_its_own,
    posted,
)
from tests.wire_calls import attendance_call, his_call  # noqa: E402  # as said above
from yibao_face.daemon.codes import TABLE  # noqa: E402  # as said above
from yibao_face.daemon.config import Config, load_config  # noqa: E402  # as said above
from yibao_face.daemon.core.encounter import Cause  # noqa: E402  # as said above
from yibao_face.daemon.demo.child import Child, child_daemon  # noqa: E402  # as said above
from yibao_face.daemon.trust.certificate import CertificateError, verify  # noqa: E402  # as said
from yibao_face.daemon.wire.reply import MAX_REPLY_BYTES  # noqa: E402  # as said above
from yibao_face.daemon.wiring import outbox_path, signer_of, vault_of  # noqa: E402  # as said
from yibao_face.models.api import ModelError  # noqa: E402  # as said above

BATCH, PARALLEL = 1000, 4
# Calls of one person and settlement that stay so: a HIS that asks the same again and again.
STUCK_EVERY = 50
BROKEN_SHARE, LIVE_EVERY = 0.03, 2000
MAX_SLOPE_KIB = 20.0
_HIS_KEYS, _ATTENDANCE_KEYS = ["code", "msg", "cp_no", "type"], ["code", "msg"]
_INTERNAL = TABLE[Cause.INTERNAL].message


@dataclass(frozen=True, slots=True)
class Told:
    """An answer that let somebody go on."""

    code: int
    cp_no: str


@dataclass(slots=True)
class Tally:
    """What came back. ``wrong``: every violation, worded; ``passes``: still to be looked up."""

    rows: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    wrong: list[str] = field(default_factory=list[str])
    passes: list[Told] = field(default_factory=list[Told])
    signs: int = 0
    reconnects: int = 0
    guard: threading.Lock = field(default_factory=threading.Lock)

    def note(self, message: Message, answer: Answer | None) -> None:
        """Judge one answer; ``None``: none came."""
        with self.guard:
            outcome, problem = self._judged(message, answer)
            self.rows[message.kind, outcome] += 1
            if problem:
                self.wrong.append(f"{message.kind}: {problem}: {message.raw[:300]!r}")

    def _judged(self, message: Message, answer: Answer | None) -> tuple[str, str]:
        if answer is None:
            return "none", "" if message.replies is None else "no answer"
        if answer.status == 403:
            expected = message.guarded or message.replies is None
            return "403", "" if expected else "refused by the guard"
        if message.kind == "own windows":
            return _judged_own(answer)
        if answer.status != 200:
            return str(answer.status), f"HTTP {answer.status}"
        return ("head", "") if message.is_head else self._judged_his(message, answer)

    def _judged_his(self, message: Message, answer: Answer) -> tuple[str, str]:
        said, problem = _decoded(answer)
        if problem:
            return "odd", problem
        if list(said) == _ATTENDANCE_KEYS and message.path != AUTH:
            return self._judged_attendance(said)
        if list(said) != _HIS_KEYS:
            return "odd", f"keys {list(said)}"
        code, cp_no = said["code"], said["cp_no"]
        if type(code) is not int or code not in (0, 1, 2) or said["type"] not in (0, 1, 2):
            return "odd", f"code {code!r}, type {said['type']!r}"
        if bool(cp_no) is not (code != 0) or len(cp_no) > 30:
            return "odd", f"code {code} with certificate {cp_no!r}"
        if code:
            self.passes.append(Told(code, cp_no))
        return f"code {code}", "an internal error" if said["msg"] == _INTERNAL else ""

    def _judged_attendance(self, said: dict[str, Any]) -> tuple[str, str]:
        code = said["code"]
        if type(code) is not int or code not in (0, 1, -1, -2, -4):
            return "odd", f"attendance code {code!r}"
        self.signs += code == 0
        internal = _INTERNAL in said["msg"]
        return f"sign {code}", "an internal error" if internal else ""


def _judged_own(answer: Answer) -> tuple[str, str]:
    said, problem = _decoded(answer) if answer.status == 200 else ({}, "")
    if answer.status >= 500 or list(said) == _HIS_KEYS:
        return "fault", f"a fault, shown as HTTP {answer.status}"
    internal = said.get("msg") == _INTERNAL
    return "own window", "an internal error" if internal else problem


def _decoded(answer: Answer) -> tuple[dict[str, Any], str]:
    """The object of an answer, or what is wrong with it."""
    kind, _, charset = answer.headers.get("content-type", "").partition("; charset=")
    if kind != "application/json" or charset not in ("utf-8", "gbk"):
        return {}, f"content type {kind}; {charset}"
    try:
        said = json.loads(answer.body.decode(charset))
    except ValueError as exc:
        return {}, f"not JSON in {charset}: {type(exc).__name__}"
    if not isinstance(said, dict):
        return {}, "not an object"
    told = cast(dict[str, Any], said)
    large = len(answer.body) > MAX_REPLY_BYTES and list(told) in (_HIS_KEYS, _ATTENDANCE_KEYS)
    return told, f"{len(answer.body)} bytes" if large else ""


class Knocker:
    """Sends messages one after the other, over one connection as long as it holds."""

    def __init__(self, port: int, tally: Tally) -> None:
        self._port, self._tally = port, tally
        self._wire: Wire | None = None

    def run(self, work: Iterable[Message]) -> None:
        """Send all of ``work``."""
        for message in work:
            if message.replies is None:
                self._once(message)
            else:
                self._send(message)
        self._drop()

    def _send(self, message: Message) -> None:
        """A whole message; a connection that was closed meanwhile is opened again, once."""
        wanted, is_new = message.replies or 0, self._wire is None
        found = self._answers(message, wanted)
        if not found and not is_new:
            self._tally.reconnects += 1
            found = self._answers(message, wanted)
        for number in range(wanted):
            self._tally.note(message, found[number] if number < len(found) else None)
            if number < len(found) and found[number].closes:
                break

    def _answers(self, message: Message, wanted: int) -> list[Answer]:
        wire = self._wire = self._wire or Wire(self._port)
        wire.send(message.raw)
        found: list[Answer] = []
        try:
            while len(found) < wanted and not (found and found[-1].closes):
                found.append(wire.answer(is_head=message.is_head))
        except NoAnswerError:
            self._drop()
        if found and found[-1].closes:
            self._drop()
        return found

    def _once(self, message: Message) -> None:
        """A message whose HTTP is broken: take what comes, then leave."""
        with Wire(self._port) as wire:
            wire.send(message.raw)
            wire.patience(0.02 if message.ends else 0.3)
            found: Answer | None = None
            try:
                while found is None or not found.closes:
                    found = wire.answer(is_head=message.is_head)
                    self._tally.note(message, found)
                    wire.patience(0.01)
            except NoAnswerError:
                if found is None:
                    self._tally.note(message, None)

    def _drop(self) -> None:
        if self._wire is not None:
            self._wire.close()
        self._wire = None


@dataclass(frozen=True, slots=True)
class Row:
    """What matters of a record. ``no``, ``text``: of its certificate."""

    kind: str
    code: int
    cause: str
    rule: str
    person: str
    no: str
    text: str


@dataclass(slots=True)
class Store:
    """What the daemon wrote down, read beside it. ``enrolled``: whom alone a face may pass."""

    db: sqlite3.Connection
    keys: dict[str, bytes]
    enrolled: str
    known: dict[str, int] = field(default_factory=dict[str, int])
    signs: int = 0
    rows: int = 0
    last: int = 0

    def take(self, tally: Tally) -> None:
        """Read the new rows and look up every answer that let somebody go on."""
        query = (
            "SELECT rowid, kind, code, cause, rule, person, certificate_no, certificate"
            " FROM record WHERE rowid > ? ORDER BY rowid"
        )
        for last, *row in self.db.execute(query, (self.last,)):
            self.last, self.rows = last, self.rows + 1
            problem = self._problem(Row(*row))
            tally.wrong += [f"record {last}: {problem}"] if problem else []
        for told in tally.passes:
            if self.known.get(told.cp_no) != told.code:
                tally.wrong.append(f"code {told.code} with {told.cp_no}: nothing of it on record")
        tally.passes.clear()
        if tally.signs and not self.signs:
            tally.wrong.append("signed without a record")

    def _problem(self, row: Row) -> str:
        """What is wrong with a record that let somebody go on; empty for all others."""
        if row.code == 0:
            return "" if not row.no else "a refusal has a certificate"
        if row.kind == "attendance":
            self.signs += 1
            return "" if row.person == self.enrolled else "a stranger signed"
        try:
            number, facts = verify(row.text, self.keys)
        except CertificateError as exc:
            return str(exc)
        self.known[row.no] = row.code
        said = (number, facts.code, facts.rule, facts.person)
        if said != (row.no, row.code, row.rule, row.person):
            return "the certificate says something else"
        if row.code == 1:
            seen = (row.cause, row.person) == ("matched-self", self.enrolled)
            return "" if seen else f"code 1 for {row.cause}"
        spared = (row.cause, row.rule) == ("policy-exempt", RULE)
        return "" if spared else f"code {row.code} by rule {row.rule!r}"


def drawn(token: str, count: int, number: int) -> list[Message]:
    """``count`` messages of the batch ``number`` at least, some of them no HTTP at all."""
    broken = max(1, round(count * BROKEN_SHARE))
    whole = _examples(messages(token), count - broken, number)
    return whole + _examples(broken_messages(), broken, number)


def _examples(strategy: Any, count: int, number: int) -> list[Message]:
    found: list[Message] = []

    @seed(number)
    @settings(
        max_examples=count,
        phases=(Phase.generate,),
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(strategy)
    def keep(message: Message) -> None:
        found.append(message)

    keep()
    return found


def individual(batch: Sequence[Message], first: int, last_live: int) -> list[Message]:
    """Each a person and a settlement of its own, but for those of a HIS that is stuck.

    Calls before the camera come up to ``last_live`` only: what the networks take of memory has a
    figure of its own (``yibao-face bench verify``), and is not what the second half measures.
    """
    made: list[Message] = []
    for serial, message in enumerate(batch, first):
        number = f"11010519491231{serial % 10_000:04d}"
        stuck = serial % STUCK_EVERY == 0
        raw = message.raw if stuck else of_its_own(message.raw, number, serial)
        made.append(replace(message, raw=raw))
        if serial % LIVE_EVERY == 1 and serial <= last_live:
            call, sign = his_call(id=ENROLLED), attendance_call(ID=ENROLLED)
            made.append(Message("live", of_its_own(posted(call), ENROLLED, serial)))
            made.append(Message("live sign", posted(sign, ATTEND), ATTEND))
    return made


def send_all(port: int, batch: Sequence[Message], tally: Tally) -> None:
    """Most over one connection, one after the other; the rest over several at once."""
    alone = [m for n, m in enumerate(batch) if n % 3 and m.replies is not None]
    together = [m for n, m in enumerate(batch) if not (n % 3 and m.replies is not None)]
    Knocker(port, tally).run(alone)
    threads = [
        threading.Thread(target=Knocker(port, tally).run, args=(together[n::PARALLEL],))
        for n in range(PARALLEL)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def run(given: argparse.Namespace, home: Config) -> tuple[Tally, dict[str, Any]]:
    """Start a daemon, send everything, look everything up."""
    tally = Tally()
    with scratch_site(home) as site:
        enrolled = enrol_one(site, home)
        signer = signer_of(vault_of(site))
        with child_daemon(site) as child:
            _give_roster(child)
            uri = f"file:{outbox_path(site)}?mode=ro"
            with closing(sqlite3.connect(uri, uri=True)) as db:
                store = Store(db, {signer.key_id: signer.public_key()}, enrolled)
                figures = _batches(given, child, tally, store)
            if child.process.poll() is not None:
                tally.wrong.append(f"the daemon ended with {child.process.returncode}")
        log = (site.data / "daemon.log").read_text("utf-8", "replace")
    faults = log.count("Traceback (most recent call last)")
    tally.wrong += [f"{faults} tracebacks in the log: {_last_words(log)}"] if faults else []
    codes = Counter(store.known.values())
    counts = {"passed": codes[1], "spared": codes[2], "signed": store.signs}
    return tally, {**figures, "records": store.rows, **counts}


def _batches(
    given: argparse.Namespace, child: Child, tally: Tally, store: Store
) -> dict[str, Any]:
    process, port = psutil.Process(child.process.pid), child.caller.port
    began, sent = time.monotonic(), 0
    memory: list[tuple[int, int]] = []
    batch = min(BATCH, max(50, given.requests // 10))
    with ProcessPoolExecutor(1) as pool:
        token = child.caller.token
        ahead = pool.submit(drawn, token, batch, given.seed)
        number = 0
        while sent < given.requests and time.monotonic() - began < given.minutes * 60:
            work, number = individual(ahead.result(), sent, given.requests // 2), number + 1
            ahead = pool.submit(drawn, token, batch, given.seed + number)
            send_all(port, work, tally)
            sent += len(work)
            store.take(tally)
            if child.process.poll() is not None or len(tally.wrong) > 1000:
                break
            memory.append((sent, process.memory_info().rss))
    took_s = time.monotonic() - began
    if sent < given.requests:
        tally.wrong.append(f"stopped after {sent} of {given.requests} requests")
    return {"requests": sent, "seconds": round(took_s, 1), **_memory(memory)}


def _memory(samples: list[tuple[int, int]]) -> dict[str, Any]:
    """Memory of the daemon, and how it grows in the second half: the first warms up."""
    half = np.array(samples[len(samples) // 2 :], np.float64)
    if len(half) < 2:
        return {"rss_mib": 0.0, "slope_kib_per_1000": 0.0}
    slope = float(np.polyfit(half[:, 0] / 1000, half[:, 1] / 1024, 1)[0])
    return {
        "rss_first_mib": round(samples[0][1] / 2**20, 1),
        "rss_last_mib": round(samples[-1][1] / 2**20, 1),
        "slope_kib_per_1000": round(slope, 2),
    }


def _give_roster(child: Child) -> None:
    form = {
        "institution": "001000200030",
        "practitioners": [{"id": ENROLLED, "name": "李四"}],
        "staff": "1",
    }
    child.caller.act("roster", form)


def _last_words(log: str) -> str:
    """Which exceptions the log holds: the types only."""
    words = Counter(
        line.split(":", 1)[0]
        for line in log.splitlines()
        if line[:1].isalpha() and line.split(":", 1)[0].endswith(("Error", "Exception"))
    )
    return ", ".join(f"{n} x {name}" for name, n in words.most_common(5))


def show(tally: Tally, figures: dict[str, Any]) -> None:
    """The table, the figures, and what was wrong."""
    outcomes = sorted({outcome for _, outcome in tally.rows})
    print(" ".join([f"{'kind':16}", *(f"{outcome:>10}" for outcome in outcomes)]))
    for kind in sorted({kind for kind, _ in tally.rows}):
        counts = (tally.rows[kind, outcome] for outcome in outcomes)
        print(" ".join([f"{kind:16}", *(f"{count or '':>10}" for count in counts)]))
    print(json.dumps({**figures, "reconnects": tally.reconnects, "wrong": len(tally.wrong)}))
    for line in tally.wrong[:20]:
        print("WRONG", line)


def main() -> int:
    """Print the table; 1 where anything was wrong, 2 where nothing could be run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60.0, help="stop then, as a failure")
    given = parser.parse_args()
    try:
        tally, figures = run(given, load_config())
    except ModelError as exc:
        print(f"hostile: {exc}: run `python3 tools/start.py demo` once")
        return 2
    if given.requests >= 20_000 and figures["slope_kib_per_1000"] > MAX_SLOPE_KIB:
        tally.wrong.append(f"memory grows by {figures['slope_kib_per_1000']} KiB per 1,000")
    show(tally, figures)
    return 1 if tally.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
