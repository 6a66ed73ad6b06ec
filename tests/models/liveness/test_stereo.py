"""Two cameras tell a head from a sheet by landmarks alone: everything here is simulated (仿真)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import inf, isnan, nan

import numpy as np
import numpy.typing as npt
import pytest

from yibao_face.models.api import Points
from yibao_face.models.liveness.gate import GateEntry
from yibao_face.models.liveness.shape import likeness_of
from yibao_face.models.liveness.stereo import (
    MIN_CLOUDS,
    Cloud,
    Lens,
    Rig,
    Stereo,
    measure_stereo,
    triangulate,
)
from yibao_face.models.weights.store import WeightStore, load_mesh

Floats = npt.NDArray[np.float64]
Shape = Callable[[Floats, np.random.Generator], Floats]

LENS = Lens(1000.0, 1000.0, 640.0, 360.0)
NOISE_PX, BASELINE_MM, DISTANCE_MM = 1.2, 40.0, 500.0
HEADS = 40


def rotation(yaw_deg: float, pitch_deg: float, roll_deg: float) -> Floats:
    angles = np.radians([yaw_deg, pitch_deg, roll_deg])
    (cy, cp, cr), (sy, sp, sr) = np.cos(angles), np.sin(angles)
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    return np.asarray(about_z @ about_y @ about_x, np.float64)


TURN = rotation(2.0, 0.5, -0.3)
RIG = Rig(LENS, Lens(980.0, 985.0, 630.0, 365.0), tuple(TURN.ravel()), (-BASELINE_MM, 0.5, 1.0))


@pytest.fixture(scope="module")
def canonical(installed: WeightStore) -> Floats:
    """The canonical head, mm."""
    entry = installed.manifest.by_role("canonical-face")
    return load_mesh(entry, installed.read(entry))


def seen_by(rig: Rig, before_mm: Floats) -> tuple[Floats, Floats]:
    """Where both cameras see points (n, 3) before the colour one."""
    beyond = before_mm @ rig.turned().T + np.asarray(rig.translation_mm)
    return rig.colour.project(before_mm), rig.infrared.project(beyond)


def placed(mesh: Floats, turn: Floats, at_mm: Floats) -> Floats:
    """A mesh (y up, z towards the viewer) before the colour camera (y down, z away)."""
    return (mesh - mesh.mean(0)) @ turn.T * [1, -1, -1] + at_mm


def session(
    shape: Floats, rng: np.random.Generator, frames: int = MIN_CLOUDS, noise_px: float = NOISE_PX
) -> list[Cloud]:
    """Somebody who sways a little holds ``shape`` before both cameras; landmarks are noisy."""
    facing, clouds = rng.normal(0, [8, 6, 4]), list[Cloud]()
    for _ in range(frames):
        turn = rotation(*(facing + rng.normal(0, 2, 3)))
        at_mm = np.array([0, 0, DISTANCE_MM]) + rng.normal(0, 8, 3)
        pair = seen_by(RIG, placed(shape, turn, at_mm))
        one, other = (at + rng.normal(0, noise_px, at.shape) for at in pair)
        clouds.append(triangulate(one.astype(np.float32), other.astype(np.float32), RIG))
    return clouds


def head(mesh: Floats, rng: np.random.Generator) -> Floats:
    """Another person: other size and proportions, a few gentle bumps."""
    middle = mesh - mesh.mean(0)
    bumps = np.sin(middle @ rng.normal(0, 0.02, (3, 3)) + rng.uniform(0, 6, 3))
    return middle * (1 + rng.normal(0, 0.03, 3)) + bumps * rng.uniform(0, 1.5)


def flat(mesh: Floats, _rng: np.random.Generator) -> Floats:
    return mesh * [1, 1, 0]


def bent(mesh: Floats, rng: np.random.Generator) -> Floats:
    """The picture on a cylinder of 65 to 260 mm, upright or lying."""
    radius_mm, axis = rng.uniform(65, 260), int(rng.integers(2))
    sheet = mesh - mesh.mean(0)
    angle = sheet[:, axis] / radius_mm
    sheet[:, axis] = radius_mm * np.sin(angle)
    sheet[:, 2] = radius_mm * (np.cos(angle) - 1)
    return sheet


def failed(found: Stereo, gates: tuple[GateEntry, ...]) -> set[str]:
    return {
        g.feature
        for g in gates
        if hasattr(found, g.feature) and not g.low <= getattr(found, g.feature) <= g.high
    }


@pytest.fixture(scope="module")
def gates() -> tuple[GateEntry, ...]:
    """The limits of the relief of depth cameras, as `liveness.md` measured them."""
    limits = {
        "gain1": (0.45, 3.0),
        "corr1": (0.67, 1.0001),
        "gain2": (0.186, 1.8),
        "corr2": (0.237, 1.0001),
        "ipd_mm": (46.0, 74.0),
        "procrustes_mm": (0.0, 8.0),
    }
    return tuple(GateEntry(name, *limit, "spoof-flat") for name, limit in limits.items())


@pytest.mark.parametrize(("shape", "accepted"), [(head, HEADS), (flat, 0), (bent, 0)])
def test_ten_frames_tell_heads_from_flat_and_bent_pictures(
    canonical: Floats, gates: tuple[GateEntry, ...], shape: Shape, accepted: int
) -> None:
    rng = np.random.default_rng(5)
    found = [measure_stereo(canonical, session(shape(canonical, rng), rng)) for _ in range(HEADS)]

    assert accepted == sum(not failed(one, gates) for one in found)


def test_pictures_fail_the_relief_after_the_quadric_by_far(canonical: Floats) -> None:
    rng = np.random.default_rng(6)
    heads, sheets = (
        [measure_stereo(canonical, session(shape(canonical, rng), rng)) for _ in range(12)]
        for shape in (head, bent)
    )

    assert min(one.gain2 for one in heads) > 0.6
    assert max(abs(one.gain2) for one in sheets) < 0.25


def test_without_noise_the_head_measures_as_itself(canonical: Floats) -> None:
    clouds = session(canonical, np.random.default_rng(1), noise_px=0.0)

    found = measure_stereo(canonical, clouds)

    assert pytest.approx([1.0, 1.0, 1.0, 1.0], abs=0.06) == [
        found.gain1,
        found.corr1,
        found.gain2,
        found.corr2,
    ]
    assert found.procrustes_mm < 0.1
    assert found.spread_mm < 0.1
    assert found.miss_px < 0.01
    assert 1.0 == found.landmarks_valid
    assert pytest.approx(DISTANCE_MM, abs=15.0) == found.distance_mm


@pytest.mark.parametrize("size", [0.6, 1.0, 1.5])
def test_the_eye_distance_is_that_of_space(canonical: Floats, size: float) -> None:
    found = measure_stereo(canonical, session(canonical * size, np.random.default_rng(2)))

    assert pytest.approx(63.0 * size, rel=0.05) == found.ipd_mm


@pytest.mark.parametrize("count", [0, 1, MIN_CLOUDS - 1])
def test_fewer_than_ten_frames_measure_nothing(canonical: Floats, count: int) -> None:
    found = measure_stereo(canonical, session(canonical, np.random.default_rng(3), count))

    assert count == found.clouds
    assert isnan(found.gain1)
    assert isnan(found.procrustes_mm)
    assert 0.0 == found.landmarks_valid


def test_triangulation_finds_points_again(canonical: Floats) -> None:
    before_mm = placed(canonical, rotation(5, 5, 5), np.array([20.0, -10.0, 450.0]))
    one, other = seen_by(RIG, before_mm)

    cloud = triangulate(one.astype(np.float32), other.astype(np.float32), RIG)

    assert np.abs(cloud.points_mm - before_mm).max() < 0.05
    assert cloud.miss_px < 0.01


def views(canonical: Floats) -> tuple[Points, Points]:
    one, other = seen_by(RIG, placed(canonical, np.eye(3), np.array([0.0, 0.0, 500.0])))
    return one.astype(np.float32), other.astype(np.float32)


def test_a_face_at_another_height_in_the_second_image_is_missed(canonical: Floats) -> None:
    one, other = views(canonical)

    higher = triangulate(one, other - np.array([0, 30], np.float32), RIG)

    assert pytest.approx(15.0, rel=0.1) == higher.miss_px


def test_a_mirrored_second_image_has_no_relief_of_a_face(
    canonical: Floats, gates: tuple[GateEntry, ...]
) -> None:
    one, other = views(canonical)
    middle = np.array([2 * other[:, 0].mean(), 0.0])
    mirrored: Points = (middle + other * [-1, 1]).astype(np.float32)

    found = measure_stereo(canonical, [triangulate(one, mirrored, RIG)] * MIN_CLOUDS)

    assert {"corr1", "gain2"} & failed(found, gates)


def test_rays_that_meet_behind_the_cameras_or_nowhere_are_no_points(canonical: Floats) -> None:
    one, other = views(canonical)
    behind = triangulate(one, other, replace(RIG, translation_mm=(BASELINE_MM, 0.0, 0.0)))
    one_eyed = triangulate(one, one, Rig(LENS, LENS, tuple(np.eye(3).ravel()), (0.0, 0.0, 0.0)))

    assert np.isnan(behind.points_mm).all()
    assert np.isnan(one_eyed.points_mm).all()
    assert isnan(one_eyed.miss_px)
    lost = measure_stereo(canonical, [one_eyed] * MIN_CLOUDS)
    assert isnan(lost.gain1)
    assert 0.0 == lost.landmarks_valid


@pytest.mark.parametrize("value", [nan, inf, -inf, 1e30])
def test_landmarks_that_are_no_numbers_are_no_points(canonical: Floats, value: float) -> None:
    one, other = views(canonical)
    other[100:200] = value

    cloud = triangulate(one, other, RIG)

    assert np.isnan(cloud.points_mm[100:200]).all()
    assert np.isfinite(np.delete(cloud.points_mm, range(100, 200), 0)).all()


def test_all_landmarks_at_one_place_have_no_relief(
    canonical: Floats, gates: tuple[GateEntry, ...]
) -> None:
    one, other = views(canonical)
    dot = triangulate(one * 0 + one[1], other * 0 + other[1], RIG)

    assert failed(measure_stereo(canonical, [dot] * MIN_CLOUDS), gates)


@pytest.mark.parametrize("count", [0, 5, 467])
def test_fewer_landmarks_than_the_mesh_has_are_an_error(canonical: Floats, count: int) -> None:
    one, other = views(canonical)

    with pytest.raises(ValueError, match="468"):
        triangulate(one[:count], other, RIG)
    with pytest.raises(ValueError, match="468"):
        triangulate(one, other[:count], RIG)


@pytest.mark.parametrize(
    "rig", [replace(RIG, rotation=(1.0, 0.0)), replace(RIG, translation_mm=(1.0,))]
)
def test_a_rig_that_is_none_is_an_error(canonical: Floats, rig: Rig) -> None:
    with pytest.raises(ValueError, match="reshape"):
        triangulate(*views(canonical), rig)


def test_landmarks_missing_in_one_frame_are_left_out_of_all(canonical: Floats) -> None:
    clouds = session(canonical, np.random.default_rng(4))
    clouds[3].points_mm[:300] = nan

    found = measure_stereo(canonical, clouds)

    assert pytest.approx(168 / 468) == found.landmarks_valid


def test_a_cloud_with_too_few_landmarks_is_like_nothing(canonical: Floats) -> None:
    holed = canonical.copy()
    holed[20:] = nan

    assert likeness_of(canonical, holed) is None
    assert likeness_of(canonical, np.full_like(canonical, nan)) is None
    like = likeness_of(canonical, canonical)
    assert like is not None
    assert pytest.approx(1.0, abs=0.02) == like.gain2
