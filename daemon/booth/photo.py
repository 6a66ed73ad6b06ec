"""A still photograph of one person → the template of the face in it."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from yibao_face.daemon.gallery.gallery import Enrolment, Gallery, Picture
from yibao_face.models.api import Embedding
from yibao_face.models.embed import align
from yibao_face.models.quality import measure_quality
from yibao_face.models.suite import FaceModels

MAX_PHOTO_PX = 40_000_000
_MIN_FACE_PX = 60.0
_MIN_SHARPNESS = 20.0

Image = npt.NDArray[np.uint8]


class PhotoError(Exception):
    """The photograph does not show exactly one good face; the message says what is wrong."""


def enrol(gallery: Gallery, models: FaceModels, enrolment: Enrolment, photos: list[bytes]) -> None:
    """Keep a person with one sample per photograph; ``PhotoError`` names the one that fails."""
    samples = [
        Picture(face_of(models, photo, f"photo {n}")) for n, photo in enumerate(photos, 1)
    ]
    gallery.add(enrolment, samples, models.embedder.stamp)


def face_of(models: FaceModels, photo: bytes, name: str) -> Embedding:
    """Embedding of the one face in ``photo`` (JPEG or PNG); raises ``PhotoError``."""
    image = decode(photo, name)
    faces = models.detector.find(image)
    if len(faces) != 1:
        raise PhotoError(f"{name} shows {len(faces)} faces, one is needed")
    face = models.detector.refine(image, faces[0])
    if face.box.width < _MIN_FACE_PX:
        raise PhotoError(f"{name}: face {face.box.width:.0f} px wide, {_MIN_FACE_PX:.0f} needed")
    if measure_quality(image, face.box).sharpness < _MIN_SHARPNESS:
        raise PhotoError(f"{name}: the face is blurred")
    return models.embedder.embed(align(image, face.points))


def decode(photo: bytes, name: str) -> Image:
    """(height, width, 3) BGR; ``PhotoError`` when it is no picture, or an absurdly large one."""
    try:
        image = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR) if photo else None
    except cv2.error as exc:
        raise PhotoError(f"{name} is not a JPEG or PNG") from exc
    if image is None:
        raise PhotoError(f"{name} is not a JPEG or PNG")
    if image.shape[0] * image.shape[1] > MAX_PHOTO_PX:
        raise PhotoError(f"{name} has over {MAX_PHOTO_PX // 1_000_000} megapixels")
    return np.asarray(image, dtype=np.uint8)
