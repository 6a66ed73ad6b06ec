"""An ID card on the reader: waited for, compared with whom the call names, its picture a face."""

from __future__ import annotations

import time
from datetime import date

import cv2
import numpy as np

from yibao_face.daemon.booth.still.photo import PhotoError, decode
from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.core.encounter import Cause
from yibao_face.drivers.reader.api import Again, CardReader, IdCard, ReaderUnsupportedError
from yibao_face.models.api import Embedding
from yibao_face.models.embed import align
from yibao_face.models.suite import FaceModels

# To find the card and lay it down; each look is short, so that a cancelled encounter ends.
CARD_S = 30.0
_LOOK_S = 0.5
# The chip's picture is 102x126 px, its face about 60 wide: below what the detector is sure of.
_ENLARGED = 3


def read_card(
    reader: CardReader, attempt: Attempt, *, demo: bool, seconds: float = CARD_S
) -> IdCard | Cause:
    """The card put on ``reader`` within ``seconds``, however often it must be laid down anew.

    Raises ``ReaderError``, and as ``Attempt.check``. A reader that is software vouches for
    nobody outside the demo.
    """
    if reader.info.virtual and not demo:
        raise ReaderUnsupportedError(f"{reader.info.uri}: a virtual reader vouches for nobody")
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        attempt.check()
        found = reader.wait(_LOOK_S)
        if found is not None and not isinstance(found, Again):
            return found
    return Cause.CARD_ABSENT


def objection(card: IdCard, number: str, today: date) -> Cause | None:
    """Why ``card`` does not speak for the person of ``number`` (capital letters) today."""
    if card.number != number:
        return Cause.CARD_OTHER
    return None if card.is_valid_on(today) else Cause.CARD_EXPIRED


def face_of_card(models: FaceModels, card: IdCard) -> Embedding:
    """Embedding of the face in the chip's picture; raises ``PhotoError``."""
    if not card.photo:
        raise PhotoError("the reader gives no picture: its decoder is not configured")
    image = decode(card.photo, "the card's picture")
    size = image.shape[1] * _ENLARGED, image.shape[0] * _ENLARGED
    large = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    faces = models.detector.find(large)
    if len(faces) != 1:
        raise PhotoError(f"the card's picture shows {len(faces)} faces, one is needed")
    face = models.detector.refine(large, faces[0])
    return models.embedder.embed(align(large, face.points))
