"""Recordings that are none: told as a bad clip by the SDK or before it, never a crash."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from yibao_face.drivers.api import ClipError, DeviceMissingError
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.realsense.realsense import open_realsense

# In a child process: the SDK's C++ reads what follows.
PLAY = """
import sys
from yibao_face.drivers.api import DeviceError
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.realsense.realsense import open_realsense
try:
    with open_realsense("file=" + sys.argv[1], Settings()) as camera:
        while True:
            camera.read(1.0)
except DeviceError as exc:
    print(type(exc).__name__)
"""
IMAGES = "UPDATE messages SET data = {} WHERE length(data) > 10000"


@pytest.mark.parametrize("rest", ["file=", "file=nothing.db3", "file=a\0b", "file=/"])
def test_a_missing_recording_is_a_missing_device(rest: str) -> None:
    with pytest.raises(DeviceMissingError, match="realsense:file="):
        open_realsense(rest, Settings())


@pytest.mark.parametrize("kept", [0, 15, 5000, 0.5, 0.999])
def test_a_truncated_recording_is_refused(recording: Path, tmp_path: Path, kept: float) -> None:
    whole = recording.read_bytes()
    path = tmp_path / "short.db3"
    path.write_bytes(whole[: int(kept * len(whole)) if 0 < kept < 1 else int(kept)])

    with pytest.raises(ClipError, match=r"short\.db3 is no"):
        open_realsense(f"file={path}", Settings())


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clip.db3"
    path.write_bytes(b"#ROSBAG V2.0\n" * 400)

    with pytest.raises(ClipError, match="is no whole recording"):
        open_realsense(f"file={path}", Settings())


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE messages SET data = x''",
        "UPDATE messages SET data = zeroblob(length(data))",
        "UPDATE messages SET data = randomblob(length(data))",
        "UPDATE messages SET data = 'a', timestamp = 'b'",
        "UPDATE messages SET timestamp = 9223372036854775807 - id",
        "UPDATE messages SET timestamp = -id",
        "DELETE FROM messages",
        "DELETE FROM topics",
        "DROP TABLE topics",
        IMAGES.format("substr(data, 1, length(data) / 2)"),
        IMAGES.format("randomblob(length(data))"),
        IMAGES.format("substr(data, 1, 300) || randomblob(length(data) - 300)"),
    ],
)
def test_a_forged_recording_is_a_bad_clip(recording: Path, tmp_path: Path, harm: str) -> None:
    path = tmp_path / "forged.db3"
    shutil.copy(recording, path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(harm)

    done = subprocess.run(
        [sys.executable, "-c", PLAY, str(path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (0, "ClipError") == (done.returncode, done.stdout.strip())
