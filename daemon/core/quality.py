"""Which face of the frame is meant, and what the person should do to be seen better."""

from __future__ import annotations

import math
from dataclasses import dataclass

from yibao_face.daemon.core.encounter import Cause

# The detector measures the same face up to a tenth wider or narrower: 0.9 of both sides.
_EQUAL_SHARE = 0.81


@dataclass(frozen=True, slots=True)
class FaceBox:
    """A face in pixels of its frame; may reach over the border."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Limits:
    """When a frame is usable. Pixels refer to a frame 640 wide; wider ones are scaled."""

    min_face_px: float = 72.0
    max_face_share: float = 0.85
    bystander_share: float = 0.5
    max_cut_share: float = 0.05
    max_yaw_deg: float = 20.0
    max_pitch_deg: float = 22.0
    max_roll_deg: float = 25.0
    min_brightness: float = 40.0
    max_brightness: float = 225.0
    min_contrast: float = 14.0
    min_sharpness: float = 20.0
    # The next four come from benchmarks/reject.py: 6410 pictures, 3560 genuine pairs, FRR 5.0 %.
    # Of the 1 % of pictures below this 15 of 85 pairs are lost (p < 0.001). Pixels of the frame
    # itself, however wide: the network wants them.
    min_eye_distance_px: float = 30.0
    # Among bare faces it says nothing (1 of 32 pairs at 1 %). Simulated masks raise the FRR from
    # 5 to 34 % and more (n = 700 a colour); 95 % of them lie below this, 3 of 6410 bare faces do.
    min_flush: float = -13.0
    # Of the 1 % with the most glare 11 of 72 pairs are lost (p < 0.001). Simulated reflections as
    # large as the eyes lie above this (n = 700), and 13 of 6410 pictures.
    max_glare: float = 0.05
    # The 1 % with the least open eyes are not proven worse (6 of 70 pairs, p = 0.14), and half of
    # those below 0.08 are narrow or laughing eyes wide open: it is told, and refuses nobody.
    min_eye_opening: float = 0.045
    min_distance_mm: float = 300.0
    max_distance_mm: float = 900.0


@dataclass(frozen=True, slots=True)
class Appearance:
    """Pose in degrees off the line of sight; everything else as ``models.quality`` has it."""

    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    brightness: float
    contrast: float
    sharpness: float
    eye_distance_px: float = 64.0
    flush: float = 0.0
    glare: float = 0.0
    eye_opening: float = 0.3


def chosen_face(faces: tuple[FaceBox, ...], frame: tuple[int, int]) -> int:
    """Index of the face meant in a (width, height) frame: the largest, of equals the most central.

    Equal are faces within ``_EQUAL_SHARE`` of the largest area; equally central ones: the first.
    ``ValueError`` without a face. Whether a bystander forbids to go on is left to ``place_hint``.
    """
    largest = max(_area(face) for face in faces)
    equals = [i for i, face in enumerate(faces) if _area(face) >= _EQUAL_SHARE * largest]
    return min(equals, key=lambda i: _off_centre(faces[i], frame))


def place_hint(faces: tuple[FaceBox, ...], frame: tuple[int, int], limits: Limits) -> Cause | None:
    """What is wrong with the faces (largest first) of a (width, height) frame, if anything.

    A second face counts once it is at least ``bystander_share`` as wide as the chosen one: the
    queue behind the yellow line may stand there, a second person at the counter may not (Q: one
    face).
    """
    if not faces:
        return Cause.NO_FACE
    chosen = chosen_face(faces, frame)
    face = faces[chosen]
    width, height = frame
    others = faces[:chosen] + faces[chosen + 1 :]
    # `not <` rather than `>=`: a box that could not be measured may be anybody.
    if any(not other.width < limits.bystander_share * face.width for other in others):
        return Cause.MANY_FACES
    if face.width < limits.min_face_px * width / 640:
        return Cause.TOO_FAR
    if max(face.width / width, face.height / height) > limits.max_face_share:
        return Cause.TOO_NEAR
    return Cause.FACE_CUT if _cut_share(face, width, height) > limits.max_cut_share else None


def appearance_hint(seen: Appearance, limits: Limits) -> Cause | None:
    """What is wrong with light, pose, sharpness, size or cover; ``None``: nothing."""
    # `not >=` rather than `<`: what could not be measured is not good enough.
    checks = (
        (not seen.brightness >= limits.min_brightness, Cause.TOO_DARK),
        (seen.brightness > limits.max_brightness, Cause.TOO_BRIGHT),
        (not seen.contrast >= limits.min_contrast, Cause.TOO_DARK),
        (not abs(seen.yaw_deg) <= limits.max_yaw_deg, Cause.NOT_FRONTAL),
        (not abs(seen.pitch_deg) <= limits.max_pitch_deg, Cause.NOT_FRONTAL),
        (not abs(seen.roll_deg) <= limits.max_roll_deg, Cause.NOT_FRONTAL),
        (not seen.sharpness >= limits.min_sharpness, Cause.BLURRED),
        # After the pose: a turned head brings the eyes together.
        (not seen.eye_distance_px >= limits.min_eye_distance_px, Cause.TOO_FAR),
        (not seen.flush >= limits.min_flush, Cause.MASKED),
        (not seen.glare <= limits.max_glare, Cause.GLARE),
    )
    return next((cause for failed, cause in checks if failed), None)


def guidance(seen: Appearance, limits: Limits) -> Cause | None:
    """What could be better in a usable frame; the person is told, the frame counts."""
    return None if seen.eye_opening >= limits.min_eye_opening else Cause.EYES_CLOSED


def distance_hint(distance_mm: float, limits: Limits) -> Cause | None:
    """Too near or too far for the depth camera; 0 (no reading) is left to the depth gates."""
    if 0 < distance_mm < limits.min_distance_mm:
        return Cause.TOO_NEAR
    return Cause.TOO_FAR if distance_mm > limits.max_distance_mm else None


def _area(face: FaceBox) -> float:
    """Square pixels; of a box that is none, more than any: it must not hide behind a face."""
    if face.width <= 0.0 or face.height <= 0.0:
        return 0.0
    area = face.width * face.height
    return math.inf if math.isnan(area) else area


def _off_centre(face: FaceBox, frame: tuple[int, int]) -> float:
    """Pixels between the centres of face and frame."""
    away = math.dist(
        (face.x + face.width / 2, face.y + face.height / 2), (frame[0] / 2, frame[1] / 2)
    )
    return math.inf if math.isnan(away) else away


def _cut_share(face: FaceBox, width: int, height: int) -> float:
    """Share of the face outside the frame."""
    across = min(face.x + face.width, width) - max(face.x, 0.0)
    down = min(face.y + face.height, height) - max(face.y, 0.0)
    area = face.width * face.height
    return 1.0 - max(0.0, across) * max(0.0, down) / area if area > 0 else 1.0
