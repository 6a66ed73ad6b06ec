"""The kit against the real daemon passes; against anything else it says what is wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from harness import running

from yibao_face.daemon.config import Config
from yibao_face.daemon.conform.case import (
    GROUPS,
    Case,
    ConformError,
    Expect,
    RecordWanted,
    Stage,
    load_suite,
)
from yibao_face.daemon.conform.check import alarm_faults, answer_faults, record_faults
from yibao_face.daemon.conform.report import Report, as_json, text
from yibao_face.daemon.conform.run import FAILED, PASSED, SKIPPED, Result, Runner
from yibao_face.daemon.conform.stage.host import quick
from yibao_face.daemon.conform.target import Answer, Control, HttpTarget, address
from yibao_face.daemon.section import DeskConfig, DoorConfig, LockoutConfig

SUITE = load_suite()
LOOSE = [case for case in SUITE.cases if not case.needs_host]
PASS: dict[str, Any] = {"code": 1, "msg": "本人核验通过", "cp_no": "C1", "type": 1}
RECORD: dict[str, Any] = {
    "kind": "settlement",
    "cause": "matched-self",
    "code": 1,
    "rule": "",
    "certificate_no": "C1",
    "findings": ["id:check-digit"],
    "fields": {"name": "联通"},
    "detail": {"bed": "036"},
}


def runner(port: int, *, host: bool = True) -> Runner:
    control = Control("127.0.0.1", port)
    return Runner(SUITE, HttpTarget("127.0.0.1", port), control if host else None)


def play(port: int, cases: list[Case], *, host: bool = True) -> Report:
    made = runner(port, host=host)
    results = made.run(cases, lambda _result: None)
    return Report(SUITE, made.target.name, "0" if host else "", results)


def named(*ids: str) -> list[Case]:
    return [case for case in SUITE.cases if case.id in ids]


def failures(report: Report) -> dict[str, tuple[str, ...]]:
    return {r.case.id: r.lines for r in report.results if r.verdict == FAILED}


@contextmanager
def stranger(status: int, body: bytes) -> Generator[int, None, None]:
    """A server that answers everything in one way; its port."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer  # noqa: N815  # names of the standard library

        def log_message(self, format: str, *args: Any) -> None:
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("group", GROUPS)
def test_the_daemon_passes_every_case(port: int, group: str) -> None:
    [cases] = [[*found.cases] for found in SUITE.groups if found.name == group]

    report = play(port, cases)

    assert {} == failures(report)
    assert {PASSED: len(cases)} == report.counts(report.results)


def test_cases_do_not_depend_on_what_was_played_before(port: int) -> None:
    cases = named(
        *("sample-a-gbk", "ward-then-out", "lockout", "enrol-agrees", "sign-clock-back"),
        *("policy-older", "policy-not-json", "fault-store-full", "special-rejected"),
    )

    report = play(port, [*cases[::-1], *cases])

    assert {} == failures(report)


def test_a_real_daemon_is_asked_only_what_needs_no_stage(site: Config) -> None:
    with running(site) as daemon:
        port = daemon.config.door.port
        assert "" == Control("127.0.0.1", port).version()
        report = play(port, [*SUITE.cases], host=False)

    assert {} == failures(report)
    assert {PASSED: len(LOOSE), SKIPPED: len(SUITE.cases) - len(LOOSE)} == report.counts(
        report.results
    )
    assert f"跳过 skipped {len(SUITE.cases) - len(LOOSE)}: 需要一致性测试主机" in text(report)
    assert report.passed


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, json.dumps(PASS).encode(), "code: 应为 expected 0，实为 actual 1"),
        (500, b"", "HTTP: 应为 expected 200，实为 actual 500"),
        (200, b'{"msg": "' + b"x" * 2000 + b'"}', "字节数 bytes"),
        (200, b"<html>error</html>", "不是utf-8的JSON对象"),
        (200, b'{"code": 0}', "键 keys"),
    ],
    ids=["passes everybody", "error page", "too long", "no json", "keys"],
)
def test_a_wrong_daemon_is_found_out_and_every_case_named(
    status: int, body: bytes, said: str
) -> None:
    cases = [case for case in LOOSE if case.interface == "auth"]
    with stranger(status, body) as port:
        report = play(port, cases, host=False)
    shown = text(report)

    assert not report.passed
    assert {case.id for case in cases} == failures(report).keys()
    assert all(f"失败 failed {case.id} {case.title}" in shown for case in cases)
    assert said in shown
    assert f"结论 result: 未通过 failed ({len(cases)})" in shown


def test_a_daemon_that_is_gone_fails_every_case() -> None:
    with stranger(200, b"") as port:
        pass
    report = play(port, LOOSE[:3], host=False)

    assert {case.id for case in LOOSE[:3]} == failures(report).keys()
    assert "没有应答" in text(report)


def test_what_a_site_has_set_does_not_change_what_the_cases_expect(tmp_path: Path) -> None:
    site = Config(
        tmp_path,
        door=DoorConfig(port=7, origins=("http://his.example",), charset="gbk"),
        lockout=LockoutConfig(spoofs=0),
        desk=DeskConfig(inpatient_med_types=()),
    )

    assert quick(Config(tmp_path, door=DoorConfig(port=7))) == quick(site)
    assert (7, tmp_path) == (quick(site).door.port, quick(site).data)


def test_a_host_that_is_gone_ends_the_run() -> None:
    with stranger(200, b"") as port:
        pass
    with pytest.raises(ConformError, match="no daemon answers"):
        Control("127.0.0.1", port).version()


def test_a_stage_the_host_does_not_know_is_told(port: int) -> None:
    control = Control("127.0.0.1", port)
    with pytest.raises(ConformError, match="refused the stage"):
        control.set(Stage(special="on-leave"), "", reset=True)


def test_nothing_tried_is_not_passed() -> None:
    skipped = [Result(case, SKIPPED, ("why",)) for case in SUITE.cases[:2]]

    assert not Report(SUITE, "t", "", skipped).passed


def test_the_report_as_json_holds_head_counts_and_what_failed() -> None:
    with stranger(500, b"") as port:
        report = play(port, LOOSE[:2], host=False)
    body = json.loads(as_json(report))

    assert {"version", "target", "host", "date", "system", "cases_sha256"} <= body.keys()
    assert (SUITE.sha256, False, {FAILED: 2}) == (
        body["cases_sha256"],
        body["passed"],
        body["counts"],
    )
    assert [(c.id, FAILED) for c in LOOSE[:2]] == [(c["id"], c["verdict"]) for c in body["cases"]]
    assert all(case["sent"] and case["answers"] for case in body["cases"])


def changed(**more: Any) -> Answer:
    return Answer(json.dumps({**PASS, **more}, ensure_ascii=False).encode(), charset="utf-8")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (changed(), ""),
        (changed(code=0), "code"),
        (changed(type=2), "type"),
        (changed(msg="x"), "msg"),
        (changed(cp_no=""), "cp_no"),
        (changed(cp_no="C" * 31), "cp_no 长度"),
        (changed(code="1"), "code 类型"),
        (changed(code=True), "code 类型"),
        (changed(extra=1), "键 keys"),
        (Answer(changed().raw, charset="gbk"), "字符集"),
        (Answer(changed().raw, status=403), "HTTP"),
        (Answer(changed().raw, returned=0), "返回值"),
        (Answer(changed().raw, returned=1), ""),
        (Answer(changed().raw, faults=("wrote beyond",)), "wrote beyond"),
        (Answer(json.dumps(PASS).encode() + b" " * 1000), "字节数"),
        (Answer(b"[]"), "JSON"),
        (Answer(json.dumps({"msg": 1, "code": 1, "cp_no": "", "type": 1}).encode()), "键"),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_every_answer_is_looked_at_from_all_sides(answer: Answer, said: str) -> None:
    expect = Expect(code=1, type=1, msg="本人核验通过")

    faults = answer_faults(expect, "auth", answer, ascii_call=False)

    assert bool(faults) is bool(said)
    assert said in "\n".join(faults)


def test_a_library_answers_an_ascii_call_in_a_charset_of_its_own() -> None:
    gbk = Answer(json.dumps(PASS, ensure_ascii=False).encode("gbk"))
    expect = Expect(code=1, type=1)

    assert [] == answer_faults(expect, "auth", gbk, ascii_call=True)
    assert [] != answer_faults(expect, "auth", gbk, ascii_call=False)


@pytest.mark.parametrize(
    ("wanted", "records", "said"),
    [
        (RecordWanted(kind="settlement", fields={"name": "联通"}), [RECORD], ""),
        (RecordWanted(findings=("id:check-digit",), detail={"bed": "036"}), [RECORD], ""),
        (RecordWanted(kind="admission"), [RECORD], "kind"),
        (RecordWanted(cause="policy-exempt"), [RECORD], "cause"),
        (RecordWanted(code=2), [RECORD], "code"),
        (RecordWanted(rule="small"), [RECORD], "rule"),
        (RecordWanted(fields={"name": "鑱旈€"}), [RECORD], "fields.name"),
        (RecordWanted(findings=()), [RECORD], "findings"),
        (RecordWanted(detail={"bed": "041"}), [RECORD], "detail.bed"),
        (RecordWanted(), [], "没有记录"),
        (RecordWanted(), [{**RECORD, "certificate_no": "C2"}], "cp_no"),
        (RecordWanted(), [RECORD, RECORD], "记录数"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_the_record_is_looked_at_too(
    wanted: RecordWanted, records: list[dict[str, Any]], said: str
) -> None:
    faults = record_faults(Expect(records=1, record=wanted), records, PASS)

    assert bool(faults) is bool(said)
    assert said in "\n".join(faults)


@pytest.mark.parametrize(
    ("kinds", "said"), [(["alarm"], ""), ([], "报警数"), (["policy"], "报警数")]
)
def test_alarms_are_counted(kinds: list[str], said: str) -> None:
    faults = alarm_faults(Expect(alarms=1), [{"kind": kind} for kind in kinds])

    assert said in "\n".join(faults)
    assert bool(faults) is bool(said)


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:51518", "https://127.0.0.1:1", "http://127.0.0.1", "http://h:x"]
)
def test_an_address_that_is_none_is_told(url: str) -> None:
    with pytest.raises(ConformError, match="no URL"):
        address(url)


def test_an_address_names_host_and_port() -> None:
    assert ("127.0.0.1", 51518) == address("http://127.0.0.1:51518/stdcashFaceAuth")
