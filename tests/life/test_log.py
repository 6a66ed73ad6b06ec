"""The log on disk: of bounded size, for its owner alone, and nobody in it."""

from __future__ import annotations

import base64
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from harness import FIRST, SECOND
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.daemon.life import log as life_log
from yibao_face.daemon.life.log import FILE, FILE_BYTES, FILES, logged
from yibao_face.daemon.life.redact import clean

PHONES = ("13800138000", "138 0013 8000", "138-0013-8000")
PICTURE = base64.b64encode(bytes(range(256))).decode()
LOGIN = "rtsp://admin:hunter2@10.0.0.9/1"
WORDS = (*PHONES, FIRST, SECOND, "11010119900307123X", PICTURE, PICTURE[:60])
PLANTED = (*WORDS, "hunter2")


def careless() -> None:
    """What a careless line of somebody's library could say."""
    log = logging.getLogger("somebody")
    for word in WORDS:
        log.warning("of %s here", word)
    log.warning("camera %s", LOGIN)
    try:
        int(f"{FIRST}x")
    except ValueError:
        log.exception("failed for %s", SECOND)


def written(folder: Path) -> str:
    return "".join(file.read_text("utf-8") for file in sorted(folder.iterdir()))


def test_nothing_of_a_person_reaches_the_disk(tmp_path: Path) -> None:
    with logged(tmp_path, verbose=False):
        careless()
    said = written(tmp_path)

    assert [] == [word for word in PLANTED if word in said]
    assert said.count("of … here") == len(WORDS)
    assert "camera rtsp://…@10.0.0.9/1" in said
    assert "failed for …\n  life/test_log.py:" in said
    assert said.rstrip().endswith("careless\nValueError")


def test_nor_the_stream_the_service_manager_keeps(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib, test_log; from yibao_face.daemon.life.log import logged\n"
        "with logged(pathlib.Path(sys.argv[1]), verbose=True): test_log.careless()"
    )
    paths = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parent.parent)])
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": paths, "PYTHONUTF8": "1"},
        capture_output=True,
        check=True,
    )
    said = done.stderr.decode()

    assert "of … here" in said
    assert [] == [word for word in PLANTED if word in said]


@given(st.text(max_size=300), st.sampled_from(WORDS), st.text(max_size=300))
def test_wherever_it_stands_it_is_taken_out(before: str, word: str, after: str) -> None:
    line = clean(f"{before} {word} {after}")

    assert word not in line
    assert "\n" not in line


def test_the_log_takes_no_more_than_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (10, 5 * 1024 * 1024) == (FILES, FILE_BYTES)
    monkeypatch.setattr(life_log, "FILE_BYTES", 2000)
    with logged(tmp_path, verbose=False):
        for number in range(1000):
            logging.getLogger("busy").info("line %d of many", number)
    files = sorted(tmp_path.iterdir())

    assert FILES == len(files)
    assert all(file.stat().st_size <= 2000 for file in files)
    assert "line 999 of many" in (tmp_path / FILE).read_text("utf-8")
    if sys.platform != "win32":
        assert {0o600} == {file.stat().st_mode & 0o777 for file in files}


def test_a_folder_that_cannot_be_is_told_and_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "logs").write_text("a file in its place", "utf-8")
    with logged(tmp_path / "logs", verbose=False):
        logging.getLogger("busy").info("goes on")

    assert "no log is kept on disk" in caplog.text
    assert "goes on" in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full exists on Linux only")
def test_a_full_disk_stops_nothing_and_prints_nobody(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / FILE).symlink_to("/dev/full")
    with logged(tmp_path, verbose=False):
        careless()

    assert [] == [word for word in PLANTED if word in capfd.readouterr().err]


def test_handlers_are_those_of_before_when_it_ends(tmp_path: Path) -> None:
    before = list(logging.getLogger().handlers), logging.getLogger().level
    with logged(tmp_path, verbose=True):
        assert logging.DEBUG == logging.getLogger().level

    assert before == (list(logging.getLogger().handlers), logging.getLogger().level)
