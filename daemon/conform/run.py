"""Plays golden cases against a target, each on a stage of its own."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from yibao_face.daemon.conform.body import body_of, filled
from yibao_face.daemon.conform.case import Call, Case, Interface, Suite
from yibao_face.daemon.conform.check import alarm_faults, answer_faults, record_faults, told
from yibao_face.daemon.conform.stage.host import CAST
from yibao_face.daemon.conform.target import Answer, Control, Target
from yibao_face.daemon.core.scene.detail import CHINA
from yibao_face.daemon.core.scene.event import HIS_KINDS, Kind

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
_NO_HOST = "需要一致性测试主机 / needs the conformance host"
# Institution and settlement number: what makes a settlement unique.
Deal: TypeAlias = tuple[str, str]
_OPEN_S, _POLL_S = 10.0, 0.01


@dataclass(frozen=True, slots=True)
class Played:
    """One call of a case as it went over the wire. ``deal``: ``None`` counts every record."""

    call: Call
    interface: Interface
    body: bytes = field(repr=False)
    answer: Answer
    deal: Deal | None


@dataclass(frozen=True, slots=True)
class Result:
    """How one case ended. ``lines``: the reason of a skip, or each difference."""

    case: Case
    verdict: str
    lines: tuple[str, ...] = ()
    played: tuple[Played, ...] = ()
    took_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Runner:
    """``control``: ``None`` without a conformance host. ``salt``: six digits of this run."""

    suite: Suite
    target: Target
    control: Control | None
    salt: str = field(default_factory=lambda: f"{time.time_ns() // 1_000_000 % 1_000_000:06d}")

    def run(self, cases: Sequence[Case], tell: Callable[[Result], None]) -> list[Result]:
        """Play ``cases`` in order; ``tell`` hears of each."""
        results: list[Result] = []
        for number, case in enumerate(cases, 1):
            results.append(self.play(case, number))
            tell(results[-1])
        return results

    def play(self, case: Case, number: int) -> Result:
        """One case; raises ``ConformError`` only when the host itself is gone."""
        words = _words(self.salt, number)
        bodies = [self._body(case, call, words) for call in case.calls]
        reason = self._unfit(case, bodies)
        if reason:
            return Result(case, SKIPPED, (reason,))
        started = time.monotonic()
        if case.stage is not None and self.control is not None:
            self.control.set(case.stage, words["inst"], reset=True)
        played = self._played(case, bodies, words)
        lines = tuple(self._faults(played))
        took_s = time.monotonic() - started
        return Result(case, FAILED if lines else PASSED, lines, tuple(played), took_s)

    def _body(self, case: Case, call: Call, words: Mapping[str, str]) -> bytes:
        baseline = self.suite.baseline[_interface(case, call)]
        return body_of(call.send, baseline, words)

    def _unfit(self, case: Case, bodies: Sequence[bytes]) -> str:
        if case.needs_host and self.control is None:
            return _NO_HOST
        calls = zip(case.calls, bodies, strict=True)
        return next((why for c, b in calls if (why := self.target.unfit(c.send, b))), "")

    def _played(
        self, case: Case, bodies: Sequence[bytes], words: Mapping[str, str]
    ) -> list[Played]:
        """The calls in order; those that run in parallel together."""
        played: list[Played] = []
        with ThreadPoolExecutor(max_workers=len(bodies)) as pool:
            for batch in _batches(case.calls):
                self._change(case.calls[batch[0]], words["inst"])
                answers = self._sent(case, batch, bodies, pool)
                for at, answer in zip(batch, answers, strict=True):
                    call, interface = case.calls[at], _interface(case, case.calls[at])
                    deal = self._deal(call, interface, words)
                    played.append(Played(call, interface, bodies[at], answer, deal))
        return played

    def _deal(self, call: Call, interface: Interface, words: Mapping[str, str]) -> Deal | None:
        """The settlement of a call; ``None`` where only its raw text names one."""
        if interface != "auth" or call.send.text is not None or call.send.hex is not None:
            return None
        fields = {**self.suite.baseline[interface], **call.send.set}
        named = (str(fields[key]) for key in ("fixmedins_code", "deal_no"))
        institution, deal_no = (filled(text, words).strip() for text in named)
        return institution, deal_no

    def _change(self, call: Call, institution: str) -> None:
        if call.stage is not None and self.control is not None:
            self.control.set(call.stage, institution, reset=False)

    def _sent(
        self, case: Case, batch: Sequence[int], bodies: Sequence[bytes], pool: ThreadPoolExecutor
    ) -> list[Answer]:
        futures: list[Future[Answer]] = []
        for at in batch:
            if futures:
                self._wait_until_open()
            futures.append(pool.submit(self._send, case, case.calls[at], bodies[at]))
        return [future.result() for future in futures]

    def _send(self, case: Case, call: Call, body: bytes) -> Answer:
        try:
            return self.target.send(_interface(case, call), call.send, body)
        except (OSError, http.client.HTTPException) as exc:
            return Answer(b"", 0, faults=(f"没有应答 / no answer: {type(exc).__name__}",))

    def _wait_until_open(self) -> None:
        """Until the call before holds the camera: only then is this one a second caller."""
        give_up = time.monotonic() + _OPEN_S
        while self.control is not None and time.monotonic() < give_up:
            if self.control.opened():
                return
            time.sleep(_POLL_S)

    def _faults(self, played: Sequence[Played]) -> Iterator[str]:
        """Every difference of every call, with the number of the call in front."""
        everything = self._records(played)
        for number, one in enumerate(played, 1):
            expect = one.call.expect
            ascii_call = one.body.isascii()
            lines = answer_faults(expect, one.interface, one.answer, ascii_call=ascii_call)
            if expect.same_as and one.answer.raw != played[expect.same_as - 1].answer.raw:
                lines.append(f"与第{expect.same_as}次答复不同 / differs from that answer")
            lines += record_faults(expect, _own(one, everything), told(one.answer))
            lines += alarm_faults(expect, everything)
            yield from (f"第{number}次 call {number}: {line}" for line in lines)

    def _records(self, played: Sequence[Played]) -> list[dict[str, Any]]:
        """All records of the case, read where one of its calls asks for them."""
        asked = any(one.call.expect.asks_records for one in played)
        return self.control.records(None) if asked and self.control is not None else []


def _interface(case: Case, call: Call) -> Interface:
    return call.interface or case.interface


def _batches(calls: Sequence[Call]) -> list[list[int]]:
    """Places of calls that are sent together."""
    batches: list[list[int]] = []
    for at, call in enumerate(calls):
        if call.parallel and batches:
            batches[-1].append(at)
        else:
            batches.append([at])
    return batches


def _own(one: Played, records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records of the call's settlement, or of attendance."""
    kinds = HIS_KINDS if one.interface == "auth" else (Kind.ATTENDANCE,)
    return [
        record
        for record in records
        if record["kind"] in kinds
        and one.deal in (None, (record["institution"], record["deal_no"]))
    ]


def _words(salt: str, number: int) -> dict[str, str]:
    """An institution, settlements and persons of one case; 12 + 14 + 4 digits (S0-12)."""
    institution = f"{salt}{number:06d}"
    moment = f"{datetime.now(CHINA):%Y%m%d%H%M%S}"
    deals = {f"deal{n}": f"{institution}{moment}{n:04d}" for n in range(1, 10)}
    return {"inst": institution, **deals, **CAST}
