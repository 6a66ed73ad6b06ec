"""The golden cases as data: strict, complete, each with a Chinese title."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any, get_args

import pytest
from harness import ROOT

from yibao_face.daemon.conform.body import body_of
from yibao_face.daemon.conform.case import (
    GROUPS,
    Call,
    Case,
    Clip,
    ConformError,
    Expect,
    Fault,
    Group,
    Quoting,
    Send,
    load_suite,
    parse_baseline,
    parse_group,
    plain,
    stage_of,
)
from yibao_face.daemon.wire.field import ATTENDANCE_FIELDS, FIELDS

SUITE = load_suite()
BY_ID = {case.id: case for case in SUITE.cases}
WORDS = {"first": "1", "second": "2", "third": "3", "inst": "H", "deal1": "D"}
CASE: dict[str, Any] = {
    "id": "a",
    "title": "甲",
    "clause": "Q1",
    "calls": [{"expect": {"code": 0}}],
}


def group(*cases: dict[str, Any]) -> str:
    return json.dumps({"title": "组", "cases": list(cases)})


def sent(case: Case) -> list[bytes]:
    return [
        body_of(call.send, SUITE.baseline[call.interface or case.interface], WORDS)
        for call in case.calls
    ]


def test_there_are_hundreds_of_cases_in_every_group() -> None:
    assert len(SUITE.cases) >= 230
    assert [*GROUPS] == [found.name for found in SUITE.groups]
    assert min(len(found.cases) for found in SUITE.groups) >= 30


def test_a_case_says_in_chinese_what_it_is_and_which_clause_it_rests_on() -> None:
    cases = SUITE.cases

    assert [] == [c.id for c in cases if not re.search("[\u4e00-\u9fff]|XML", c.title)]
    assert [] == [c.id for c in cases if not re.fullmatch(r"[a-z0-9._-]+", c.id)]
    assert [] == [c.id for c in cases if not re.fullmatch(r"S[01]-\d\d|Q\d\d?", c.clause)]
    assert [] == [c.id for c in cases if not c.calls]


def test_no_two_cases_have_the_same_title() -> None:
    titles = [case.title for case in SUITE.cases]

    assert [] == sorted({title for title in titles if titles.count(title) > 1})


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
@pytest.mark.parametrize("letter", ["a", "b"])
def test_both_samples_of_the_document_are_sent_byte_for_byte(letter: str, charset: str) -> None:
    sample = (ROOT / "tests" / "golden" / f"sample_{letter}.txt").read_bytes()

    assert [sample.decode().encode(charset)] == sent(BY_ID[f"sample-{letter}-{charset}"])


def test_no_two_calls_of_different_cases_share_a_settlement() -> None:
    fixed = {
        str(call.send.set["deal_no"])
        for case in SUITE.cases
        if case.needs_host
        for call in case.calls
        if "deal_no" in call.send.set and "{" not in str(call.send.set["deal_no"])
    }

    assert {"001000200030202201111411101234", "HIS-20220111-1"} == fixed


def test_a_case_that_any_daemon_answers_lets_nobody_pass() -> None:
    loose = [case for case in SUITE.cases if not case.needs_host]

    assert len(loose) >= 60
    assert {0, 1, -4} >= {call.expect.code for case in loose for call in case.calls}
    assert set() == {case.id for case in loose for call in case.calls if call.expect.asks_records}
    assert set() == {
        case.id
        for case in loose
        for call in case.calls
        if case.interface == "auth" and call.expect.code
    }


def test_every_kind_of_stage_and_writing_is_used() -> None:
    stages = [s for c in SUITE.cases for s in (c.stage, *(call.stage for call in c.calls)) if s]
    quoting = {call.send.quoting for case in SUITE.cases for call in case.calls}
    cameras = {*(word for kind in (Clip, Fault) for word in get_args(kind))}

    assert cameras == {stage.camera for stage in stages}
    assert {*get_args(Quoting)} == quoting
    assert {"valid", "expired"} <= {stage.agent for stage in stages}
    assert {"full", ""} == {stage.store for stage in stages}


def test_every_field_of_both_interfaces_has_cases() -> None:
    touched = {
        key.lower()
        for case in SUITE.cases
        for call in case.calls
        for key in (*call.send.set, *call.send.drop)
    }

    assert {field.code.lower() for field in (*FIELDS, *ATTENDANCE_FIELDS)} <= touched


def test_the_files_are_as_the_script_writes_them() -> None:
    script = [sys.executable, str(ROOT / "tools" / "cases"), "--check"]
    done = subprocess.run(script, check=False, capture_output=True, text=True, encoding="utf-8")

    assert (0, "as written") == (done.returncode, done.stdout.strip())


def test_the_digest_of_the_cases_is_over_every_file() -> None:
    assert re.fullmatch("[0-9a-f]{64}", SUITE.sha256)
    assert load_suite().sha256 == SUITE.sha256


def test_a_stage_survives_its_way_to_the_host() -> None:
    for case in SUITE.cases:
        if case.stage is not None:
            assert case.stage == stage_of(json.loads(json.dumps(plain(case.stage))))


def test_a_case_is_read_with_its_defaults() -> None:
    read = parse_group("g", group(CASE))

    assert Group("g", "组", (Case("a", "甲", "Q1", (Call(Expect()),)),)) == read


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "missing"),
        (group({**CASE, "colour": "red"}), "unknown"),
        (group({k: v for k, v in CASE.items() if k != "clause"}), "missing"),
        (group({**CASE, "title": 1}), "title"),
        (group({**CASE, "interface": "other"}), "interface"),
        (group({**CASE, "stage": {"camera": "none"}}), "camera"),
        (group({**CASE, "stage": {"roster": "first"}}), "roster"),
        (group({**CASE, "calls": {}}), "calls"),
        (group({**CASE, "calls": [{"expect": {"code": "0"}}]}), "code"),
        (group({**CASE, "calls": [{"expect": {"code": True}}]}), "code"),
        (group({**CASE, "calls": [{"expect": {}, "send": {"quoting": "odd"}}]}), "quoting"),
        (group({**CASE, "calls": [{}]}), "expect"),
        (group("a"), "not an object"),  # type: ignore[arg-type]  # what the test is about
    ],
)
def test_a_file_that_is_not_quite_right_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConformError, match=said):
        parse_group("g", text)


@pytest.mark.parametrize("text", ["[]", "{}", '{"auth": {}}', '{"auth": [], "attendance": {}}'])
def test_a_baseline_must_hold_both_interfaces(text: str) -> None:
    with pytest.raises(ConformError):
        parse_baseline(text)


@pytest.mark.parametrize(
    ("send", "body"),
    [
        (Send(text="{first} {inst} {other}"), b"1 H {other}"),
        (Send(hex="00ff"), b"\x00\xff"),
        (Send(text="a", pad=" ", pad_to=3), b"a  "),
        (Send(text="long", pad=" ", pad_to=3), b"long"),
        (Send(text="张", charset="gbk"), "张".encode("gbk")),
        (Send(set={"b": "{deal1}"}, drop=("a",)), b'{"b": "D"}'),
        (Send(quoting="single", set={"a": "it's"}), b"{'a' : 'it\\'s'}"),
        (Send(quoting="form", set={"a": "1 2"}), b"inputJson=%7B%22a%22%3A+%221+2%22%7D"),
        (Send(quoting="double-encoded"), b'"{\\"a\\": 0}"'),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_call_is_written_as_the_case_says(send: Send, body: bytes) -> None:
    assert body == body_of(send, {"a": 0}, WORDS)
