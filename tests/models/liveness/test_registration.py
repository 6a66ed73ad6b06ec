"""Depth edges that lie where colour edges lie are told from mirrored ones (simulated scenes)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from yibao_face.models.liveness.registration import registration

Scene = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint16]]


def person_left_of_the_middle(shift_px: int = 0, noise: int = 0) -> Scene:
    """A head and shoulders of their own colour before a wall."""
    rng = np.random.default_rng(7)
    bgr = np.full((480, 640, 3), 200, np.uint8)
    depth = np.full((480, 640), 1800, np.uint16)
    for rows, columns in ((slice(120, 330), slice(180, 330)), (slice(330, 480), slice(110, 420))):
        bgr[rows, columns] = (90, 110, 160)
        depth[rows, slice(columns.start + shift_px, columns.stop + shift_px)] = 560
    grain = rng.integers(-noise, noise + 1, depth.shape)
    return bgr, (depth.astype(np.int64) + grain).astype(np.uint16)


def mirrored(scene: Scene) -> Scene:
    return scene[0], np.ascontiguousarray(scene[1][:, ::-1])


@pytest.mark.parametrize("noise", [0, 10, 20])
def test_fitting_planes_are_told_from_mirrored_ones(noise: int) -> None:
    scene = person_left_of_the_middle(noise=noise)

    assert registration(*scene) > 0.8
    assert registration(*mirrored(scene)) < 0.2


def test_a_symmetric_scene_is_neither() -> None:
    bgr = np.full((480, 640, 3), 200, np.uint8)
    depth = np.full((480, 640), 1800, np.uint16)
    bgr[120:480, 240:400], depth[120:480, 240:400] = 80, 560

    assert pytest.approx(0.5, abs=0.02) == registration(bgr, depth)


def test_without_a_depth_edge_nothing_is_claimed() -> None:
    bgr, _ = person_left_of_the_middle()

    assert math.isnan(registration(bgr, np.zeros((480, 640), np.uint16)))
    assert math.isnan(registration(bgr, np.full((480, 640), 700, np.uint16)))


def test_planes_of_two_sizes_are_not_compared() -> None:
    bgr, _ = person_left_of_the_middle()

    assert math.isnan(registration(bgr, np.zeros((240, 320), np.uint16)))
