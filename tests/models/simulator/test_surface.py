"""Meshes and sheets show the depth that geometry says, to a tenth of a millimetre."""

from __future__ import annotations

import numpy as np
import pytest

from yibao_face.models.liveness.relief import Pinhole
from yibao_face.models.simulator.artefact.sheet import Bend, Cylinder, Ellipse, Flat, Fold, Sheet
from yibao_face.models.simulator.pose import Pose, random_pose, rotation
from yibao_face.models.simulator.raster import depth_of
from yibao_face.models.simulator.scene import project

LENS = Pinhole(300.0, 160.0, 120.0)
SHAPE = (240, 320)


@pytest.mark.parametrize("bent_down", [False, True])
@pytest.mark.parametrize(
    "bend", [Flat(), Cylinder(90), Fold(0.5, 6)], ids=lambda b: type(b).__name__
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_ray_meets_the_sheet_where_its_points_lie(
    bend: Bend, bent_down: bool, seed: int
) -> None:
    pose = random_pose(np.random.default_rng(seed))
    sheet = Sheet(210, 297, -35, bend, bent_down)
    x, y = np.meshgrid(np.linspace(-40, 40, 9), np.linspace(-80, 20, 9))
    picture = np.stack([x.ravel(), y.ravel()], 1).astype(np.float32)
    placed = pose.place(sheet.points(picture))
    # A point's own pixel is the centre of a picture whose axis goes through it.
    for u, v, expected in zip(*project(placed, LENS).T, placed[:, 2], strict=True):
        aimed = Pinhole(LENS.f, LENS.cx - float(u), LENS.cy - float(v))
        assert float(sheet.depth(pose, aimed, (1, 1))[0, 0]) == pytest.approx(expected, abs=0.1)


def test_a_sheet_ends_and_has_holes() -> None:
    pose = Pose(np.eye(3), np.array([0.0, 0, 500]))
    sheet = Sheet(100, 60, outline=Ellipse(0, 0, 49, 29), holes=(Ellipse(20, 10, 8, 8),))
    depth = sheet.depth(pose, LENS, SHAPE)
    assert 500 == pytest.approx(float(depth[120, 160]))
    assert 0 == depth[120 - 6, 160 + 12]  # the hole, up and right
    assert 0 == depth[120, 160 + 31]
    assert 0 == depth[120 + 17, 160 + 29]  # the sheet's corner, cut off by its outline


def test_a_triangle_is_as_deep_as_its_plane() -> None:
    corners = np.array([[-60, -40, 500], [70, -30, 600], [0, 60, 450]], np.float32)
    depth = depth_of(corners, np.array([[0, 1, 2]]), LENS, SHAPE, both_sides=True)
    a, b, c = corners.astype(float)
    normal = np.cross(b - a, c - a)
    rows, columns = np.nonzero(depth)
    assert len(rows) > 1000
    ray = np.stack([(columns - 160) / 300, (rows - 120) / 300, np.ones(len(rows))], 1)
    expected = (normal @ a) / (ray @ normal)
    assert np.abs(depth[rows, columns] - expected).max() < 0.1


def test_the_nearer_surface_is_seen_and_backs_are_not() -> None:
    near = np.array([[-50, 50, 400], [50, 50, 400], [0, -50, 400]], np.float32)
    far = near * [1, 1, 1] + np.array([0, 0, 100], np.float32)
    both = np.concatenate([far, near]).astype(np.float32)
    triangles = np.array([[0, 1, 2], [3, 4, 5]])
    assert 400 == pytest.approx(float(depth_of(both, triangles, LENS, SHAPE)[120, 160]))
    assert not depth_of(both, triangles[:, ::-1], LENS, SHAPE).any()


def test_a_ball_of_many_small_triangles_has_no_cracks() -> None:
    across, down = np.meshgrid(np.linspace(0, 2 * np.pi, 80), np.linspace(0, np.pi, 60))
    x, y = np.sin(down) * np.cos(across), np.cos(down)
    z = np.sin(down) * np.sin(across)
    ball = np.stack([x.ravel(), y.ravel(), z.ravel()], 1) * 80 + [0, 0, 500]
    i = (np.arange(59)[:, None] * 80 + np.arange(79)).ravel()
    triangles = np.concatenate(
        [np.stack([i, i + 80, i + 1], 1), np.stack([i + 1, i + 80, i + 81], 1)]
    )
    depth = depth_of(ball.astype(np.float32), triangles, LENS, SHAPE, both_sides=True)
    inside = (np.arange(320) - 160) ** 2 + (np.arange(240) - 120)[:, None] ** 2 < 45**2
    assert (depth[inside] > 0).all()
    assert 420 == pytest.approx(float(depth[120, 160]), abs=0.5)


def test_turning_keeps_the_pivot_in_place() -> None:
    pose = Pose(rotation(10, 5, 3), np.array([10.0, 20, 600]))
    pivot = (0.0, -70.0, -80.0)
    point = np.array([pivot], np.float32)
    turned = pose.turned(25, pivot=pivot).place(point)
    assert np.abs(turned - pose.place(point)).max() < 1e-3


def test_turning_left_brings_the_nose_to_the_right_of_the_picture() -> None:
    pose = Pose(np.eye(3), np.array([0.0, 0, 600]))
    nose = np.array([[0, 0, 40]], np.float32)
    assert pose.turned(20).place(nose)[0, 0] > 10
