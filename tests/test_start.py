"""The script of the README's two commands: what it looks for, and the one line it says."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from harness import ROOT


@pytest.fixture
def start() -> ModuleType:
    """tools/start.py as a module: it is no part of the package."""
    spec = importlib.util.spec_from_file_location("start", ROOT / "tools" / "start.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_another_python_is_refused_in_one_line(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 12, 0))
    monkeypatch.setattr(sys, "argv", ["start.py", "demo"])

    assert 1 == start.main()
    assert (
        "start: Python 3.11 is needed, this is 3.12 / 需要Python 3.11\n" == capsys.readouterr().err
    )


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the wheels bring their libraries")
def test_a_missing_library_is_named_with_the_command_where_it_cannot_be_installed(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "SYSTEM_LIBRARIES", {"libnosuchthing.so.9": "libnosuchthing9"})
    monkeypatch.setenv("PATH", "")

    with pytest.raises(
        start.StartError, match=r"run as root: apt-get install .* libnosuchthing9$"
    ):
        start.require_system_libraries()


@pytest.mark.skipif(sys.platform == "win32", reason="there is always a desktop")
def test_without_a_display_the_demo_goes_on_and_says_so(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)

    start.set_up_windows(wanted=False)
    assert "start: no display: window and tray are left out" in capsys.readouterr().out
    with pytest.raises(start.StartError, match="请在桌面环境里运行"):
        start.set_up_windows(wanted=True)


def test_on_a_desktop_the_demo_has_windows(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed: list[tuple[str, ...]] = []

    def pip(*words: str) -> None:
        installed.append(words)

    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(start, "VENV", tmp_path)
    monkeypatch.setattr(start, "WINDOW_LIBRARIES", {})
    monkeypatch.setattr(start, "pip", pip)

    start.set_up_windows(wanted=True)
    start.set_up_windows(wanted=True)
    [words] = installed
    assert ("--require-hashes", str(ROOT / "requirements" / "ui.lock")) == (words[0], words[-1])


def test_a_library_that_is_there_is_found(start: ModuleType) -> None:
    there = start.is_loadable("libc.so.6" if sys.platform == "linux" else "kernel32")

    assert there
    assert not start.is_loadable("libnosuchthing.so.9")


def test_a_failing_step_is_told_by_its_last_line(start: ModuleType) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('first\\nlast word')"]

    with pytest.raises(start.StartError, match=r"last word$"):
        start.run(command, hide=True)


def test_a_changed_lock_is_installed_again(start: ModuleType, tmp_path: Path) -> None:
    lock = tmp_path / "x.lock"
    lock.write_text("one", "ascii")
    before = start.lock_digest(lock)
    lock.write_text("two", "ascii")

    assert before != start.lock_digest(lock)


@pytest.mark.parametrize("action", ["demo", "test", "check", "setup", "package"])
def test_every_action_of_the_readme_exists(start: ModuleType, action: str) -> None:
    assert action in start.ACTIONS


def test_the_script_explains_itself() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "start.py"), "--help"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode
    assert "tools/start.py demo" in done.stdout


def test_only_the_demo_goes_on_without_what_the_pages_need(
    start: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    monkeypatch.setattr(start, "ROOT", tmp_path)
    monkeypatch.setattr(start, "PYTHON", Path(sys.executable))
    # Refused at once: one that does not answer would be asked again.
    monkeypatch.setenv("npm_config_registry", "file:///nowhere")

    start.get_assets("demo")
    assert "npm_config_registry" in capsys.readouterr().out
    with pytest.raises(start.StartError, match="npm_config_registry"):
        start.get_assets("setup")


@pytest.mark.parametrize(
    ("action", "rest", "tried"),
    [
        ("demo", [], False),
        ("test", [], True),
        ("check", [], True),
        ("setup", [], True),
        ("package", ["linux"], False),
        ("package", ["all", "--check"], True),
    ],
)
def test_what_runs_tests_gets_what_tests_need(
    start: ModuleType, action: str, rest: list[str], tried: bool
) -> None:
    assert tried is start.is_tried(action, rest)
