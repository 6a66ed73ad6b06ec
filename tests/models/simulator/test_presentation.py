"""Presentations repeat by seed, differ by view, and do what their species can do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice, pairwise

import numpy as np
import pytest

from yibao_face.models.liveness.relief import Relief, ReliefGauge
from yibao_face.models.simulator.mesh.head import HeadModel
from yibao_face.models.simulator.presentation import Presentation, Simulator, View
from yibao_face.models.simulator.sensor import SENSORS
from yibao_face.models.simulator.species import Action, Species

NOSE, CHIN = (1, 4), (152, 199, 175, 200)
UPPER_LIP, LOWER_LIP, LEFT_EYE, RIGHT_EYE = 13, 14, (362, 263), (33, 133)
FEW = 12

every_species = pytest.mark.parametrize("species", list(Species))


def look(views: Iterator[View], count: int) -> list[View]:
    """The first views."""
    return list(islice(views, count))


def same(first: View, second: View) -> bool:
    """Bit for bit, whatever the time."""
    return first.depth_mm.tobytes() == second.depth_mm.tobytes() and bool(
        np.array_equal(first.points, second.points)
    )


def spatial(view: View, landmarks: Iterable[int]) -> np.ndarray:
    """Mean place of some landmarks by depth, mm; not a number where depth is missing."""
    places: list[list[float]] = []
    for u, v in view.points[list(landmarks)]:
        row, column = round(float(v)), round(float(u))
        patch = view.depth_mm[row - 2 : row + 3, column - 2 : column + 3].astype(float)
        z = float(np.median(patch[patch > 0])) if (patch > 0).sum() > 5 else np.nan
        x, y = (u - view.lens.cx) * z / view.lens.f, (v - view.lens.cy) * z / view.lens.f
        places.append([float(x), float(y), z])
    return np.mean(places, 0)


def jaw_mm(views: Iterator[View]) -> float:
    """Nose tip to chin, the middle of nine views."""
    lengths = [
        np.linalg.norm(spatial(view, NOSE) - spatial(view, CHIN)) for view in look(views, 9)
    ]
    known = [length for length in lengths if np.isfinite(length)]
    return float(np.median(known)) if known else np.nan


def jaw_drops_mm(simulator: Simulator, species: Species) -> list[float]:
    """How far the chin falls when the mouth is to open, over a few presentations."""
    shown = [simulator.present(species, seed, test=False) for seed in range(FEW)]
    drops = [jaw_mm(p.acted(Action.MOUTH)) - jaw_mm(p.views()) for p in shown]
    return [drop for drop in drops if np.isfinite(drop)]


def lips_px(view: View) -> float:
    """Gap between the lips, relative to the distance of the eyes."""
    left, right = (view.points[list(eye)].mean(0) for eye in (LEFT_EYE, RIGHT_EYE))
    gap = view.points[LOWER_LIP] - view.points[UPPER_LIP]
    return float(np.linalg.norm(gap) / np.linalg.norm(left - right))


def nose_offset(views: Iterator[View]) -> float:
    """Nose tip right of the middle of the eyes in the picture, relative to their distance."""
    offsets: list[float] = []
    for view in look(views, 9):
        left, right = (view.points[list(eye)].mean(0) for eye in (LEFT_EYE, RIGHT_EYE))
        across = left - right
        along = (view.points[list(NOSE)].mean(0) - (left + right) / 2) @ across
        offsets.append(float(along / (across @ across)))
    return float(np.mean(offsets))


def reliefs(simulator: Simulator, gauge: ReliefGauge, species: Species) -> list[Relief]:
    """Features of the first view of a few presentations."""
    shown = [simulator.present(species, seed, test=False) for seed in range(FEW)]
    views = [next(p.views()) for p in shown]
    return [gauge.measure(view.depth_mm, view.points, view.lens) for view in views]


@every_species
def test_the_same_seed_gives_the_same_views(species: Species, heads: HeadModel) -> None:
    first, second = (Simulator(heads).present(species, 5, test=True) for _ in range(2))
    for one, other in zip(look(first.views(), 3), look(second.views(), 3), strict=True):
        assert same(one, other)
        assert one.at_us == other.at_us
    assert same(next(first.views()), next(first.views()))
    assert first.group == second.group


@every_species
def test_a_view_is_what_the_gauge_takes(species: Species, simulator: Simulator) -> None:
    for action in (None, *Action):
        shown = simulator.present(species, 3, test=False)
        view = next(shown.acted(action) if action else shown.views())
        sensor = next(sensor for sensor in SENSORS if sensor.name == shown.sensor)
        assert np.uint16 == view.depth_mm.dtype
        assert (sensor.height // 2, sensor.width // 2) == view.depth_mm.shape
        assert (view.depth_mm > 0).any()
        assert np.float32 == view.points.dtype
        assert (468, 2) == view.points.shape
        assert np.isfinite(view.points).all()
        assert sensor.f / 2 == view.lens.f
        assert 380 <= shown.distance_mm <= 850


@every_species
def test_views_differ_unless_one_frame_is_injected(species: Species, simulator: Simulator) -> None:
    views = look(simulator.present(species, 8, test=False).views(), 4)
    for earlier, later in pairwise(views):
        assert (species is Species.FROZEN) == same(earlier, later)
        assert 15_000 < later.at_us - earlier.at_us < 52_000


@every_species
def test_a_seed_shows_the_same_person_in_every_species(
    species: Species, simulator: Simulator
) -> None:
    expected = simulator.present(Species.LIVE, 4, test=False).group
    assert expected == simulator.present(species, 4, test=False).group
    assert {"ancestry", "age", "sex"} == set(expected)


def test_nobody_is_in_both_tuning_and_test(simulator: Simulator) -> None:
    faces = [
        simulator.person(seed, test=test).vertices.tobytes()
        for test in (False, True)
        for seed in range(40)
    ]
    assert 80 == len(set(faces))


def test_an_injected_frame_stays_whatever_is_asked(simulator: Simulator) -> None:
    shown = simulator.present(Species.FROZEN, 2, test=False)
    resting = next(shown.views())
    for action in Action:
        assert all(same(resting, view) for view in look(shown.acted(action), 3))


def test_living_heads_have_the_relief_of_a_head(simulator: Simulator, gauge: ReliefGauge) -> None:
    found = reliefs(simulator, gauge, Species.LIVE)
    passing = [
        r.gain1 > 0.45 and r.corr1 > 0.67 and 0.186 < r.gain2 < 1.8 and 46 < r.ipd_mm < 74
        for r in found
    ]
    assert sum(passing) >= FEW - 2


def test_flat_prints_have_no_relief_and_go_on_beside_the_face(
    simulator: Simulator, gauge: ReliefGauge
) -> None:
    for relief in reliefs(simulator, gauge, Species.PRINT_FLAT):
        assert abs(relief.gain1) < 0.15
        assert abs(relief.gain2) < 0.15
        assert relief.ring > 0.5


def test_a_bend_vanishes_with_the_quadric(simulator: Simulator, gauge: ReliefGauge) -> None:
    found = reliefs(simulator, gauge, Species.PRINT_CURVED)
    assert max(relief.gain1 for relief in found) > 0.15
    assert max(abs(relief.gain2) for relief in found) < 0.15


def test_a_phone_and_a_miniature_are_too_small(simulator: Simulator, gauge: ReliefGauge) -> None:
    for species in (Species.PHONE, Species.MINI_3D):
        assert max(r.ipd_mm for r in reliefs(simulator, gauge, species)) < 46


def test_a_crossed_stream_fits_worse_than_a_living_head(
    simulator: Simulator, gauge: ReliefGauge
) -> None:
    crossed = np.median([r.corr2 for r in reliefs(simulator, gauge, Species.CROSSED)])
    assert crossed < np.median([r.corr2 for r in reliefs(simulator, gauge, Species.LIVE)]) - 0.2


def test_a_living_jaw_falls_and_a_rigid_one_does_not(simulator: Simulator) -> None:
    living = jaw_drops_mm(simulator, Species.LIVE)
    assert np.median(living) > 12
    for rigid in (Species.RESIN_MASK, Species.MANNEQUIN, Species.PRINT_CURVED):
        drops = jaw_drops_mm(simulator, rigid)
        assert len(drops) > FEW / 2
        assert abs(np.median(drops)) < 3
    assert 3 < np.median(jaw_drops_mm(simulator, Species.SILICONE_MASK)) < np.median(living)


def test_a_video_opens_its_mouth_in_the_picture_only(
    simulator: Simulator, gauge: ReliefGauge
) -> None:
    for seed in range(FEW):
        shown = simulator.present(Species.VIDEO, seed, test=False)
        acted = next(shown.acted(Action.MOUTH))
        assert lips_px(acted) > lips_px(next(shown.views())) + 0.1
        assert abs(gauge.measure(acted.depth_mm, acted.points, acted.lens).gain1) < 0.2


def test_a_still_picture_keeps_its_mouth_shut(simulator: Simulator) -> None:
    for species in (Species.PRINT_FLAT, Species.MONITOR):
        shown = simulator.present(species, 6, test=False)
        resting, acted = (
            np.mean([lips_px(view) for view in look(views, 20)])
            for views in (shown.views(), shown.acted(Action.MOUTH))
        )
        assert abs(acted - resting) < 0.05


@pytest.mark.parametrize("species", [Species.LIVE, Species.MANNEQUIN, Species.VIDEO])
def test_turning_brings_the_nose_to_the_presenters_own_side(
    species: Species, simulator: Simulator
) -> None:
    shown = simulator.present(species, 1, test=False)
    resting = nose_offset(shown.views())
    assert nose_offset(shown.acted(Action.TURN_LEFT)) > resting + 0.04
    assert nose_offset(shown.acted(Action.TURN_RIGHT)) < resting - 0.04


def test_a_swap_is_a_head_at_one_end_and_a_sheet_at_the_other(
    simulator: Simulator, gauge: ReliefGauge
) -> None:
    first_is_head = set[bool]()
    for seed in range(FEW):
        views = look(simulator.present(Species.SWAP, seed, test=False).views(), 10)
        gains = [gauge.measure(v.depth_mm, v.points, v.lens).gain1 for v in (views[0], views[9])]
        assert abs(gains[0] - gains[1]) > 0.2
        first_is_head.add(gains[0] > gains[1])
    assert {False, True} == first_is_head


def test_a_living_person_blinks_and_a_mannequin_does_not(simulator: Simulator) -> None:
    def narrowest(shown: Presentation) -> float:
        lids = [view.points[386] - view.points[374] for view in look(shown.views(), 400)]
        opened = np.array([np.linalg.norm(gap) for gap in lids])
        return float(opened.min() / np.median(opened))

    near = [
        seed
        for seed in range(40)
        if simulator.present(Species.LIVE, seed, test=False).distance_mm < 480
        and simulator.present(Species.MANNEQUIN, seed, test=False).distance_mm < 480
    ][:2]
    assert 2 == len(near)
    for seed in near:
        living, rigid = (
            narrowest(simulator.present(species, seed, test=False))
            for species in (Species.LIVE, Species.MANNEQUIN)
        )
        assert living < rigid


def test_a_scale_beyond_the_sensor_is_refused(heads: HeadModel) -> None:
    with pytest.raises(ValueError, match="scale"):
        Simulator(heads, scale=1.5)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(seed: int, simulator: Simulator) -> None:
    with pytest.raises(ValueError, match="seed"):
        simulator.present(Species.LIVE, seed, test=False)
