"""A still photograph of one person → the template of the face in it."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from yibao_face.daemon.booth.still.picture import DAMAGED, TRANSPARENT, read_head
from yibao_face.daemon.gallery.gallery import Enrolment, Gallery, Picture
from yibao_face.models.api import Embedding
from yibao_face.models.embed import align
from yibao_face.models.quality import measure_quality
from yibao_face.models.suite import FaceModels

# A progressive JPEG of this size takes about 200 MB while it is decoded. Telephones and cameras
# give 12 to 24 megapixels.
MAX_PHOTO_PX = 24_000_000
_MIN_FACE_PX = 60.0
_MIN_SHARPNESS = 20.0

Image = npt.NDArray[np.uint8]


class PhotoError(Exception):
    """The photograph does not show exactly one good face; the message says what is wrong."""


def enrol(gallery: Gallery, models: FaceModels, enrolment: Enrolment, photos: list[bytes]) -> None:
    """Keep a person with one sample per photograph; ``PhotoError`` names the one that fails."""
    samples = [Picture(face_of(models, photo, f"photo {n}")) for n, photo in enumerate(photos, 1)]
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
    """(height, width, 3) BGR, upright; ``PhotoError`` says why it is no usable picture.

    Greyscale and 16 bits a colour become 8-bit BGR, the EXIF rotation is applied.
    """
    head = read_head(photo, MAX_PHOTO_PX)
    if isinstance(head, str):
        raise PhotoError(f"{name} {head}")
    # What shines through is another picture than the one the staff saw when they agreed to it.
    if head.alpha and _see_through(_pixels(photo, name, cv2.IMREAD_UNCHANGED)):
        raise PhotoError(f"{name} {TRANSPARENT}")
    image = _pixels(photo, name, cv2.IMREAD_COLOR)
    if {head.width, head.height} != set(image.shape[:2]):
        raise PhotoError(f"{name} {DAMAGED}")
    return np.asarray(image, dtype=np.uint8)


def _pixels(photo: bytes, name: str, flags: int) -> npt.NDArray[np.generic]:
    try:
        image = cv2.imdecode(np.frombuffer(photo, np.uint8), flags)
    except cv2.error as exc:
        raise PhotoError(f"{name} {DAMAGED}") from exc
    if image is None:
        raise PhotoError(f"{name} {DAMAGED}")
    return image


def _see_through(image: npt.NDArray[np.generic]) -> bool:
    full = 0xFFFF if image.dtype == np.uint16 else 0xFF
    return image.ndim == 3 and image.shape[2] == 4 and bool((image[:, :, 3] != full).any())
