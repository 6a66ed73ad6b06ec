"""Every check is made ill and well, by real files, ports, devices, programs and settings."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import doctor_lan
import doctor_machine
import doctor_record
import doctor_setting
import pytest
from doctor_bed import Bench
from doctor_case import CASES, FAIL, OK, SKIP, WARN, Case
from harness import require, wait_for

from yibao_face.daemon.cli.machine.doctor import ALL
from yibao_face.daemon.doctor.check import Check, Level, made, well
from yibao_face.daemon.doctor.counter import model, record

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a machine made of POSIX files")
# Each fills ``CASES`` as it is loaded.
TABLES = (doctor_lan, doctor_machine, doctor_setting, doctor_record)


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.id}-{c.level}-{c.told}")
def test_a_check_finds_what_was_done_to_the_machine(bench: Bench, case: Case) -> None:
    case.make(bench)
    found = bench.ask(case.id)

    assert case.level is found.level, found
    assert case.told in " ".join((found.measured, found.cause, found.fix))
    if found.level in (Level.WARN, Level.FAIL):
        assert found.cause
        assert found.fix.startswith(("请", "Linux", "可以", "无人", "有红外", "如需")), found.fix


def test_a_daemon_that_does_not_hear_the_network_is_told(bench: Bench) -> None:
    with doctor_lan.deaf_daemon() as port:
        bench.set("door", port=port)
        bench.set("lan", enabled=True, host="127.0.0.2")
        found = bench.ask("lan")

    assert FAIL is found.level
    assert "没有在局域网地址上监听" in found.cause


def test_an_altered_network_is_named(bench: Bench, own_models: Callable[[], Path]) -> None:
    file = own_models() / "yunet-2023mar.onnx"
    file.write_bytes(file.read_bytes()[:-1] + b"x")

    assert "改动" in bench.ask("model-yunet-2023mar").cause
    assert Level.OK is bench.ask("model-sface-2021dec").level


def test_networks_that_are_not_there_are_named_and_not_timed(bench: Bench) -> None:
    (bench.data / "models").unlink()

    assert [FAIL] * 5 == [bench.ask(c.id).level for c in ALL if c.id.startswith("model-")][:5]
    assert SKIP is bench.ask("model-speed").level


@pytest.mark.skipif(platform.machine() != "x86_64", reason="instructions of that processor")
def test_a_windows_processor_is_asked_for_what_this_one_says_it_has(bench: Bench) -> None:
    (bench.root / "proc" / "cpuinfo").write_bytes(Path("/proc/cpuinfo").read_bytes())
    here = bench.ask("cpu")
    bench.machine = replace(bench.machine, system="win32")

    assert here == bench.ask("cpu")


def test_networks_that_find_no_eyes_where_they_were_drawn_are_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert OK is bench.ask("model-together").level
    monkeypatch.setattr(model, "_OFF_PX", 0.01)

    assert "算错" in bench.ask("model-together").cause


@pytest.mark.parametrize(("id_", "told"), [("key-protection", "密钥"), ("storage", "核验记录")])
def test_a_machine_that_keeps_nothing_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, id_: str, told: str
) -> None:
    # Where not even an administrator makes a folder.
    monkeypatch.setattr(tempfile, "tempdir", "/proc/self")
    found = bench.ask(id_)

    assert (FAIL, True) == (found.level, told in found.cause)


def test_many_records_are_left_to_their_own_command(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor_record._records(bench)
    monkeypatch.setattr(record, "MOST_BYTES", 1)

    assert (SKIP, True) == (
        bench.ask("records").level,
        "queue verify" in bench.ask("records").cause,
    )


def test_a_check_that_hangs_is_left_and_told(bench: Bench) -> None:
    released = threading.Event()
    hung = Check("hung", "machine", "卡住", "hung", lambda _: well(str(released.wait(30))))
    found = made(replace(hung, limit_s=0.05), bench.subject).finding
    released.set()

    assert (WARN, "没有反应" in found.cause) == (found.level, True)


def test_a_port_is_free_or_whose(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bench.set("door", port=int(taken.getsockname()[1]))
        found = bench.ask("port")
        assert FAIL is found.level
        assert "python" in found.measured
    assert OK is bench.ask("port").level
    bench.set("door", port=0)
    assert SKIP is bench.ask("port").level


@pytest.mark.parametrize(("zone", "level"), [("Asia/Shanghai", OK), ("CST-8", OK), ("UTC", WARN)])
def test_the_time_zone_is_chinas(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, zone: str, level: Level
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert level is bench.ask("time-zone").level
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_camera_another_program_holds_names_it(bench: Bench) -> None:
    node = bench.camera(0, "HD Camera")
    shutil.rmtree(bench.root / "proc")
    (bench.root / "proc").symlink_to("/proc")
    with node.open("rb") as held:
        other = subprocess.Popen([require("sleep"), "30"], stdin=held)
    with other:
        wait_for(lambda: bench.ask("camera-holder").level is FAIL)
        found = bench.ask("camera-holder")
        other.kill()

    assert "video0：sleep" == found.measured
    assert "sleep占用" in found.cause


def test_an_antivirus_is_known_by_its_process(bench: Bench, tmp_path: Path) -> None:
    program = tmp_path / "360tray"
    shutil.copy(require("sleep"), program)
    with subprocess.Popen([str(program), "30"]) as guard:
        wait_for(lambda: bench.ask("antivirus").level is WARN)
        found = bench.ask("antivirus")
        guard.kill()

    assert "360" in found.measured


@pytest.mark.parametrize("broken", [False, True])
def test_windows_open_where_qt_is_whole(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: bool
) -> None:
    if broken:
        (tmp_path / "PySide6").mkdir()
        (tmp_path / "PySide6" / "__init__.py").write_text("raise ImportError", "utf-8")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = bench.ask("windows")

    assert (WARN if broken else OK) is found.level, found


def test_a_service_that_failed_is_told(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd does not run here: its one command is stood in for by a script."""
    script = tmp_path / "systemctl"
    script.write_text("#!/bin/sh\necho failed\nexit 3\n", "ascii")
    script.chmod(0o755)
    (bench.root / "run/systemd/system").mkdir(parents=True)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    assert FAIL is bench.ask("service").level


def test_a_full_disk_is_told(bench: Bench) -> None:
    """A file system of 1 MB, where this account may mount one."""
    bench.data.joinpath("models").unlink()
    mount = [require("mount"), "-t", "tmpfs", "-o", "size=1m", "none", str(bench.data)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting needs an administrator")
    try:
        assert FAIL is bench.ask("disk").level
    finally:
        subprocess.run([require("umount"), str(bench.data)], check=True)


# What needs more than a bench: each is made well or ill by a test of its own, above or in
# test_running.py, or states why it cannot be here.
OWN = {
    "camera-list": {OK: "no camera hangs on a machine of tests"},
    "camera-pin": {OK: "no camera hangs on a machine of tests"},
    "camera-planes": {OK: "a live camera alone is well; a recording is doubted"},
}
BY_TESTS = {
    "disk": {FAIL},
    "port": {OK, FAIL},
    "time-zone": {OK, WARN},
    "camera-holder": {FAIL},
    "windows": {OK, WARN},
    "antivirus": {WARN},
    "service": {OK, FAIL},
    "model-yunet-2023mar": {FAIL},
    "model-sface-2021dec": {FAIL},
    "model-face-landmarker-1": {FAIL},
    "model-canonical-face-1": {FAIL},
    "model-together": {OK, FAIL},
    "key-protection": {FAIL},
    "storage": {FAIL},
    "model-speed": {WARN},
    "centre-identity": {OK},
    "centre-certificate": {OK, FAIL},
    "centre-reach": {OK},
}


@pytest.mark.parametrize("id_", [check.id for check in ALL])
def test_every_check_is_made_well_and_ill(id_: str) -> None:
    levels = {case.level for case in CASES if case.id == id_} | BY_TESTS.get(id_, set())
    reasons = OWN.get(id_, {})

    assert Level.OK in levels or Level.OK in reasons
    assert {Level.WARN, Level.FAIL} & levels


def test_there_are_more_than_thirty_and_each_has_a_name_of_its_own() -> None:
    ids = [check.id for check in ALL]

    assert len(ids) >= 60
    assert len(ids) == len(set(ids))
    assert len({check.title for check in ALL}) == len(ids)


def test_a_check_that_breaks_is_told_and_stops_no_other(bench: Bench) -> None:
    (bench.root / "proc/meminfo").unlink()
    found = bench.ask("memory")

    assert (FAIL, "FileNotFoundError") == (found.level, found.measured)
    assert OK is bench.ask("cpu").level


def test_nothing_is_made_by_looking(bench: Bench) -> None:
    before = sorted(bench.data.iterdir())
    for check in ALL:
        if check.id not in ("windows", "camera-list", "camera-pin"):
            bench.ask(check.id)

    assert before == sorted(bench.data.iterdir())


def test_slow_networks_are_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(model.LIMIT_MS, "embedder", 0.001)

    assert WARN is bench.ask("model-speed").level
