"""Crash files: of every way to crash, bounded in number, and nobody in them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from harness import FIRST
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.daemon.life.crash import MOST_FILES, VARIABLE, CrashFolder, crashes
from yibao_face.daemon.life.frame import parsed, short

HEAD = """
import sys, threading, ctypes, pathlib
from yibao_face.daemon.life.crash import CrashFolder, caught
def fail(number):
    raise ValueError(f"{number} is unknown")
"""
WAYS = {
    "exception": f"fail('{FIRST}')",
    "thread": f"t = threading.Thread(target=fail, args=('{FIRST}',)); t.start(); t.join()",
    "fault": f"secret = '{FIRST}'; ctypes.string_at(0)",
}


def crashed(folder: Path, way: str) -> subprocess.CompletedProcess[bytes]:
    body = f"with caught(CrashFolder(pathlib.Path(sys.argv[1]), 'serve')):\n    {WAYS[way]}"
    command = [sys.executable, "-c", HEAD + body, str(folder)]
    return subprocess.run(command, capture_output=True, check=False)


def only(folder: Path) -> dict[str, Any]:
    [file] = crashes(folder)
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_crash_leaves_where_and_not_with_whom(tmp_path: Path, way: str) -> None:
    crashed(tmp_path, way)
    # What native code leaves is a file of the next start.
    CrashFolder(tmp_path, "serve").collect()
    found = only(tmp_path)

    assert (way, "serve", 1) == (found["kind"], found["process"], found["schema"])
    assert found["error"] == ("Segmentation fault" if way == "fault" else "ValueError")
    assert found["frames"]
    assert FIRST not in json.dumps(found)
    assert [] == list(tmp_path.glob("*.fault"))


def test_a_good_end_leaves_nothing(tmp_path: Path) -> None:
    WAYS["none"] = "pass"
    try:
        done = crashed(tmp_path, "none")
    finally:
        del WAYS["none"]

    assert (0, b"") == (done.returncode, done.stderr)
    assert [] == list(tmp_path.iterdir())


def test_a_crash_still_says_so_on_stderr_and_by_its_exit_code(tmp_path: Path) -> None:
    done = crashed(tmp_path, "exception")

    assert 1 == done.returncode
    assert b"ValueError" in done.stderr


def test_only_the_newest_stay(tmp_path: Path) -> None:
    crash = CrashFolder(tmp_path, "serve")
    for number in range(MOST_FILES + 5):
        crash.keep("exception", f"Error{number}", [])

    kept = [json.loads(file.read_text("utf-8"))["error"] for file in crashes(tmp_path)]
    assert MOST_FILES == len(kept)
    assert f"Error{MOST_FILES + 4}" in kept
    assert "Error0" not in kept


def test_what_a_running_process_holds_open_is_left_alone(tmp_path: Path) -> None:
    alive = tmp_path / f"serve-{os.getppid()}.fault"
    alive.write_text("", "utf-8")
    CrashFolder(tmp_path, "serve").collect()

    assert alive.exists()


def test_children_find_the_folder(tmp_path: Path) -> None:
    script = (
        "from yibao_face.daemon.life.crash import inherited\n"
        "assert inherited('windows') is not None\n"
        "raise KeyError('x')"
    )
    subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, VARIABLE: str(tmp_path)},
        capture_output=True,
        check=False,
    )

    assert ("windows", "KeyError") == (only(tmp_path)["process"], only(tmp_path)["error"])


def test_a_folder_that_cannot_be_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "crash").write_text("a file in its place", "utf-8")
    done = crashed(tmp_path / "crash", "exception")

    assert 1 == done.returncode
    assert b"ValueError" in done.stderr


@given(st.text())
def test_any_text_is_parsed_as_a_stack(text: str) -> None:
    assert 60 >= len(parsed(text))


def test_no_folder_of_a_user_is_told() -> None:
    assert "app/x.py" == short(r"C:\Users\张三\app\x.py")
    assert "b/x.py" == short("/a/b/x.py")
