"""The agent goes on whatever becomes of its windows, and there is one of it on a machine."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from harness import FIRST, his_call, put_before_camera
from ui_bed import Hands, agent_command, require_desktop, until

from ui.conftest import Start
from yibao_face.daemon.config import Config, to_toml
from yibao_face.daemon.demo.window.desktop import Desktop, virtual_desktop

See = Callable[[str], None]


@pytest.fixture
def fixed(counter: Config) -> Config:
    """`counter` at a port that was free just now: a second start looks there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
    return replace(counter, door=replace(counter.door, port=port))


def second_start(config: Config, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        agent_command(config),
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("ended", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hangs"])
def test_windows_that_die_or_hang_cost_no_encounter_and_come_back(
    start: Start, hands: Hands, see: See, ended: signal.Signals
) -> None:
    see("nobody")
    agent = start()
    hands.until_ready()
    call = agent.calls(his_call(FIRST))
    hands.until_title("请正对摄像头")

    first = agent.window_pid
    os.kill(first, ended)
    answer = call.answer()
    assert (0, "未检测到人脸，请正对摄像头后重试") == (answer["code"], answer["msg"])
    until(lambda: agent.window_pid != first)
    hands.until_ready()
    see("live-first")
    again = agent.calls(his_call(FIRST))
    hands.until_title("本人核验通过")
    assert 1 == again.answer()["code"]


def test_a_result_told_before_is_not_shown_by_new_windows(
    start: Start, hands: Hands, see: See
) -> None:
    see("live-first")
    agent = start()
    hands.until_ready()
    assert 1 == agent.calls(his_call(FIRST)).answer()["code"]
    hands.do("sleep", 5.5)

    first = agent.kill_windows()
    until(lambda: agent.window_pid != first)
    hands.until_ready()
    hands.do("sleep", 1)
    assert [] == hands.windows()


def test_a_display_that_is_lost_stops_nothing(start: Start, see: See, desktop: Desktop) -> None:
    see("live-first")
    with virtual_desktop(800, 600) as lost:
        agent = start(environment=lost.environment)
        first = agent.window_pid
        lost.server.kill()
        lost.server.wait(5)
        until(lambda: "windows ended" in agent.said())
        assert 1 == agent.calls(his_call(FIRST)).answer()["code"]
    assert agent.process.poll() is None
    assert first


def test_without_windows_it_serves_all_the_same(start: Start, see: See) -> None:
    see("live-first")
    agent = start("--no-ui", environment={**os.environ, "DISPLAY": ""})

    assert 1 == agent.calls(his_call(FIRST)).answer()["code"]
    assert "window" not in agent.said()


def test_a_session_without_a_display_is_told_once(start: Start, see: See) -> None:
    see("live-first")
    bare = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    agent = start(environment=bare)

    until(lambda: "no windows: this session has no display" in agent.said())
    assert 1 == agent.calls(his_call(FIRST)).answer()["code"]


def test_an_installation_without_qt_is_told_once(
    start: Start, see: See, desktop: Desktop, tmp_path: Path
) -> None:
    see("live-first")
    (tmp_path / "shadow" / "PySide6").mkdir(parents=True)
    (tmp_path / "shadow" / "PySide6" / "__init__.py").write_text("raise ImportError\n")
    shadowed = {**desktop.environment, "PYTHONPATH": str(tmp_path / "shadow")}
    agent = start(environment=shadowed)

    until(lambda: "PySide6 is not installed" in agent.said())
    assert 1 == agent.calls(his_call(FIRST)).answer()["code"]


def test_a_machine_without_chinese_fonts_is_told_and_reads_english(
    start: Start, hands: Hands, see: See, desktop: Desktop, tmp_path: Path
) -> None:
    latin = next(Path("/usr/share/fonts").rglob("DejaVuSans.ttf"), None)
    (tmp_path / "fonts").mkdir()
    if latin is not None:
        shutil.copy(latin, tmp_path / "fonts")
    (tmp_path / "fonts.conf").write_text(
        f"<fontconfig><dir>{tmp_path / 'fonts'}</dir>"
        f"<cachedir>{tmp_path / 'cache'}</cachedir></fontconfig>"
    )
    see("nobody")
    agent = start(
        environment={**desktop.environment, "FONTCONFIG_FILE": str(tmp_path / "fonts.conf")}
    )
    until(lambda: "no Chinese font is installed" in agent.said())
    call = agent.calls(his_call(FIRST))

    until(lambda: any("face the camera" in t for t in _titles(hands)))
    assert 0 == call.answer()["code"]


def _titles(hands: Hands) -> list[str]:
    return [hands.do("getwindowname", w) for w in hands.windows("Insurance face check")]


def test_a_second_start_shows_the_first_and_ends(
    start: Start, hands: Hands, fixed: Config, desktop: Desktop
) -> None:
    agent = start(config=fixed)
    hands.until_ready()

    second = second_start(fixed, desktop.environment)
    assert (0, "") == (second.returncode, second.stderr)
    assert second.stdout.startswith("already running; it was asked to show itself")
    until(hands.windows)
    assert agent.process.poll() is None


def test_a_second_user_is_told_who_serves_or_waits_until_it_is_free(
    start: Start, fixed: Config, clips: Path, tmp_path: Path
) -> None:
    first = start("--no-ui", config=fixed)
    other = replace(fixed, data=tmp_path / "other")
    other.data.mkdir()
    shutil.copytree(fixed.models, other.models, symlinks=False)
    (other.data / "config.toml").write_text(to_toml(other), "utf-8")
    refused = second_start(other, {**os.environ})
    assert 1 == refused.returncode
    assert "another session serves this computer" in refused.stderr

    put_before_camera(other, clips, "nobody")
    command = agent_command(other, "--no-ui", "--wait")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as waiting:
        assert waiting.stdout is not None
        assert "waiting" in waiting.stdout.readline()
        first.process.terminate()
        first.process.wait(15)
        assert waiting.stdout.readline().startswith("ready ")
        waiting.terminate()


@pytest.mark.skipif(sys.platform == "win32", reason="a tray of X11")
def test_a_whole_sign_in_and_out_by_the_tray(
    start: Start, hands: Hands, see: See, counter: Config
) -> None:
    require_desktop()
    quick = replace(counter, attendance=replace(counter.attendance, duplicate_s=0.0))
    see("live-first")
    agent = start(config=quick)
    hands.until_ready()
    listed = [{"id": FIRST, "name": "张三"}]
    assert agent.caller.act("roster", {"practitioners": listed, "staff": "1001"})["ok"]

    hands.click_tray()
    hands.click_menu(0.155)
    hands.until_title("签到成功")
    [row] = until(lambda: agent.caller.view("attendance")["practitioners"])
    assert ["in"] == [sign for sign, _ in row["signs"]]
    hands.key("Escape")
    until(lambda: not hands.windows())

    hands.click_tray()
    hands.click_menu(0.254)
    hands.until_title("签退成功")
    [row] = until(lambda: agent.caller.view("attendance")["practitioners"])
    assert ["in", "out"] == [sign for sign, _ in row["signs"]]


def test_the_tray_tests_the_camera_tells_of_records_and_quits(
    start: Start, hands: Hands, see: See
) -> None:
    see("nobody")
    agent = start()
    hands.until_ready()

    hands.click_tray()
    hands.click_menu(0.76)
    hands.until_title("能看清自己")
    hands.key("Escape")
    until(lambda: not hands.windows())

    hands.click_tray()
    hands.click_menu(0.355)
    until(lambda: hands.windows("我的签到记录"))
    hands.key("Escape")
    until(lambda: not hands.windows("我的签到记录"))

    hands.click_tray()
    hands.click_menu(0.954)
    until(lambda: hands.windows("退出"))
    hands.key("Return")
    until(lambda: not hands.windows("退出"))
    assert agent.process.poll() is None, "the safe answer is the one Enter gives"
    hands.click_tray()
    hands.click_menu(0.954)
    until(lambda: hands.windows("退出"))
    hands.key("Tab", "Return")
    assert 0 == agent.process.wait(20)
