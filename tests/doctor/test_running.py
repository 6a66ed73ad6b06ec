"""The doctor beside a running daemon and a real centre, and as a command."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from doctor_bed import Bench
from harness import FIRST, ROOT, put_before_camera, running
from uplink_bed import Centre, centre

from yibao_face.daemon.cli.main import main
from yibao_face.daemon.config import Config, to_toml
from yibao_face.daemon.doctor.check import (
    Finding,
    Level,
    Result,
    doubt,
    fault,
    passed_over,
    well,
)
from yibao_face.daemon.doctor.doctor import CHECKS
from yibao_face.daemon.doctor.report import ILL, KEPT, WELL, anonymous, exit_code
from yibao_face.daemon.section import CentreConfig, DeskConfig, DoorConfig, LivenessConfig
from yibao_face.daemon.wiring import vault_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a machine made of POSIX files")
OK, WARN, FAIL, SKIP = Level
DAY_MS = 86_400_000
# Its types are not published.
SCHEMAS: Any = import_module("jsonschema_rs")
SCHEMA = json.loads((ROOT / "docs" / "doctor.schema.json").read_text("utf-8"))
# What an installer waits for, with room for a machine that does other things.
SELFTEST_S = 10.0
Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def center(tmp_path_factory: pytest.TempPathFactory) -> Generator[Centre, None, None]:
    with centre(tmp_path_factory.mktemp("center")) as made:
        yield made


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    def run(*words: object) -> tuple[int, str]:
        code = main([str(word) for word in words])
        return code, capfd.readouterr().out

    return run


@pytest.fixture
def settled(site: Config, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Config]:
    """A home of a counter of its own."""

    def settled(**changed: Any) -> Config:
        config = replace(site, desk=DeskConfig("001000200031"), **changed)
        (config.data / "config.toml").write_text(to_toml(config), "utf-8")
        monkeypatch.setenv("YIBAO_FACE_HOME", str(config.data))
        return config

    return settled


def bound(bench: Bench, center: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enrol the bench as its engineer would."""
    bench.config = replace(bench.config, centre=CentreConfig(center.place.url))
    bench.file.write_text(to_toml(bench.config), "utf-8")
    monkeypatch.setenv("YIBAO_FACE_HOME", str(bench.data))
    ca = str(center.folder / "ca.pem")
    assert 0 == main(["link", "enrol", "--ca", ca, "--code", center.code()])
    bench.now_ms = time.time_ns() // 1_000_000


def test_a_bound_counter_reaches_its_centre(
    bench: Bench, center: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound(bench, center, monkeypatch)

    assert (OK, True) == (
        bench.ask("centre-identity").level,
        "counter-1" in bench.ask("centre-identity").measured,
    )
    assert OK is bench.ask("centre-certificate").level
    reached = bench.ask("centre-reach")
    assert (OK, True) == (reached.level, "中心证书至" in reached.measured), reached


@pytest.mark.parametrize(
    ("days", "level", "told"),
    [(-400, FAIL, "还没有生效"), (300, WARN, "续期"), (4000, FAIL, "过期")],
)
def test_a_certificate_has_its_time(
    bench: Bench,
    center: Centre,
    monkeypatch: pytest.MonkeyPatch,
    days: int,
    level: Level,
    told: str,
) -> None:
    bound(bench, center, monkeypatch)
    bench.now_ms += days * DAY_MS
    found = bench.ask("centre-certificate")

    assert (level, True) == (found.level, told in found.cause), found


def test_another_centre_at_the_address_is_told(
    bench: Bench,
    center: Centre,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    bound(bench, center, monkeypatch)
    with centre(tmp_path_factory.mktemp("other")) as other:
        bench.set("centre", url=other.place.url)
        found = bench.ask("centre-reach")

    assert (FAIL, True) == (found.level, "不可信" in found.cause), found


def test_a_running_daemon_is_ours_and_keeps_its_camera(
    bench: Bench, cast: Config, clips: Path
) -> None:
    put_before_camera(cast, clips, "live-first")
    with running(cast) as site:
        bench.config = site.config
        assert (OK, True) == (bench.ask("port").level, "本服务" in bench.ask("port").measured)
        assert OK is bench.ask("service").level
        assert SKIP is bench.ask("camera-planes").level
        assert SKIP is bench.ask("camera-holder").level


def test_the_self_test_of_a_sound_counter_is_well_and_quick(
    settled: Callable[..., Config], run: Run
) -> None:
    before = sorted(settled().data.iterdir())
    began_s = time.monotonic()
    code, out = run("doctor", "--selftest", "--json")
    took_s = time.monotonic() - began_s
    found = json.loads(out)

    assert (WELL, 0) == (code, found["summary"]["fail"]), found
    assert {"cpu", "system", "config", "key-protection", "model-sface-2021dec"} <= {
        check["id"] for check in found["checks"]
    }
    assert took_s < SELFTEST_S
    assert found["quick"]
    assert before == sorted(settled().data.iterdir())


def test_the_self_test_judges_the_program_and_not_the_site(
    settled: Callable[..., Config], run: Run
) -> None:
    """An update is not refused for what the running version suffers as well."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = int(other.getsockname()[1])
        settled(door=DoorConfig(port=port), liveness=LivenessConfig(allow_rgb_only=True))
        code, out = run("doctor", "--selftest", "--json")

    assert WELL == code, out
    assert not {"port", "liveness-depth", "camera-list", "centre-reach", "records"} & {
        check["id"] for check in json.loads(out)["checks"]
    }


def test_the_self_test_fails_where_a_network_is_missing(
    settled: Callable[..., Config], run: Run
) -> None:
    (settled().models).unlink()
    code, out = run("doctor", "--selftest")

    assert ILL == code
    assert "算法模型未安装" in out
    assert "处理：请用原安装包重新安装" in out
    assert "有故障" in out.splitlines()[-1]


def test_an_installer_keeps_the_report_in_the_data_folder(
    settled: Callable[..., Config], run: Run
) -> None:
    data = settled().data
    if os.geteuid() == 0:
        # As who serves; what is kept for him is his.
        os.chown(data, 65534, 65534)
    code, out = run("doctor", "--selftest", "--json", "--keep")
    kept = data / KEPT
    SCHEMAS.validate(SCHEMA, json.loads(kept.read_text("utf-8")))

    assert (WELL, json.loads(out)) == (code, json.loads(kept.read_text("utf-8")))
    assert [kept] == [*kept.parent.iterdir()]
    assert {data.stat().st_uid} == {one.stat().st_uid for one in (kept, kept.parent)}


def test_a_report_that_cannot_be_kept_is_told(
    settled: Callable[..., Config], capfd: pytest.CaptureFixture[str]
) -> None:
    (settled().data / "logs").touch()

    assert 1 == main(["doctor", "--selftest", "--keep"])
    assert "install-report.json cannot be written" in capfd.readouterr().err


def test_what_was_not_looked_at_is_told_with_its_reason(
    settled: Callable[..., Config], run: Run, tmp_path: Path
) -> None:
    settled()
    _, out = run("doctor", "--report", tmp_path / "report.txt")
    told = (tmp_path / "report.txt").read_text("utf-8")

    for text in (out, told):
        assert re.search(r"没有看的 not looked at（\d+ 项）", text)
        assert "  中心注册：没有配置中心" in text


@pytest.mark.parametrize(
    "text", ["[door]\nprot = 1\n", "not toml", "[liveness]\nchallenge = 'no'\n", "\x00"]
)
def test_a_broken_configuration_is_a_finding_and_no_end(
    settled: Callable[..., Config], run: Run, text: str
) -> None:
    (settled().data / "config.toml").write_text(text, "utf-8")
    code, out = run("doctor", "--selftest", "--json")
    [config] = [check for check in json.loads(out)["checks"] if check["id"] == "config"]

    assert (ILL, "fail") == (code, config["level"])
    assert "配置文件不能使用" in config["cause"]


@pytest.mark.parametrize(
    ("found", "strict", "code"),
    [
        (doubt("x", "y", "z"), False, WELL),
        (doubt("x", "y", "z"), True, ILL),
        (fault("x", "y", "z"), False, ILL),
        (passed_over("x"), True, WELL),
        (well("x"), True, WELL),
    ],
)
def test_only_a_failure_fails_unless_it_is_strict(found: Finding, strict: bool, code: int) -> None:
    results = [Result(CHECKS[0], well("x"), 1), Result(CHECKS[1], found, 1)]

    assert code == exit_code(results, strict=strict)


@pytest.mark.parametrize("name", ["report.txt", "report.json"])
def test_a_whole_report_is_as_the_schema_says_and_names_nobody(
    settled: Callable[..., Config], run: Run, tmp_path: Path, name: str
) -> None:
    config = settled()
    vault_of(config)
    his = tmp_path / "Users" / "张三丰" / FIRST
    his.mkdir(parents=True)
    code, out = run("doctor", "--json", "--his", his, "--report", tmp_path / name)
    found = json.loads(out)
    SCHEMAS.validate(SCHEMA, found)
    written = (tmp_path / name).read_text("utf-8")

    assert code == found["exit"] == ILL
    assert len(found["checks"]) > 60
    assert [] == [word for word in (FIRST, "张三丰") if word in out + written]
    if name.endswith(".json"):
        SCHEMAS.validate(SCHEMA, json.loads(written))
    else:
        assert "== 摄像头 camera" in written


def test_a_report_that_cannot_be_written_is_told(
    settled: Callable[..., Config], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settled()

    assert 1 == main(["doctor", "--selftest", "--report", str(tmp_path / "no" / "where")])
    assert "cannot be written" in capfd.readouterr().err


def test_no_home_of_anybody_is_told() -> None:
    assert r"C:\Users\…\x" == anonymous(r"C:\Users\张三\x")
    assert str(Path.home()) not in anonymous(str(Path.home() / "x"))
    assert FIRST not in anonymous(f"id {FIRST}")
