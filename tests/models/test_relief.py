"""The relief tells a head from a sheet, whatever its distance and tilt, and never raises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from scipy.interpolate import RBFInterpolator

from yibao_face.daemon.demo.picture.scene import LENS
from yibao_face.drivers.clip import Planes
from yibao_face.models.api import Points
from yibao_face.models.liveness.gate import GateEntry
from yibao_face.models.liveness.relief import DepthImage, Pinhole, Relief, ReliefGauge
from yibao_face.models.suite import FaceModels
from yibao_face.models.weights.store import WeightStore, load_mesh

Floats = npt.NDArray[np.float64]
Shots = Callable[[str], list[Planes]]
Scene = tuple[DepthImage, Points]

PINHOLE = Pinhole(LENS.fx, LENS.cx, LENS.cy)
WALL_MM = 1500
LEVEL = (0.0, 0.0, 0.0)
NOT_FOUND = Relief()


@pytest.fixture(scope="module")
def canonical(installed: WeightStore) -> Floats:
    """The canonical head, mm."""
    entry = installed.manifest.by_role("canonical-face")
    return load_mesh(entry, installed.read(entry))


@pytest.fixture(scope="module")
def gauge(canonical: Floats) -> ReliefGauge:
    return ReliefGauge(canonical)


@pytest.fixture(scope="module")
def failed_gates(installed: WeightStore) -> Callable[[Relief], set[str]]:
    """Features of a relief that do not lie within the manifest's gates."""
    gates: tuple[GateEntry, ...] = (
        *installed.manifest.liveness.depth.reading,
        *installed.manifest.liveness.depth.attack,
    )

    def failed_gates(relief: Relief) -> set[str]:
        found = asdict(relief)
        return {g.feature for g in gates if not g.low <= found[g.feature] <= g.high}

    return failed_gates


def rotation(yaw: float, pitch: float, roll: float) -> Floats:
    (cy, cp, cr), (sy, sp, sr) = (f(np.radians([yaw, pitch, roll])) for f in (np.cos, np.sin))
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    return np.asarray(about_z @ about_y @ about_x, np.float64)


def head(
    mesh: Floats,
    distance_mm: float,
    tilt: tuple[float, float, float] = LEVEL,
    *,
    depth: float = 1.0,
    size: float = 1.0,
) -> Scene:
    """The mesh before a wall, its relief times ``depth``: depth image and landmarks."""
    turned: Floats = ((mesh - mesh.mean(0)) * size * [1, 1, depth]) @ rotation(*tilt).T
    seen: Floats = turned * [1, -1, -1] + [0, 0, distance_mm]
    points: Floats = seen[:, :2] / seen[:, 2:] * LENS.fx + [LENS.cx, LENS.cy]
    corners = cv2.convexHull(np.round(points).astype(np.int32))
    outline = np.asarray(corners, np.int32)
    face = cv2.fillConvexPoly(np.zeros((LENS.height, LENS.width), np.uint8), outline, 1)
    rows, columns = np.nonzero(face)
    surface = RBFInterpolator(points, seen[:, 2], smoothing=0.01)
    image = np.full(face.shape, WALL_MM, np.uint16)
    image[rows, columns] = np.round(surface(np.stack([columns, rows], 1).astype(np.float64)))
    return image, points.astype(np.float32)


def measured(models: FaceModels, shot: Planes) -> Relief:
    [face] = models.detector.find(shot.bgr)
    dense = models.landmarker.find(shot.bgr, face)
    assert dense is not None, "no landmarks"
    assert shot.depth_mm is not None
    return models.gauge.measure(shot.depth_mm, dense.points, PINHOLE)


@pytest.mark.parametrize("clip", ["live-first", "live-second", "live-third"])
def test_a_living_head_is_as_deep_as_a_head(
    models: FaceModels, shots: Shots, failed_gates: Callable[[Relief], set[str]], clip: str
) -> None:
    for shot in shots(clip):
        found = measured(models, shot)

        assert pytest.approx(1.0, abs=0.15) == found.gain1
        assert pytest.approx(1.0, abs=0.3) == found.gain2
        assert pytest.approx(63.0, abs=4.0) == found.ipd_mm
        assert pytest.approx(550.0, abs=15.0) == found.distance_mm
        assert set() == failed_gates(found)


@pytest.mark.parametrize("clip", ["flat-first", "tablet-first"])
def test_a_flat_picture_has_no_relief(
    models: FaceModels, shots: Shots, failed_gates: Callable[[Relief], set[str]], clip: str
) -> None:
    for shot in shots(clip):
        found = measured(models, shot)

        assert pytest.approx(0.0, abs=0.1) == found.gain1
        assert pytest.approx(0.0, abs=0.1) == found.gain2
        assert found.plane_rms_mm < 3.0
        assert {"gain1", "corr1", "gain2", "corr2", "ring"} <= failed_gates(found)


def test_a_bent_picture_has_a_curve_but_no_nose(
    models: FaceModels, shots: Shots, failed_gates: Callable[[Relief], set[str]]
) -> None:
    for shot in shots("bent-first"):
        found = measured(models, shot)

        assert found.gain1 > 0.2
        assert pytest.approx(0.0, abs=0.1) == found.gain2
        assert found.quadric_rms_mm < 2.0 < found.plane_rms_mm
        assert {"gain2", "corr2"} <= failed_gates(found)


@pytest.mark.parametrize("distance_mm", [350.0, 450.0, 550.0, 700.0, 850.0, 1000.0])
def test_the_canonical_head_measures_as_itself_at_every_distance(
    canonical: Floats,
    gauge: ReliefGauge,
    failed_gates: Callable[[Relief], set[str]],
    distance_mm: float,
) -> None:
    found = gauge.measure(*head(canonical, distance_mm), PINHOLE)

    assert pytest.approx(1.0, abs=0.1) == found.gain1
    assert pytest.approx(1.0, abs=0.15) == found.gain2
    assert min(found.corr1, found.corr2) > 0.95
    assert found.procrustes_mm < 1.0
    assert pytest.approx(62.3, abs=1.0) == found.ipd_mm
    assert pytest.approx(distance_mm, abs=5.0) == found.distance_mm
    assert set() == failed_gates(found)


@pytest.mark.parametrize(
    "tilt",
    [(15, 0, 0), (-15, 0, 0), (0, 15, 0), (0, -15, 0), (0, 0, 30), (0, 0, 180), (10, -10, 10)],
)
def test_the_canonical_head_measures_as_itself_at_every_tilt(
    canonical: Floats,
    gauge: ReliefGauge,
    failed_gates: Callable[[Relief], set[str]],
    tilt: tuple[float, float, float],
) -> None:
    found = gauge.measure(*head(canonical, 550.0, tilt), PINHOLE)

    assert pytest.approx(1.0, abs=0.1) == found.gain1
    assert pytest.approx(1.0, abs=0.2) == found.gain2
    assert min(found.corr1, found.corr2) > 0.9
    assert found.procrustes_mm < 1.0
    assert pytest.approx(62.0, abs=1.0) == found.ipd_mm
    assert set() == failed_gates(found)


@pytest.mark.parametrize("tilt", [LEVEL, (15.0, 10.0, 0.0), (-20.0, 0.0, 15.0)])
@pytest.mark.parametrize("distance_mm", [400.0, 800.0])
def test_a_sheet_with_a_face_on_it_is_flat_at_every_tilt(
    canonical: Floats, gauge: ReliefGauge, distance_mm: float, tilt: tuple[float, float, float]
) -> None:
    found = gauge.measure(*head(canonical, distance_mm, tilt, depth=0.0), PINHOLE)

    assert pytest.approx(0.0, abs=0.03) == found.gain1
    assert pytest.approx(0.0, abs=0.03) == found.gain2
    assert found.plane_rms_mm < 1.0


@pytest.mark.parametrize("depth", [-1.0, 0.3, 0.5, 0.8])
def test_gain_says_how_deep_the_face_is(
    canonical: Floats, gauge: ReliefGauge, depth: float
) -> None:
    found = gauge.measure(*head(canonical, 550.0, depth=depth), PINHOLE)

    assert pytest.approx(depth, rel=0.1, abs=0.05) == found.gain1
    assert pytest.approx(depth, rel=0.15, abs=0.05) == found.gain2


def test_a_mould_seen_from_behind_does_not_pass(
    canonical: Floats, gauge: ReliefGauge, failed_gates: Callable[[Relief], set[str]]
) -> None:
    found = gauge.measure(*head(canonical, 550.0, depth=-1.0), PINHOLE)

    assert {"gain1", "gain2", "corr1", "corr2", "procrustes_mm"} <= failed_gates(found)


@pytest.mark.parametrize(
    ("size", "passes"), [(0.6, False), (0.9, True), (1.1, True), (1.4, False)]
)
def test_the_eye_distance_tells_the_true_size(
    canonical: Floats,
    gauge: ReliefGauge,
    failed_gates: Callable[[Relief], set[str]],
    size: float,
    passes: bool,
) -> None:
    # The farther, the larger: in the picture all of them look alike.
    found = gauge.measure(*head(canonical, 600.0 * size, size=size), PINHOLE)

    assert pytest.approx(62.1 * size, abs=1.5) == found.ipd_mm
    assert passes is ("ipd_mm" not in failed_gates(found))


def test_the_ring_tells_a_sheet_that_goes_on_from_a_head(
    canonical: Floats, gauge: ReliefGauge
) -> None:
    sheet, points = head(canonical, 550.0, depth=0.0)
    sheet[sheet == WALL_MM] = 550

    goes_on = gauge.measure(sheet, points, PINHOLE)
    ends = gauge.measure(*head(canonical, 550.0), PINHOLE)

    assert goes_on.ring > 0.95
    assert pytest.approx(0.0, abs=0.01) == ends.ring


def test_a_neck_in_the_plane_of_the_face_does_not_count_for_the_ring(
    canonical: Floats, gauge: ReliefGauge
) -> None:
    depth, points = head(canonical, 550.0)
    low, high = points.min(0), points.max(0)
    below = slice(int(low[1] + 0.8 * (high[1] - low[1])), None)
    depth[below][depth[below] == WALL_MM] = 550

    assert gauge.measure(depth, points, PINHOLE).ring < 0.05


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_holes_lower_the_shares_and_hardly_the_relief(
    canonical: Floats, gauge: ReliefGauge, share: float
) -> None:
    depth, points = head(canonical, 550.0)
    depth[np.random.default_rng(2).random(depth.shape) < share] = 0

    found = gauge.measure(depth, points, PINHOLE)

    assert pytest.approx(1.0 - share, abs=0.05) == found.valid
    assert pytest.approx(1.0, abs=0.15) == found.gain1


def test_a_face_without_depth_stays_at_its_failing_defaults(
    canonical: Floats, gauge: ReliefGauge, failed_gates: Callable[[Relief], set[str]]
) -> None:
    depth, points = head(canonical, 550.0)

    assert NOT_FOUND == gauge.measure(np.zeros_like(depth), points, PINHOLE)
    assert {"valid", "landmarks_valid", "gain1", "procrustes_mm"} <= failed_gates(NOT_FOUND)


def test_landmarks_beyond_the_mesh_do_not_count(canonical: Floats, gauge: ReliefGauge) -> None:
    depth, points = head(canonical, 550.0)
    irises = np.full((10, 2), -1e6, np.float32)

    with_irises = gauge.measure(depth, np.vstack([points, irises]), PINHOLE)

    assert gauge.measure(depth, points, PINHOLE) == with_irises


def test_measuring_changes_nothing_and_repeats_itself(
    canonical: Floats, gauge: ReliefGauge
) -> None:
    depth, points = head(canonical, 550.0, (10.0, 5.0, 0.0))
    before = depth.copy(), points.copy()

    first, second = (gauge.measure(depth, points, PINHOLE) for _ in range(2))

    assert first == second
    np.testing.assert_array_equal(before[0], depth)
    np.testing.assert_array_equal(before[1], points)
