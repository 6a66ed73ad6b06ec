"""A clip gives back what was written into it, to the bit where it says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from yibao_face.drivers.api import ClipError, Intrinsics
from yibao_face.drivers.clip import ClipReader, ClipWriter, Planes

Record = Callable[[Path, Sequence[int]], list[Planes]]
Exposures = Callable[[int], list[Planes]]


def of_size(width: int, height: int) -> Planes:
    rng, size = np.random.default_rng(3), (height, width)
    return Planes(
        rng.integers(0, 256, (*size, 3), np.uint8),
        rng.integers(0, 65536, size, np.uint16),
        rng.integers(0, 256, size, np.uint8),
    )


def same_measurement(one: Planes, other: Planes) -> bool:
    """Depth and IR alike to the bit and in kind."""
    pairs = ((one.depth_mm, other.depth_mm), (one.ir, other.ir))
    planes = [(a, b) for a, b in pairs if a is not None and b is not None]
    return len(planes) == 2 and all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in planes)


def gradient(lens: Intrinsics, shift: int) -> Planes:
    """A smooth picture, as a photograph is, that differs from shift to shift."""
    x, y = np.meshgrid(np.arange(lens.width), np.arange(lens.height))
    planes = [(x * 3 + shift) % 256, (y * 4 + shift) % 256, np.full_like(x, 20 * shift % 256)]
    blank = np.zeros((lens.height, lens.width))
    return Planes(
        np.stack(planes, 2).astype(np.uint8), blank.astype(np.uint16), blank.astype(np.uint8)
    )


def test_depth_and_infrared_come_back_to_the_bit(tmp_path: Path, record: Record) -> None:
    path = tmp_path / "noise.rgbd"
    written = record(path, [0, 66_667, 133_333, 200_000])

    read = list(ClipReader(path).frames())

    assert len(written) == len(read)
    assert all(same_measurement(a, b) for a, b in zip(written, read, strict=True))


@pytest.mark.parametrize("value", [0, 1, 255, 256, 32_768, 65_534, 65_535])
def test_every_depth_survives(tmp_path: Path, lens: Intrinsics, value: int) -> None:
    depth = np.full((lens.height, lens.width), value, np.uint16)
    depth[0, 0], depth[-1, -1] = 0, 65_535
    blank = gradient(lens, 0)
    path = tmp_path / "depth.rgbd"
    with ClipWriter(path, lens, 15.0, "depth") as clip:
        clip.add(replace(blank, depth_mm=depth), 0)

    [read] = ClipReader(path).frames()

    assert read.depth_mm is not None
    assert np.uint16 == read.depth_mm.dtype
    np.testing.assert_array_equal(depth, read.depth_mm)


def test_colour_comes_back_nearly_and_in_order(tmp_path: Path) -> None:
    lens = Intrinsics(64, 48, 50.0, 50.0, 32.0, 24.0)
    written = [gradient(lens, shift) for shift in range(5)]
    path = tmp_path / "colour.rgbd"
    with ClipWriter(path, lens, 15.0, "colour") as clip:
        for index, planes in enumerate(written):
            clip.add(planes, index)

    read = list(ClipReader(path).frames())

    likeness = np.array([[cv2.PSNR(a.bgr, b.bgr) for b in read] for a in written])
    assert [0, 1, 2, 3, 4] == likeness.argmax(1).tolist()
    assert likeness.diagonal().min() > 30.0


def test_calibration_timestamps_rate_and_label_are_kept(
    tmp_path: Path, lens: Intrinsics, record: Record
) -> None:
    path = tmp_path / "noise.rgbd"
    times = [-5, 0, 7, 1_000_000_000_000]
    record(path, times)

    header = ClipReader(path).header

    assert lens == header.intrinsics
    assert tuple(times) == header.device_us
    assert (15.0, "noise") == (header.fps, header.label)


def test_a_label_may_be_chinese(tmp_path: Path, lens: Intrinsics, exposures: Exposures) -> None:
    path = tmp_path / "演示.rgbd"
    with ClipWriter(path, lens, 15.0, "演示：活体") as clip:
        clip.add(exposures(1)[0], 0)

    assert "演示：活体" == ClipReader(path).header.label


def test_the_serial_stays_with_a_recording_and_tells_it_from_others(
    tmp_path: Path, record: Record
) -> None:
    one, other = tmp_path / "one.rgbd", tmp_path / "other.rgbd"
    record(one, [0])
    record(other, [0, 1])
    moved = tmp_path / "moved.rgbd"
    moved.write_bytes(one.read_bytes())

    serials = [ClipReader(path).header.serial for path in (one, moved, other)]

    assert serials[0] == serials[1]
    assert serials[0] != serials[2]


def test_a_clip_plays_again_from_its_start(tmp_path: Path, record: Record) -> None:
    path = tmp_path / "noise.rgbd"
    record(path, [0, 1, 2])
    clip = ClipReader(path)
    started = next(clip.frames())

    first, second = list(clip.frames()), list(clip.frames())

    assert same_measurement(started, first[0])
    assert all(same_measurement(a, b) for a, b in zip(first, second, strict=True))
    assert all(np.array_equal(a.bgr, b.bgr) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize(("width", "height"), [(17, 13), (641, 480), (640, 481), (33, 16)])
def test_an_odd_size_is_kept_to_the_bit_or_refused(
    tmp_path: Path, width: int, height: int
) -> None:
    path, planes = tmp_path / "odd.rgbd", of_size(width, height)
    try:
        with ClipWriter(path, Intrinsics(width, height, 50.0, 50.0, 8.0, 6.0), 15.0, "") as clip:
            clip.add(planes, 0)
    except (ClipError, ValueError):
        assert [] == list(tmp_path.iterdir())
        return

    [read] = ClipReader(path).frames()

    assert same_measurement(planes, read)
