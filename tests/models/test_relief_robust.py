"""Whatever depth and landmarks come, the relief is numbers: it never raises, never gives NaN."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yibao_face.models.api import Points
from yibao_face.models.liveness.relief import DepthImage, Pinhole, Relief, ReliefGauge
from yibao_face.models.weights.store import WeightStore, load_mesh

Floats = npt.NDArray[np.float64]

PINHOLE = Pinhole(575.0, 320.0, 240.0)
DEPTHS = ("zeros", "constant", "noise", "face range", "sparse", "slope", "largest")
LANDMARKS = ("face", "uniform", "outside", "clustered", "line", "one point", "partly NaN", "inf")
SIDES = st.integers(1, 160)
SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def canonical(installed: WeightStore) -> Floats:
    """The canonical head, mm."""
    entry = installed.manifest.by_role("canonical-face")
    return load_mesh(entry, installed.read(entry))


@pytest.fixture(scope="module")
def gauge(canonical: Floats) -> ReliefGauge:
    return ReliefGauge(canonical)


def depth_of(kind: str, size: tuple[int, int], rng: np.random.Generator) -> DepthImage:
    """A depth image of one of DEPTHS."""
    rows, columns = np.indices(size)
    some = int(rng.integers(1, 65536))
    images: dict[str, npt.NDArray[np.generic]] = {
        "zeros": np.zeros(size),
        "constant": np.full(size, some),
        "noise": rng.integers(0, 65536, size),
        "face range": rng.integers(500, 620, size),
        "sparse": np.where(rng.random(size) < rng.random(), rng.integers(500, 560, size), 0),
        "slope": (some + rows * rng.uniform(-9, 9) + columns * rng.uniform(-9, 9)).clip(0, 65535),
        "largest": np.full(size, 65535),
    }
    return images[kind].astype(np.uint16)


def landmarks_of(
    kind: str, size: tuple[int, int], rng: np.random.Generator, mesh: Floats
) -> Points:
    """478 landmarks of one of LANDMARKS."""
    span = np.array([size[1], size[0]], np.float64)
    face = (mesh[:, :2] * [1, -1] / 180 * rng.uniform(0.1, 1.5) + 0.5) * span
    uniform = rng.uniform(-0.2, 1.2, (478, 2)) * span
    broken = uniform.copy()
    broken[rng.integers(478)] = np.nan
    points: dict[str, Floats] = {
        "face": np.vstack([face, np.repeat(face[:1], 10, 0)]),
        "uniform": uniform,
        "outside": uniform + span * rng.integers(-3, 4, 2),
        "clustered": span / 2 + rng.normal(0.0, rng.uniform(0.01, 5.0), (478, 2)),
        "line": np.linspace(0, 1, 478)[:, None] * span * rng.uniform(0, 2, 2),
        "one point": np.tile(span * rng.random(), (478, 1)),
        "partly NaN": broken,
        "inf": uniform * np.inf,
    }
    return points[kind].astype(np.float32)


def unfit(relief: Relief) -> list[object]:
    """Values that are no finite number."""
    return [value for value in astuple(relief) if type(value) is not float or value - value != 0]


@given(
    kind=st.sampled_from(DEPTHS),
    where=st.sampled_from(LANDMARKS),
    size=st.tuples(SIDES, SIDES),
    seed=SEEDS,
)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_depth_and_landmarks_give_finite_numbers(
    gauge: ReliefGauge, canonical: Floats, kind: str, where: str, size: tuple[int, int], seed: int
) -> None:
    rng = np.random.default_rng(seed)

    found = gauge.measure(
        depth_of(kind, size, rng), landmarks_of(where, size, rng, canonical), PINHOLE
    )

    assert [] == unfit(found)
    assert 0.0 <= found.valid <= 1.0
    assert 0.0 <= found.landmarks_valid <= 1.0
    assert 0.0 <= found.ring <= 1.0
    assert found.procrustes_mm >= 0.0


@pytest.mark.parametrize("where", LANDMARKS)
@pytest.mark.parametrize("kind", DEPTHS)
def test_every_kind_of_depth_with_every_kind_of_landmarks(
    gauge: ReliefGauge, canonical: Floats, kind: str, where: str
) -> None:
    for seed, size in enumerate([(480, 640), (8, 8), (9, 200), (120, 90)]):
        rng = np.random.default_rng(seed)
        depth = depth_of(kind, size, rng)

        assert [] == unfit(
            gauge.measure(depth, landmarks_of(where, size, rng, canonical), PINHOLE)
        )


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 640), (480, 1), (7, 7), (2, 9), (5, 5)])
def test_an_image_smaller_than_a_face_is_no_face(
    gauge: ReliefGauge, canonical: Floats, height: int, width: int
) -> None:
    rng = np.random.default_rng(1)
    depth = np.full((height, width), 550, np.uint16)

    found = gauge.measure(depth, landmarks_of("face", (480, 640), rng, canonical), PINHOLE)

    assert Relief() == found


@pytest.mark.parametrize("kind", ["partly NaN", "inf"])
def test_landmarks_that_are_no_numbers_are_no_face(
    gauge: ReliefGauge, canonical: Floats, kind: str
) -> None:
    rng = np.random.default_rng(1)
    depth = np.full((480, 640), 550, np.uint16)

    assert Relief() == gauge.measure(
        depth, landmarks_of(kind, (480, 640), rng, canonical), PINHOLE
    )


@pytest.mark.parametrize("away", [1e4, 1e9, 1e15, 1e30, -1e4, -1e9, -1e30])
def test_landmarks_far_outside_are_no_face(
    gauge: ReliefGauge, canonical: Floats, away: float
) -> None:
    rng = np.random.default_rng(1)
    depth = np.full((480, 640), 550, np.uint16)
    points = landmarks_of("face", (480, 640), rng, canonical) + np.float32(away)

    assert Relief() == gauge.measure(depth, points, PINHOLE)


@pytest.mark.parametrize("span", [1e8, 1e9, 1e12])
def test_landmarks_spread_over_more_than_any_picture_give_finite_numbers(
    gauge: ReliefGauge, span: float
) -> None:
    rng = np.random.default_rng(1)
    points = rng.normal(0.0, span, (478, 2)).astype(np.float32)

    assert [] == unfit(gauge.measure(np.full((480, 640), 550, np.uint16), points, PINHOLE))


def test_depth_of_any_origin_may_be_a_slice_of_a_larger_image(
    gauge: ReliefGauge, canonical: Floats
) -> None:
    rng = np.random.default_rng(1)
    large = depth_of("face range", (960, 1280), rng)
    points = landmarks_of("face", (480, 640), rng, canonical)

    of_view = gauge.measure(large[::2, ::2], points, PINHOLE)
    of_copy = gauge.measure(large[::2, ::2].copy(), points, PINHOLE)

    assert of_copy == of_view
