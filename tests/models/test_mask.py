"""In a masked part of the picture no face is found; beside it every face is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.daemon.booth.still.photo import Image
from yibao_face.daemon.capture.examine import Examiner
from yibao_face.daemon.config import Config
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.gate import LivenessPolicy
from yibao_face.daemon.core.liveness.modality import Plan
from yibao_face.daemon.core.quality import Limits
from yibao_face.daemon.wiring import build
from yibao_face.drivers.api import Frame, Intrinsics
from yibao_face.drivers.clip import Planes
from yibao_face.models.api import Box, Detection, ModelError
from yibao_face.models.mask import Mask, MaskError, Polygon, Polygons
from yibao_face.models.suite import FaceModels

Picture = Callable[[str], Image]
Shots = Callable[[str], list[Planes]]

LEFT: Polygon = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
RIGHT: Polygon = ((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0))
WHOLE: Polygon = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
# Two triangles that meet in the middle: its outline crosses itself.
HOURGLASS: Polygon = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0))
GREY = np.full((90, 160, 3), 128, np.uint8)
SHARES = st.floats(0, 1)
POLYGONS = st.lists(st.tuples(SHARES, SHARES), max_size=13).map(
    lambda points: ((0.0, 0.0), (0.5, 0.0), (0.25, 0.5), *points)
)


def at(x: float, y: float, side: float = 40.0) -> Detection:
    """A face whose centre is (x, y)."""
    box = Box(x - side / 2, y - side / 2, side, side)
    return Detection(box, np.zeros((5, 2), np.float32), 0.9)


def four(image: Image) -> Image:
    """The same picture in each quarter."""
    small = cv2.resize(image, (320, 400), interpolation=cv2.INTER_AREA)
    return np.tile(np.asarray(small, np.uint8), (2, 2, 1))


@pytest.mark.parametrize(
    ("polygons", "told"),
    [
        ((LEFT,) * 5, "polygon 5: at most 4 are allowed"),
        ((LEFT, ()), "polygon 2: has 0 points, not 3..16"),
        ((LEFT[:2],), "polygon 1: has 2 points, not 3..16"),
        ((LEFT, RIGHT, ((0.0, 0.0),) * 17), "polygon 3: has 17 points, not 3..16"),
        ((LEFT, ((0.0, 0.0), (1.01, 0.0), (0.0, 1.0))), "polygon 2: has a point outside 0..1"),
        ((((0.0, 0.0), (1.0, 0.0), (0.0, -0.01)),), "polygon 1: has a point outside 0..1"),
        ((((0.0, 0.0), (1.0, 0.0), (0.0, float("nan"))),), "polygon 1: has a point outside 0..1"),
        ((((0.0, 0.0), (1.0, 0.0), (float("inf"), 0)),), "polygon 1: has a point outside 0..1"),
        ((((0.5, 0.5),) * 3,), "polygon 1: encloses nothing"),
        ((((0.0, 0.0), (0.5, 0.5), (1.0, 1.0)),), "polygon 1: encloses nothing"),
    ],
)
def test_a_polygon_that_is_none_is_named(polygons: Polygons, told: str) -> None:
    with pytest.raises(MaskError) as refused:
        Mask(polygons)

    assert told == str(refused.value)
    assert isinstance(refused.value, ModelError)


def test_four_polygons_of_sixteen_points_are_taken() -> None:
    ring = [(0.5 + 0.4 * np.cos(a), 0.5 + 0.4 * np.sin(a)) for a in np.arange(16) * np.pi / 8]
    polygon = tuple((float(x), float(y)) for x, y in ring)

    assert 4 == len(Mask((polygon,) * 4).polygons)


def test_without_a_polygon_the_picture_itself_is_searched() -> None:
    assert Mask().blank(GREY) is GREY
    assert not Mask().hides(at(80, 45), (160, 90))


def test_inside_is_black_and_outside_as_it_was() -> None:
    masked = Mask((LEFT,)).blank(GREY)

    assert 0 == masked[:, :80].max()
    np.testing.assert_array_equal(GREY[:, 82:], masked[:, 82:])
    assert 128 == GREY.min()


def test_what_two_polygons_share_is_masked_too() -> None:
    assert 0 == Mask((WHOLE, LEFT)).blank(GREY).max()


@pytest.mark.parametrize("polygon", [LEFT, RIGHT, HOURGLASS, ((0.1, 0.2), (0.9, 0.3), (0.4, 0.8))])
def test_a_face_is_hidden_where_the_picture_is_blank(polygon: Polygon) -> None:
    mask = Mask((polygon,))
    blank = mask.blank(GREY)[..., 0] == 0
    # The outline itself, a pixel wide, may go either way.
    edge = cv2.morphologyEx(blank.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8))
    for y, x in np.argwhere(np.asarray(edge) == 0)[::7]:
        assert blank[y, x] == mask.hides(at(x + 0.5, y + 0.5), (160, 90))


@given(polygons=st.lists(POLYGONS, max_size=4).map(tuple), x=SHARES, y=SHARES)
def test_a_mask_scales_with_the_picture(polygons: Polygons, x: float, y: float) -> None:
    mask = Mask(polygons)
    hidden = mask.hides(at(x * 1024, y * 512), (1024, 512))

    assert hidden == mask.hides(at(x * 512, y * 256), (512, 256))


@given(polygons=st.lists(POLYGONS, min_size=1, max_size=4).map(tuple))
def test_masking_only_blackens_and_never_the_picture_given(polygons: Polygons) -> None:
    masked = Mask(polygons).blank(GREY)

    assert {0, 128} >= set(np.unique(masked).tolist())
    assert 128 == GREY.min()


@pytest.mark.parametrize(
    ("polygons", "found"),
    [((), 4), ((LEFT,), 2), ((RIGHT,), 2), ((LEFT, RIGHT), 0), ((WHOLE,), 0)],
)
def test_a_masked_part_yields_no_face(
    picture: Picture, models: FaceModels, polygons: Polygons, found: int
) -> None:
    scene = four(picture("second"))

    faces = Mask(polygons).search(scene, models.detector.find_all)

    assert found == len(faces)
    assert not any(Mask(polygons).hides(face, (640, 800)) for face in faces)


def test_a_face_found_over_the_edge_of_a_mask_counts_by_its_centre() -> None:
    faces = [at(79, 45), at(81, 45)]

    assert [faces[1]] == Mask((LEFT,)).search(GREY, lambda _: faces)


def frame_of(shot: Planes) -> Frame:
    height, width = shot.bgr.shape[:2]
    lens = Intrinsics(width, height, 600.0, 600.0, width / 2, height / 2)
    return Frame(0, 0, 0, shot.bgr, shot.depth_mm, shot.ir, lens)


def test_the_examiner_looks_for_nobody_in_a_masked_part(models: FaceModels, shots: Shots) -> None:
    examiner = Examiner(models, Limits(), LivenessPolicy((), (), 1, 1, "test"))
    frame = frame_of(shots("two-faces")[0])

    assert Cause.MANY_FACES is examiner.examine(frame)
    assert Cause.NO_FACE is replace(examiner, mask=Mask((WHOLE,))).examine(frame)
    for half in (LEFT, RIGHT):
        assert Cause.MANY_FACES is not replace(examiner, mask=Mask((half,))).examine(frame)


@pytest.mark.parametrize("masks", [(), (LEFT, HOURGLASS)])
def test_the_masks_of_the_site_reach_the_examiner(
    site: Config, models: FaceModels, masks: Polygons
) -> None:
    config = replace(site, camera=replace(site.camera, masks=masks))
    with build(config, demo=True, loaded=models) as daemon:
        mask = daemon.desk.booth.scene().session_for(Plan(frozenset())).examiner.mask

    assert mask == (Mask(masks) if masks else None)
