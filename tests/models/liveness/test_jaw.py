"""The jaw gauge: millimetres between nose and chin, or no number where depth does not say."""

from __future__ import annotations

from math import isnan

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.models.api import Points
from yibao_face.models.liveness.jaw import chin_mm, jaw_edge_mm, mouth_px_ratio
from yibao_face.models.liveness.relief import DepthImage, Pinhole

LENS = Pinhole(575.0, 320.0, 240.0)
DISTANCE_MM = 550.0
NOSE, LIP = (1, 4), 17
# Below the tip of the nose, mm down and mm behind it.
CHIN = {200: (52.0, 20.0), 199: (58.0, 20.0), 175: (64.0, 22.0), 152: (70.0, 26.0)}
# Nose to the mean of the four: 61 mm down, 22 mm behind.
AT_REST_MM = float(np.hypot(61.0, 22.0))


def face(drop_mm: float = 0.0, away_mm: float = DISTANCE_MM) -> tuple[DepthImage, Points]:
    """A wall with the few patches of a face that count, the chin ``drop_mm`` below its rest."""
    depth = np.full((480, 640), 1500, np.uint16)
    points = np.zeros((478, 2), np.float32)
    for left, right in ((33, 263), (133, 362)):
        points[left], points[right] = (290.0, 200.0), (350.0, 200.0)
    points[13], points[14] = (320.0, 265.0), (320.0, 265.0)
    lowered = {index: (down + drop_mm, behind) for index, (down, behind) in CHIN.items()}
    placed = {1: (0.0, 0.0), 4: (0.0, 0.0), LIP: (42.0 + drop_mm, 16.0), **lowered}
    for index, (down, behind) in placed.items():
        z = away_mm + behind
        u, v = 320.0, 240.0 + down * LENS.f / z
        points[index] = u, v
        # As high as half the way to the next: the patches of a face touch.
        depth[round(v) - 3 : round(v) + 4, round(u) - 3 : round(u) + 4] = round(z)
    return depth, points


@pytest.mark.parametrize("away_mm", [380.0, 550.0, 750.0])
def test_the_distance_is_metric_however_far_the_face_is(away_mm: float) -> None:
    depth, points = face(away_mm=away_mm)

    assert pytest.approx(AT_REST_MM, abs=3.0) == chin_mm(depth, points, LENS)


@pytest.mark.parametrize("drop_mm", [10.0, 25.0, 40.0])
def test_a_jaw_that_drops_takes_the_chin_away(drop_mm: float) -> None:
    shut, opened = (chin_mm(*face(drop), LENS) for drop in (0.0, drop_mm))

    assert pytest.approx(drop_mm, abs=3.0) == opened - shut


def test_landmarks_that_slide_off_the_chin_measure_nothing() -> None:
    depth, _ = face()
    _, slid = face(25.0)

    assert isnan(chin_mm(depth, slid, LENS))


@pytest.mark.parametrize("index", [*NOSE, *CHIN, LIP])
def test_one_landmark_without_depth_is_no_distance(index: int) -> None:
    depth, points = face()
    u, v = pixel(points, index)
    depth[v - 5 : v + 6, u - 5 : u + 6] = 0

    assert isnan(chin_mm(depth, points, LENS))


def test_a_few_holes_and_one_wild_pixel_change_nothing() -> None:
    depth, points = face()
    expected = chin_mm(depth, points, LENS)
    for index in CHIN:
        u, v = pixel(points, index)
        depth[v - 3 : v + 4, u - 3] = 0
        depth[v, u] = 4000

    assert pytest.approx(expected, abs=0.5) == chin_mm(depth, points, LENS)


@pytest.mark.parametrize("where", [-500.0, 5000.0, np.nan, np.inf])
def test_points_outside_the_picture_are_no_distance(where: float) -> None:
    depth, points = face()
    points[152] = where, where

    assert isnan(chin_mm(depth, points, LENS))


def test_a_chin_where_no_human_has_one_is_no_distance() -> None:
    near, far = (np.full((480, 640), z, np.uint16) for z in (150, 1600))
    _, points = face()

    assert isnan(chin_mm(near, points, LENS))
    assert isnan(chin_mm(far, points, LENS))


def pixel(points: Points, index: int) -> tuple[int, int]:
    """Column and row of a landmark."""
    return round(float(points[index, 0])), round(float(points[index, 1]))


def slope(edge_mm: float, away_mm: float = DISTANCE_MM) -> tuple[DepthImage, Points]:
    """A face that ends ``edge_mm`` below the tip of its nose, the neck 60 mm behind the edge."""
    _, points = face(away_mm=away_mm)
    depth = np.full((480, 640), round(away_mm + 80), np.uint16)
    last = round(240.0 + edge_mm * LENS.f / (away_mm + 20))
    depth[180 : last + 1, 230:410] = round(away_mm + 20)
    for index in NOSE:
        u, v = pixel(points, index)
        depth[v - 3 : v + 4, u - 3 : u + 4] = round(away_mm)
    return depth, points


@pytest.mark.parametrize("edge_mm", [70.0, 80.0, 100.0])
@pytest.mark.parametrize("away_mm", [450.0, 550.0, 650.0])
def test_the_edge_of_the_jaw_is_where_the_face_ends(edge_mm: float, away_mm: float) -> None:
    found = jaw_edge_mm(*slope(edge_mm, away_mm), LENS)

    # Told a few pixels early, always alike: only its change counts.
    assert np.hypot(edge_mm, 20.0) - 8.0 < found < np.hypot(edge_mm, 20.0) + 2.0


def test_the_edge_stays_where_it_is_wherever_the_landmarks_slide() -> None:
    depth, points = slope(75.0)
    _, slid = face(25.0)

    assert pytest.approx(jaw_edge_mm(depth, points, LENS), abs=0.5) == jaw_edge_mm(
        depth, slid, LENS
    )


def test_the_edge_is_found_behind_the_hole_a_depth_camera_leaves_there() -> None:
    depth, points = slope(75.0)
    expected = jaw_edge_mm(depth, points, LENS)
    ends = round(240.0 + 75.0 * LENS.f / (DISTANCE_MM + 20))
    depth[ends - 1 : ends + 8] = 0

    assert pytest.approx(expected, abs=5.0) == jaw_edge_mm(depth, points, LENS)


def test_a_face_that_goes_on_into_a_collar_has_no_edge() -> None:
    depth, points = slope(75.0)
    depth[240:] = np.minimum(depth[240:], round(DISTANCE_MM + 20))

    assert isnan(jaw_edge_mm(depth, points, LENS))


def test_nothing_is_measured_from_a_lip_that_is_not_on_the_face() -> None:
    depth, points = slope(30.0)

    assert isnan(jaw_edge_mm(depth, points, LENS))


@pytest.mark.parametrize("index", [1, 4, 17, 33, 263])
def test_a_landmark_that_is_nowhere_measures_no_edge(index: int) -> None:
    depth, points = slope(75.0)
    points[index] = np.nan

    assert isnan(jaw_edge_mm(depth, points, LENS))


@given(st.integers(0, 2**32 - 1), st.floats(0.0, 1.0))
def test_noise_for_depth_never_raises_and_never_exceeds_a_human(seed: int, holes: float) -> None:
    rng = np.random.default_rng(seed)
    depth = rng.integers(0, 65536, (480, 640)).astype(np.uint16)
    depth[rng.random(depth.shape) < holes] = 0
    points = rng.uniform(-50, 700, (478, 2)).astype(np.float32)

    for found in (chin_mm(depth, points, LENS), jaw_edge_mm(depth, points, LENS)):
        assert isnan(found) or 30.0 <= found <= 160.0


@pytest.mark.parametrize(("gap_px", "ratio"), [(0.0, 0.0), (15.0, 0.25), (30.0, 0.5)])
@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_the_mouth_is_as_open_as_it_is_to_the_eyes_apart(
    gap_px: float, ratio: float, scale: float
) -> None:
    _, points = face()
    points[14, 1] += gap_px

    assert pytest.approx(ratio) == mouth_px_ratio(points * np.float32(scale))


def test_eyes_in_one_place_measure_no_mouth() -> None:
    nowhere: npt.NDArray[np.float32] = np.zeros((478, 2), np.float32)

    assert isnan(mouth_px_ratio(nowhere))
