"""What the person is told to change: each hint from the smallest scene that deserves it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from yibao_face.daemon.core.encounter import HINTS, Cause
from yibao_face.daemon.core.quality import (
    Appearance,
    FaceBox,
    Limits,
    appearance_hint,
    chosen_face,
    distance_hint,
    guidance,
    place_hint,
)

NAN, INF = float("nan"), float("inf")
LIMITS = Limits()
VGA = (640, 480)
FACE = FaceBox(240, 140, 160, 200)
SEEN = Appearance(0.0, 0.0, 0.0, brightness=120.0, contrast=40.0, sharpness=200.0)


def test_one_whole_face_in_the_middle_is_fine() -> None:
    assert place_hint((FACE,), VGA, LIMITS) is None


def test_an_empty_frame_holds_no_face() -> None:
    assert Cause.NO_FACE is place_hint((), VGA, LIMITS)


@pytest.mark.parametrize(
    ("width", "hint"),
    [(160, Cause.MANY_FACES), (80, Cause.MANY_FACES), (79.9, None), (20, None), (0, None)],
)
def test_a_bystander_counts_from_half_the_width_of_the_face(
    width: float, hint: Cause | None
) -> None:
    assert hint is place_hint((FACE, FaceBox(0, 0, width, width)), VGA, LIMITS)


def test_a_queue_of_small_faces_behind_the_line_is_nobody() -> None:
    queue = tuple(FaceBox(60.0 * i, 10, 50 - i, 60) for i in range(5))

    assert place_hint((FACE, *queue), VGA, LIMITS) is None


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_bystander_counts_wherever_he_stands_in_the_list(at: int) -> None:
    small = FaceBox(0, 0, 40, 50)
    flat = FaceBox(400, 0, 85, 40)
    faces = [FACE, small]
    faces.insert(at, flat)

    assert Cause.MANY_FACES is place_hint(tuple(faces), VGA, LIMITS)


@pytest.mark.parametrize("side", ["x", "y", "width", "height"])
@pytest.mark.parametrize("first", [True, False])
def test_a_second_box_that_is_none_is_never_overlooked(side: str, first: bool) -> None:
    broken = replace(FACE, **{side: NAN})
    faces = (broken, FACE) if first else (FACE, broken)

    assert Cause.MANY_FACES is place_hint(faces, VGA, LIMITS)


@pytest.mark.parametrize(
    ("faces", "chosen"),
    [
        ([FACE], 0),
        # The largest, wherever it stands: in the frame, in the list.
        ([FACE, FaceBox(290, 210, 60, 60)], 0),
        ([FaceBox(290, 210, 60, 60), FACE], 1),
        ([FaceBox(0, 0, 160, 200), FaceBox(240, 140, 140, 175)], 0),
        # Of equals the most central: equal from 81 % of the area, nine tenths of both sides.
        ([FaceBox(0, 140, 160, 200), FACE], 1),
        ([FACE, FaceBox(480, 140, 160, 200)], 0),
        ([FaceBox(0, 0, 160, 200), FaceBox(240, 140, 144, 180)], 1),
        ([FaceBox(0, 0, 160, 200), FaceBox(240, 140, 143, 180)], 0),
        ([FaceBox(0, 0, 100, 100), FaceBox(270, 0, 95, 95), FaceBox(270, 190, 91, 91)], 2),
        # Equally central: the first, as the detector lists them.
        ([FACE, FACE], 0),
        ([FaceBox(100, 140, 160, 200), FaceBox(380, 140, 160, 200)], 0),
        # A box that is none is not hidden behind a face.
        ([FACE, replace(FACE, width=NAN)], 1),
        ([replace(FACE, height=NAN), FACE], 0),
        ([FaceBox(0, 0, 0, 0), FACE], 1),
        ([FaceBox(0, 0, -160, -200), replace(FACE, width=1, height=1)], 1),
    ],
)
def test_the_largest_face_is_meant_of_equals_the_most_central(
    faces: list[FaceBox], chosen: int
) -> None:
    assert chosen == chosen_face(tuple(faces), VGA)


def test_of_two_equal_persons_none_goes_on_however_central_one_stands() -> None:
    for other in (FaceBox(0, 0, 160, 200), FaceBox(0, 0, 150, 190), FaceBox(470, 270, 80, 100)):
        assert Cause.MANY_FACES is place_hint((FACE, other), VGA, LIMITS)


def test_no_face_is_chosen_of_none() -> None:
    with pytest.raises(ValueError, match="empty"):
        chosen_face((), VGA)


def test_two_far_persons_are_many_before_they_are_far() -> None:
    far = replace(FACE, width=40, height=50)

    assert Cause.MANY_FACES is place_hint((far, far), VGA, LIMITS)


@pytest.mark.parametrize(
    ("frame", "width", "hint"),
    [
        ((640, 480), 71.9, Cause.TOO_FAR),
        ((640, 480), 72.0, None),
        ((1280, 960), 143.9, Cause.TOO_FAR),
        ((1280, 960), 144.0, None),
        ((320, 240), 35.9, Cause.TOO_FAR),
        ((320, 240), 36.0, None),
    ],
)
def test_the_least_face_width_grows_with_the_frame(
    frame: tuple[int, int], width: float, hint: Cause | None
) -> None:
    face = FaceBox(frame[0] / 3, frame[1] / 3, width, width * 1.2)

    assert hint is place_hint((face,), frame, LIMITS)


@pytest.mark.parametrize(
    ("width", "height", "hint"),
    [
        (544, 400, None),
        (545, 400, Cause.TOO_NEAR),
        (300, 408, None),
        (300, 409, Cause.TOO_NEAR),
    ],
)
def test_a_face_that_fills_the_frame_is_too_near(
    width: float, height: float, hint: Cause | None
) -> None:
    face = FaceBox(320 - width / 2, 240 - height / 2, width, height)

    assert hint is place_hint((face,), VGA, LIMITS)


@pytest.mark.parametrize(
    ("x", "y", "hint"),
    [
        (0, 0, None),
        (-7, 140, None),
        (-9, 140, Cause.FACE_CUT),
        (487, 140, None),
        (489, 140, Cause.FACE_CUT),
        (240, -9, None),
        (240, -11, Cause.FACE_CUT),
        (240, 289, None),
        (240, 291, Cause.FACE_CUT),
        (-7, -9, Cause.FACE_CUT),
        (-500, 140, Cause.FACE_CUT),
        (240, 900, Cause.FACE_CUT),
    ],
)
def test_a_face_over_the_border_is_cut(x: float, y: float, hint: Cause | None) -> None:
    assert hint is place_hint((replace(FACE, x=x, y=y),), VGA, LIMITS)


@pytest.mark.parametrize(
    ("x", "hint"),
    [(-39.0, None), (-40.0, None), (-41.0, Cause.FACE_CUT), (520, None), (521, Cause.FACE_CUT)],
)
def test_the_share_that_may_be_cut_is_a_limit(x: float, hint: Cause | None) -> None:
    limits = replace(LIMITS, max_cut_share=0.25)

    assert hint is place_hint((replace(FACE, x=x),), VGA, limits)


@pytest.mark.parametrize(
    "face",
    [
        replace(FACE, x=NAN),
        replace(FACE, y=NAN),
        replace(FACE, width=NAN),
        replace(FACE, height=NAN),
        replace(FACE, width=INF),
        replace(FACE, height=0.0),
        replace(FACE, height=-200.0),
    ],
    ids=["x", "y", "width", "height", "endless", "empty", "negative"],
)
def test_a_box_that_is_none_is_never_usable(face: FaceBox) -> None:
    assert place_hint((face,), VGA, LIMITS) in HINTS


def test_a_sharp_frontal_well_lit_face_is_fine() -> None:
    assert appearance_hint(SEEN, LIMITS) is None


@pytest.mark.parametrize(
    ("seen", "hint"),
    [
        (replace(SEEN, brightness=40.0), None),
        (replace(SEEN, brightness=39.9), Cause.TOO_DARK),
        (replace(SEEN, brightness=225.0), None),
        (replace(SEEN, brightness=225.1), Cause.TOO_BRIGHT),
        (replace(SEEN, contrast=14.0), None),
        (replace(SEEN, contrast=13.9), Cause.TOO_DARK),
        (replace(SEEN, sharpness=20.0), None),
        (replace(SEEN, sharpness=19.9), Cause.BLURRED),
        (replace(SEEN, yaw_deg=20.0), None),
        (replace(SEEN, yaw_deg=20.1), Cause.NOT_FRONTAL),
        (replace(SEEN, yaw_deg=-20.0), None),
        (replace(SEEN, yaw_deg=-20.1), Cause.NOT_FRONTAL),
        (replace(SEEN, pitch_deg=22.0), None),
        (replace(SEEN, pitch_deg=22.1), Cause.NOT_FRONTAL),
        (replace(SEEN, pitch_deg=-22.1), Cause.NOT_FRONTAL),
        (replace(SEEN, roll_deg=25.0), None),
        (replace(SEEN, roll_deg=25.1), Cause.NOT_FRONTAL),
        (replace(SEEN, roll_deg=-25.1), Cause.NOT_FRONTAL),
        (replace(SEEN, eye_distance_px=30.0), None),
        (replace(SEEN, eye_distance_px=29.9), Cause.TOO_FAR),
        (replace(SEEN, flush=-13.0), None),
        (replace(SEEN, flush=-13.5), Cause.MASKED),
        (replace(SEEN, glare=0.05), None),
        (replace(SEEN, glare=0.051), Cause.GLARE),
        (replace(SEEN, eye_opening=0.0), None),
    ],
)
def test_pose_light_and_sharpness_each_have_their_hint(
    seen: Appearance, hint: Cause | None
) -> None:
    assert hint is appearance_hint(seen, LIMITS)


@pytest.mark.parametrize("value", [NAN, INF, -INF])
@pytest.mark.parametrize("angle", ["yaw_deg", "pitch_deg", "roll_deg"])
def test_a_pose_that_is_no_angle_is_not_frontal(angle: str, value: float) -> None:
    assert Cause.NOT_FRONTAL is appearance_hint(replace(SEEN, **{angle: value}), LIMITS)


@pytest.mark.parametrize(
    "measure", ["brightness", "contrast", "sharpness", "eye_distance_px", "flush", "glare"]
)
def test_a_picture_that_could_not_be_measured_is_not_usable(measure: str) -> None:
    assert appearance_hint(replace(SEEN, **{measure: NAN}), LIMITS) in HINTS


def test_light_is_mended_before_pose() -> None:
    seen = replace(SEEN, brightness=10.0, yaw_deg=80.0, sharpness=1.0)

    assert Cause.TOO_DARK is appearance_hint(seen, LIMITS)


def test_the_pose_is_mended_before_what_a_turned_head_only_seems_to_lack() -> None:
    seen = replace(SEEN, yaw_deg=40.0, eye_distance_px=20.0, flush=-40.0, glare=0.5)

    assert Cause.NOT_FRONTAL is appearance_hint(seen, LIMITS)


@pytest.mark.parametrize(
    ("opening", "told"),
    [(0.045, None), (0.3, None), (0.044, Cause.EYES_CLOSED), (NAN, Cause.EYES_CLOSED)],
)
def test_shut_eyes_are_told_and_refuse_nobody(opening: float, told: Cause | None) -> None:
    seen = replace(SEEN, eye_opening=opening)

    assert told is guidance(seen, LIMITS)
    assert appearance_hint(seen, LIMITS) is None


@pytest.mark.parametrize(
    ("distance_mm", "hint"),
    [
        (0.0, None),
        (1.0, Cause.TOO_NEAR),
        (299.9, Cause.TOO_NEAR),
        (300.0, None),
        (900.0, None),
        (900.1, Cause.TOO_FAR),
        (INF, Cause.TOO_FAR),
    ],
)
def test_the_person_stands_between_30_and_90_cm(distance_mm: float, hint: Cause | None) -> None:
    assert hint is distance_hint(distance_mm, LIMITS)
