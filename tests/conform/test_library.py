"""The kit through a library: a stand-in in C, loaded as a HIS loads ``HisCallFace``."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import ROOT, require

from yibao_face.daemon.conform.case import Case, ConformError, load_suite
from yibao_face.daemon.conform.library import LibraryTarget, load_library
from yibao_face.daemon.conform.report import Report, text
from yibao_face.daemon.conform.run import FAILED, PASSED, SKIPPED, Runner
from yibao_face.daemon.conform.target import Control

SUITE = load_suite()
SOURCE = ROOT / "tests" / "conform" / "standin.c"
Compiled = Callable[..., LibraryTarget]


@pytest.fixture(scope="module")
def compiled(port: int, tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """Builds the stand-in for the port of the host, with a fault on purpose for 1 and 2."""
    if sys.platform == "win32":
        pytest.skip("the stand-in is written for POSIX sockets")
    compiler = require("cc")

    def build(fault: int = 0) -> LibraryTarget:
        out = tmp_path_factory.mktemp("library") / "libstandin.so"
        flags = ["-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", f"-DPORT={port}"]
        command = [compiler, *flags, f"-DFAULT={fault}", str(SOURCE), "-o", str(out)]
        subprocess.run(command, check=True)
        return load_library(out)

    return build


def play(target: LibraryTarget, port: int, cases: list[Case]) -> Report:
    runner = Runner(SUITE, target, Control("127.0.0.1", port))
    return Report(SUITE, target.name, "0", runner.run(cases, lambda _result: None))


def of(*groups: str) -> list[Case]:
    return [case for found in SUITE.groups if found.name in groups for case in found.cases]


@pytest.mark.parametrize(
    ("group", "pattern"),
    [
        ("charset", ""),
        ("quoting", ""),
        ("fields", ""),
        ("faults", "body-|parallel-|repeat-passed|fault-missing|deal-taken-refused"),
        ("attendance", "sign-(in|unknown|missing|cancelled|name|id|fixmedins)"),
    ],
)
def test_the_library_passes_what_the_daemon_passes(
    compiled: Compiled, port: int, group: str, pattern: str
) -> None:
    report = play(compiled(), port, [c for c in of(group) if re.match(pattern, c.id)])
    counts = report.counts(report.results)

    assert [] == [(r.case.id, r.lines) for r in report.results if r.verdict == FAILED]
    assert counts[PASSED] > counts[SKIPPED]


def test_what_only_http_can_say_is_skipped_with_the_reason(compiled: Compiled, port: int) -> None:
    cases = of("http")
    report = play(compiled(), port, cases)

    assert {SKIPPED: len(cases)} == report.counts(report.results)
    assert {"需要HTTP / needs HTTP"} == {result.lines[0] for result in report.results}


@pytest.mark.parametrize(
    ("fault", "said"), [(1, "返回值 return value"), (2, "写到出参1024字节之后")]
)
def test_a_wrong_library_is_found_out(
    compiled: Compiled, port: int, fault: int, said: str
) -> None:
    cases = [case for case in of("faults") if case.id in ("body-word", "body-list")]
    report = play(compiled(fault), port, cases)

    assert {FAILED: 2} == report.counts(report.results)
    assert said in text(report)


def test_a_file_that_is_no_library_is_told(tmp_path: Path) -> None:
    odd = tmp_path / "odd.so"
    odd.write_bytes(b"no library")

    with pytest.raises(ConformError, match=r"odd\.so cannot be loaded"):
        load_library(odd)


def test_a_library_without_the_functions_is_told() -> None:
    with pytest.raises(ConformError, match="cannot be loaded"):
        load_library(Path(__import__("_sqlite3").__file__))
