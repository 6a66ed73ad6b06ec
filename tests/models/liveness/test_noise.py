"""Digests, noise and stillness tell frames of a sensor from a picture put in their place."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import isnan, nan

import numpy as np
import numpy.typing as npt
import pytest

from yibao_face.models.api import Box
from yibao_face.models.liveness.noise import (
    DepthImage,
    Plane,
    plane_digests,
    still_share,
    temporal_noise_mm,
)

SIZE = (480, 640)
FACE = Box(220.0, 120.0, 200.0, 250.0)
PLACES = {
    "beyond": Box(5000.0, 120.0, 200.0, 250.0),
    "before": Box(-900.0, 120.0, 200.0, 250.0),
    "empty": Box(220.0, 120.0, 0.0, 0.0),
    "negative": Box(220.0, 120.0, -50.0, 250.0),
    "small": Box(220.0, 120.0, 5.0, 5.0),
    "nan": Box(nan, 120.0, 200.0, 250.0),
}


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def depth_of(rng: np.random.Generator, noise_mm: float, middle_mm: float = 550.0) -> DepthImage:
    """A bowl seen by a simulated sensor."""
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    bowl = middle_mm + ((columns - 320) ** 2 + (rows - 240) ** 2) / 900
    noise: npt.NDArray[np.float64] = rng.normal(0, noise_mm, SIZE)
    return np.asarray(np.round(bowl + noise), np.uint16)


def picture(rng: np.random.Generator, *channels: int) -> npt.NDArray[np.uint8]:
    return rng.integers(1, 255, (*SIZE, *channels), np.uint8)


def planes_of(rng: np.random.Generator) -> list[Plane]:
    return [picture(rng, 3), depth_of(rng, 1.5), picture(rng)]


def test_equal_planes_have_equal_digests_and_others_have_not(rng: np.random.Generator) -> None:
    one, other = planes_of(rng), planes_of(rng)
    first, again, second = (plane_digests(p) for p in (one, [p.copy() for p in one], other))

    assert first == again
    assert 6 == len({*first, *second})


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_still_plane_is_found_while_the_others_move(rng: np.random.Generator, at: int) -> None:
    one, other = planes_of(rng), planes_of(rng)
    other[at] = one[at]

    equal = [a == b for a, b in zip(plane_digests(one), plane_digests(other), strict=True)]

    assert [n == at for n in range(3)] == equal


@pytest.mark.parametrize(
    "plane",
    [
        None,
        np.zeros(SIZE, np.uint16),
        np.full(SIZE, 255, np.uint8),
        np.zeros((*SIZE, 3), np.uint8),
        np.zeros((0, 0), np.uint8),
        np.zeros((1, 1), np.uint8),
    ],
    ids=["none", "no-depth", "flooded", "black", "empty", "pixel"],
)
def test_a_plane_of_one_value_or_none_has_no_digest(plane: Plane | None) -> None:
    assert (b"",) == plane_digests([plane])


def test_a_cut_out_plane_has_the_digest_of_its_copy(rng: np.random.Generator) -> None:
    view = picture(rng)[::2, 10:-10]

    assert plane_digests([view]) == plane_digests([view.copy()])


@pytest.mark.parametrize("noise_mm", [0.5, 1.5, 3.0])
def test_noise_is_measured_whatever_the_head_moves_along(
    rng: np.random.Generator, noise_mm: float
) -> None:
    before, now = depth_of(rng, noise_mm), depth_of(rng, noise_mm, 557.0)

    # The difference of two, and the rounding of both.
    expected = (2 * noise_mm**2 + 2 / 12) ** 0.5
    assert pytest.approx(expected, rel=0.1) == temporal_noise_mm(before, now, FACE)


def test_a_still_depth_image_has_no_noise_even_moved_along(rng: np.random.Generator) -> None:
    depth = depth_of(rng, 1.5)

    assert 0.0 == temporal_noise_mm(depth, depth.copy(), FACE)
    assert pytest.approx(0.0, abs=1e-3) == temporal_noise_mm(depth, depth + np.uint16(9), FACE)


def test_holes_and_edges_that_moved_do_not_count(rng: np.random.Generator) -> None:
    before, now = depth_of(rng, 1.5), depth_of(rng, 1.5)
    clean = temporal_noise_mm(before, now, FACE)
    before[rng.random(SIZE) < 0.3] = 0
    now[rng.random(SIZE) < 0.2] = 0
    now[120:180] = 1500

    assert pytest.approx(clean, rel=0.1) == temporal_noise_mm(before, now, FACE)


def test_without_readings_or_with_another_scene_there_is_no_noise_to_tell(
    rng: np.random.Generator,
) -> None:
    depth, empty = depth_of(rng, 1.5), np.zeros(SIZE, np.uint16)
    wild = rng.integers(300, 3000, SIZE, np.uint16)

    for before, now in ((depth, empty), (empty, depth), (empty, empty), (depth, wild)):
        assert isnan(temporal_noise_mm(before, now, FACE))


def test_planes_of_another_size_or_kind_are_not_compared(rng: np.random.Generator) -> None:
    depth = depth_of(rng, 1.5)
    floats = depth.astype(np.float32)

    assert isnan(temporal_noise_mm(depth[:, :-1], depth, FACE))
    assert isnan(temporal_noise_mm(floats, floats, FACE))  # pyright: ignore[reportArgumentType]  # a driver may err
    assert isnan(still_share([depth[:, :-1]], [depth], FACE))


@pytest.mark.parametrize("place", sorted(PLACES))
def test_a_face_outside_the_picture_measures_nothing(rng: np.random.Generator, place: str) -> None:
    one, other = planes_of(rng), planes_of(rng)

    assert isnan(temporal_noise_mm(depth_of(rng, 1.5), depth_of(rng, 1.5), PLACES[place]))
    assert isnan(still_share(one, other, PLACES[place]))


def test_a_face_over_the_border_is_measured_within(rng: np.random.Generator) -> None:
    before, now = depth_of(rng, 1.5), depth_of(rng, 1.5)

    assert 1.5 < temporal_noise_mm(before, now, Box(-100.0, -80.0, 300.0, 300.0)) < 3.0


@pytest.mark.parametrize("at", [0, 1, 2])
def test_the_stillest_plane_counts(rng: np.random.Generator, at: int) -> None:
    one, other = planes_of(rng), planes_of(rng)
    moving = still_share(one, other, FACE)
    other[at] = one[at].copy()

    assert moving < 0.5
    assert 1.0 == still_share(one, other, FACE)


def test_only_the_face_counts_for_stillness(rng: np.random.Generator) -> None:
    one = picture(rng)
    around, inside = one.copy(), one.copy()
    face = (slice(120, 370), slice(220, 420))
    inside[face] = picture(rng)[face]
    around[:] = picture(rng)
    around[face] = one[face]

    assert 1.0 == still_share([one], [around], FACE)
    assert still_share([one], [inside], FACE) < 0.05


def test_black_and_flooded_pixels_are_not_still() -> None:
    black, white = np.zeros(SIZE, np.uint8), np.full(SIZE, 255, np.uint8)
    hole = np.zeros(SIZE, np.uint16)

    assert isnan(still_share([black], [black], FACE))
    assert isnan(still_share([white], [white], FACE))
    assert isnan(still_share([None, hole], [None, hole], FACE))
    assert isnan(still_share([], [], FACE))
    assert isnan(still_share([None], [None], FACE))


def test_an_infrared_plane_of_another_size_is_compared_whole(rng: np.random.Generator) -> None:
    infrared = rng.integers(1, 255, (200, 300), np.uint8)

    assert 1.0 == still_share(
        [picture(rng, 3), infrared], [picture(rng, 3), infrared.copy()], FACE
    )


def test_measuring_takes_no_more_than_milliseconds(rng: np.random.Generator) -> None:
    one, other = planes_of(rng), planes_of(rng)
    depths = depth_of(rng, 1.5), depth_of(rng, 1.5)
    calls: dict[str, Callable[[], object]] = {
        "digests": lambda: plane_digests(one),
        "noise": lambda: temporal_noise_mm(*depths, FACE),
        "still": lambda: still_share(one, other, FACE),
    }

    # Well under 1 ms each on a quiet machine; this one may be busy.
    best_ms = {name: min(_cpu_ms(call) for _ in range(20)) for name, call in calls.items()}

    assert {} == {name: took for name, took in best_ms.items() if took > 3.0}


def _cpu_ms(call: Callable[[], object]) -> float:
    started = time.thread_time()
    call()
    return (time.thread_time() - started) * 1e3
