"""An invented ID card for the demo: a portrait made as small and as poor as a chip's picture."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from yibao_face.daemon.booth.still.photo import PhotoError, decode
from yibao_face.drivers.reader.api import CardKind, IdCard, Sex, check_mark
from yibao_face.drivers.reader.chip import HEIGHT, WIDTH, bmp_of
from yibao_face.drivers.reader.virtual import write_card
from yibao_face.models.api import Box
from yibao_face.models.suite import FaceModels

_SEVENTEEN = "44010119851212000"
CARD_NUMBER = _SEVENTEEN + check_mark(_SEVENTEEN)
# On the document's picture the face takes so much of the width; its middle is so far down.
_FACE_WIDTH = 0.56
_FACE_DOWN = 0.48
# The chip holds the picture in 1,024 bytes.
_CHIP_BYTES = 1024


def invented_card(photo: bytes) -> IdCard:
    """A card of nobody, with ``photo`` on it."""
    return IdCard(
        CardKind.RESIDENT,
        "王五",
        CARD_NUMBER,
        Sex.UNSAID,
        "01",
        date(1985, 12, 12),
        "演示地址",
        "演示机关",
        date(2020, 1, 1),
        None,
        photo,
    )


def chip_photo(models: FaceModels, portrait: bytes) -> bytes:
    """``portrait`` cut as a document's picture: BMP of 102x126 px, what 1,024 bytes can keep."""
    image = decode(portrait, "portrait")
    faces = models.detector.find(image)
    if len(faces) != 1:
        raise PhotoError(f"portrait shows {len(faces)} faces, one is needed")
    return bmp_of(_squeezed(_cut(image, faces[0].box)).tobytes())


def lay_card(file: Path, photo: bytes) -> None:
    """Write the invented card to ``file``: it then lies on the reader ``virtual:file``."""
    write_card(file, invented_card(photo), f"{file.stem}.bmp")


def _cut(image: npt.NDArray[np.uint8], face: Box) -> npt.NDArray[np.uint8]:
    scale = _FACE_WIDTH * WIDTH / face.width
    middle = face.x + face.width / 2, face.y + face.height / 2
    place = np.array(
        [
            [scale, 0.0, WIDTH / 2 - scale * middle[0]],
            [0.0, scale, HEIGHT * _FACE_DOWN - scale * middle[1]],
        ]
    )
    # Averaged before it shrinks, or thin lines would turn to noise.
    smooth = cv2.GaussianBlur(image, (0, 0), max(0.4 / scale, 0.1))
    cut = cv2.warpAffine(smooth, place, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut, np.uint8)


def _squeezed(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    for quality in range(60, 0, -2):
        done, packed = cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, quality])
        if done and packed.size <= _CHIP_BYTES:
            found = cv2.imdecode(packed, cv2.IMREAD_COLOR)
            return np.asarray(found, np.uint8)
    raise PhotoError("portrait does not fit a chip")
