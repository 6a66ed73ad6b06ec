"""The writer of clips: what it refuses, and that a failed clip leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from yibao_face.drivers.api import ClipError, Intrinsics
from yibao_face.drivers.clip import ClipReader, ClipWriter, Planes

Record = Callable[[Path, Sequence[int]], list[Planes]]
Exposures = Callable[[int], list[Planes]]

# Writes and reads clips of the given size and rate; says nothing, must end by itself and well.
CHILD = """
import sys, tempfile
from pathlib import Path
import numpy as np
from yibao_face.drivers.api import ClipError, Intrinsics
from yibao_face.drivers.clip import ClipReader, ClipWriter, Planes
width, height, fps = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
lens = Intrinsics(width, height, 50.0, 50.0, 2.0, 2.0)
grey = np.zeros((height, width), np.uint8)
planes = Planes(np.dstack([grey] * 3), grey.astype(np.uint16), grey)
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "small.rgbd"
    for _ in range(20):
        try:
            with ClipWriter(path, lens, fps, "") as clip:
                for at_us in range(5):
                    clip.add(planes, at_us)
            list(ClipReader(path).frames())
        except (ClipError, ValueError):
            pass
"""


@pytest.mark.parametrize(
    ("width", "height", "fps"),
    [
        pytest.param(4, 4, 15.0, id="4x4"),
        pytest.param(6, 6, 15.0, id="6x6"),
        pytest.param(16, 12, float("inf"), id="endless rate"),
    ],
)
def test_a_clip_no_codec_can_hold_neither_crashes_nor_hangs(
    width: int, height: int, fps: float
) -> None:
    command = [sys.executable, "-c", CHILD, str(width), str(height), str(fps)]

    done = subprocess.run(command, capture_output=True, timeout=15, check=False)

    assert 0 == done.returncode


@pytest.mark.parametrize("second", [5, 4, -5])
def test_a_timestamp_that_does_not_rise_is_refused(
    tmp_path: Path, lens: Intrinsics, exposures: Exposures, second: int
) -> None:
    one, other = exposures(2)

    with (
        pytest.raises(ValueError, match=f"timestamp {second}"),
        ClipWriter(tmp_path / "back.rgbd", lens, 15.0, "") as clip,
    ):
        clip.add(one, 5)
        clip.add(other, second)

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"bgr": np.ones((10, 14, 3), np.uint8)}, id="smaller colour"),
        pytest.param({"bgr": np.ones((24, 32, 3), np.uint8)}, id="larger colour"),
        pytest.param({"bgr": np.ones((12, 16), np.uint8)}, id="grey colour"),
        pytest.param({"bgr": np.ones((12, 16, 4), np.uint8)}, id="colour with alpha"),
        pytest.param({"depth_mm": np.ones((10, 14), np.uint16)}, id="smaller depth"),
        pytest.param({"depth_mm": np.ones((12, 16), np.uint8)}, id="depth of 8 bit"),
        pytest.param({"ir": np.ones((24, 32), np.uint8)}, id="larger infrared"),
        pytest.param({"ir": np.full((12, 16), 300, np.uint16)}, id="infrared of 16 bit"),
    ],
)
def test_planes_that_would_not_come_back_are_refused(
    tmp_path: Path, lens: Intrinsics, exposures: Exposures, wrong: dict[str, npt.NDArray[Any]]
) -> None:
    good, other = exposures(2)

    with (
        pytest.raises((ClipError, ValueError)),
        ClipWriter(tmp_path / "wrong.rgbd", lens, 15.0, "") as clip,
    ):
        clip.add(good, 0)
        clip.add(replace(other, **wrong), 1)

    assert [] == list(tmp_path.iterdir())


def test_a_clip_without_exposures_is_refused(tmp_path: Path, lens: Intrinsics) -> None:
    with (
        pytest.raises((ClipError, ValueError)),
        ClipWriter(tmp_path / "none.rgbd", lens, 15.0, ""),
    ):
        pass

    assert [] == list(tmp_path.iterdir())


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made during this test."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_written_clip_leaves_no_temporary_file(scratch: Path, record: Record) -> None:
    clips = scratch.parent / "clips"

    record(clips / "noise.rgbd", [0, 1])

    assert [] == list(scratch.iterdir())
    assert ["noise.rgbd"] == [path.name for path in clips.iterdir()]


def test_a_recording_that_stops_midway_leaves_nothing(
    scratch: Path, lens: Intrinsics, exposures: Exposures
) -> None:
    clips = scratch.parent / "clips"
    clips.mkdir()

    with (
        pytest.raises(KeyboardInterrupt),
        ClipWriter(clips / "half.rgbd", lens, 15.0, "") as clip,
    ):
        clip.add(exposures(1)[0], 0)
        raise KeyboardInterrupt

    assert [] == [*clips.iterdir(), *scratch.iterdir()]


def test_a_clip_that_cannot_be_put_in_place_leaves_nothing(scratch: Path, record: Record) -> None:
    taken = scratch.parent / "clips" / "taken.rgbd"
    (taken / "by a folder").mkdir(parents=True)

    with pytest.raises(OSError, match=r"taken\.rgbd"):
        record(taken, [0])

    assert [taken] == list(taken.parent.iterdir())
    assert [] == list(scratch.iterdir())


def test_a_label_that_is_no_text_leaves_nothing(
    scratch: Path, lens: Intrinsics, exposures: Exposures
) -> None:
    clips = scratch.parent / "clips"
    clips.mkdir()

    with (
        pytest.raises((ClipError, ValueError)),
        ClipWriter(clips / "label.rgbd", lens, 15.0, "\ud800") as clip,
    ):
        clip.add(exposures(1)[0], 0)

    assert [] == [*clips.iterdir(), *scratch.iterdir()]


def test_an_earlier_clip_survives_a_failed_one(
    tmp_path: Path, lens: Intrinsics, record: Record
) -> None:
    path = tmp_path / "noise.rgbd"
    [earlier, _] = record(path, [0, 1])
    before = path.read_bytes()

    with pytest.raises(ValueError, match="does not follow"), ClipWriter(path, lens, 15.0, "") as c:
        c.add(earlier, 1)
        c.add(earlier, 0)

    assert before == path.read_bytes()
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["clip", "clip.part", "two.dots.rgbd", ".rgbd"])
def test_a_clip_may_have_any_name(tmp_path: Path, record: Record, name: str) -> None:
    path = tmp_path / name

    record(path, [0])

    assert [path] == list(tmp_path.iterdir())
    assert (0,) == ClipReader(path).header.device_us


def test_a_new_clip_replaces_an_earlier_one(tmp_path: Path, record: Record) -> None:
    path = tmp_path / "noise.rgbd"
    record(path, [0, 1])
    record(path, [5, 6, 7])

    assert (5, 6, 7) == ClipReader(path).header.device_us
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.parametrize("fps", [0.0, -15.0, float("nan")])
def test_a_rate_that_is_none_is_refused_at_once(
    scratch: Path, lens: Intrinsics, fps: float
) -> None:
    with pytest.raises((ClipError, ValueError)):
        ClipWriter(scratch.parent / "rate.rgbd", lens, fps, "")

    assert [] == list(scratch.iterdir())
