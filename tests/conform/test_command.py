"""``yibao-face conform`` as a HIS vendor types it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import link_folder

from yibao_face.daemon.cli.main import main
from yibao_face.daemon.config import Config
from yibao_face.daemon.conform.case import load_suite

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs the command: exit code, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main(["conform", *(str(argument) for argument in arguments)])
        out, err = capfd.readouterr()
        return code, out, err

    return run


def test_the_cases_are_listed_with_their_digest(run: Run) -> None:
    code, out, _ = run("--list")

    assert 0 == code
    assert "scenes/scene-live-first  摄像头前：本人 (S0-10)" in out.splitlines()
    assert f"{len(load_suite().cases)} 项 cases, sha256 {load_suite().sha256}" in out


def test_only_a_part_is_listed(run: Run) -> None:
    _, out, _ = run("--list", "--only", "^quoting/.*form")

    assert [
        "quoting/quoting-form-utf-8",
        "quoting/quoting-form-gbk",
        "quoting/quoting-raw-form-utf-8",
        "quoting/quoting-raw-form-gbk",
    ] == [line.split()[0] for line in out.splitlines()[:-1]]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--only", "no such case"), "fits no case"),
        (("--only", "["), "is no pattern"),
        (("--url", "https://127.0.0.1"), "no URL"),
        (("--url", "http://127.0.0.1:1"), "no daemon answers"),
        (("--dll", "missing.so"), "cannot be loaded"),
        (("--program", "missing"), "missing is not there"),
    ],
)
def test_what_cannot_be_run_is_told_in_one_line(
    run: Run, arguments: tuple[str, ...], said: str
) -> None:
    code, _, err = run(*arguments)

    assert (1, 1) == (code, len(err.splitlines()))
    assert said in err


def test_a_run_against_a_host_is_told_and_written(run: Run, port: int, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    only = ("--only", "charset/name-liantong|sample-a-gbk")
    code, out, _ = run("--url", f"http://127.0.0.1:{port}", *only, "--json", file)
    report = json.loads(file.read_text("utf-8"))

    assert 0 == code
    assert f"测试对象 target: http://127.0.0.1:{port}" in out
    assert out.rstrip().endswith("结论 result: 通过 passed")
    assert ({"passed": 4}, True) == (report["counts"], report["passed"])


def test_without_an_address_a_host_is_started_and_stopped(
    run: Run, home: Config, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in ("models", "downloads", "clips"):
        link_folder(tmp_path / part, home.data / part)
    monkeypatch.setenv("YIBAO_FACE_HOME", str(tmp_path))

    code, out, _ = run("--only", "scene-live-first|agent-expired|fault-missing")

    assert clips.is_dir()
    assert "合计 total | 3 | 0 | 0" in out.splitlines()
    assert 0 == code
    assert (tmp_path / "conform" / "daemon.log").is_file()
