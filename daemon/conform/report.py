"""What a HIS vendor sends back: one page of text, or the same as JSON."""

from __future__ import annotations

import contextlib
import json
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from yibao_face.daemon.clock import Clock
from yibao_face.daemon.conform.case import Suite
from yibao_face.daemon.conform.run import FAILED, PASSED, SKIPPED, Played, Result

_SHOWN_BYTES = 600
_TITLES = {
    "version": "一致性测试 yibao-face conform",
    "target": "测试对象",
    "host": "测试主机",
    "date": "日期",
    "system": "系统",
    "cases_sha256": "用例集",
}


@dataclass(frozen=True, slots=True)
class Report:
    """``target``: what was called. ``host``: release of the conformance host, empty: none.

    ``results``: in the order of the suite; of the chosen cases.
    """

    suite: Suite
    target: str
    host: str
    results: Sequence[Result]

    @property
    def passed(self) -> bool:
        """Whether something was tried and nothing failed."""
        counts = self.counts(self.results)
        return counts[FAILED] == 0 and counts[PASSED] > 0

    def counts(self, results: Sequence[Result]) -> Counter[str]:
        """How many of ``results`` ended how."""
        return Counter(result.verdict for result in results)

    def groups(self) -> list[tuple[str, list[Result]]]:
        """Title of each group and its results; groups of which none was chosen are left out."""
        by_id = {result.case.id: result for result in self.results}
        found = [
            (group.title, [by_id[case.id] for case in group.cases if case.id in by_id])
            for group in self.suite.groups
        ]
        return [(title, results) for title, results in found if results]


def text(report: Report) -> str:
    """The report to read: Chinese first, English beside."""
    lines = [f"{_TITLES[key]} {key}: {value}" for key, value in _head(report).items()]
    lines += ["", "组 group | 通过 passed | 失败 failed | 跳过 skipped"]
    for title, results in report.groups():
        lines.append(f"{title} | {_counted(report.counts(results))}")
    lines.append(f"合计 total | {_counted(report.counts(report.results))}")
    for result in report.results:
        if result.verdict == FAILED:
            lines += ["", *_failure(result)]
    reasons = Counter(r.lines[0] for r in report.results if r.verdict == SKIPPED)
    lines += [""] * bool(reasons)
    lines += [f"跳过 skipped {count}: {reason}" for reason, count in reasons.items()]
    lines += ["", _verdict(report)]
    return "\n".join(lines) + "\n"


def as_json(report: Report) -> str:
    """The report for machines: head, counts, and every case."""
    body = {
        **_head(report),
        "passed": report.passed,
        "counts": dict(report.counts(report.results)),
        "cases": [_case(result) for result in report.results],
    }
    return json.dumps(body, ensure_ascii=False, indent=1) + "\n"


def _head(report: Report) -> Mapping[str, str]:
    return {
        "version": version("yibao-face"),
        "target": report.target,
        "host": report.host or "none",
        "date": f"{Clock().now():%Y-%m-%d %H:%M:%S%z}",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cases_sha256": report.suite.sha256,
    }


def _counted(counts: Counter[str]) -> str:
    return " | ".join(str(counts[verdict]) for verdict in (PASSED, FAILED, SKIPPED))


def _verdict(report: Report) -> str:
    if report.passed:
        return "结论 result: 通过 passed"
    return f"结论 result: 未通过 failed ({report.counts(report.results)[FAILED]})"


def _failure(result: Result) -> list[str]:
    case = result.case
    lines = [f"失败 failed {case.id} {case.title} ({case.clause})", *result.lines]
    for number, one in enumerate(result.played, 1):
        lines.append(f"第{number}次入参 sent {number}: {_shown(one.body)}")
        lines.append(f"第{number}次答复 answer {number}: {_answer(one)}")
    return [lines[0], *(f"    {line}" for line in lines[1:])]


def _answer(one: Played) -> str:
    status = f"HTTP {one.answer.status} "
    returned = f"return {one.answer.returned} "
    return (returned if one.answer.returned is not None else status) + _shown(one.answer.raw)


def _shown(data: bytes) -> str:
    """The text and its charset, else the bytes; what cannot be seen is told. All is invented."""
    cut = f"… {len(data)} bytes" if len(data) > _SHOWN_BYTES else ""
    for charset in ("utf-8", "gb18030"):
        with contextlib.suppress(UnicodeDecodeError):
            return f"{charset} {data.decode(charset)[:_SHOWN_BYTES]!r}{cut}"
    return f"{data[:_SHOWN_BYTES]!r}{cut}"


def _case(result: Result) -> dict[str, Any]:
    case = result.case
    found: dict[str, Any] = {
        "id": case.id,
        "title": case.title,
        "clause": case.clause,
        "verdict": result.verdict,
        "took_s": round(result.took_s, 3),
        "lines": list(result.lines),
    }
    if result.verdict == FAILED:
        found["sent"] = [_shown(one.body) for one in result.played]
        found["answers"] = [_answer(one) for one in result.played]
    return found
