"""The dlib side of match_peers.py: run by a venv of its own, one JSON line for each picture.

Arguments: the files of the 5-point predictor and of the descriptor network. Each picture comes on
standard input as a JSON line with its height and width, then its RGB bytes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

UPSAMPLE = 1

Image = npt.NDArray[np.uint8]
Vector = npt.NDArray[np.float64]


def main() -> int:
    """Answer every picture with its descriptor, or none, and the CPU time of the decision."""
    embed = pipeline(*sys.argv[1:3])
    reference = np.zeros(128)
    while (image := received(sys.stdin.buffer)) is not None:
        started = time.process_time()
        vector = embed(image)
        if vector is not None:
            # The comparison belongs to the decision; with whom does not change its time.
            float(np.linalg.norm(vector - reference))
        spent = (time.process_time() - started) * 1000
        reference = reference if vector is None else vector
        answer = {"vector": None if vector is None else vector.tolist(), "ms": spent}
        print(json.dumps(answer), flush=True)
    return 0


def pipeline(predictor: str, network: str) -> Callable[[Image], Vector | None]:
    """HOG detector, five points, ResNet, as dlib's own examples chain them."""
    dlib: Any = import_module("dlib")
    detect, align = dlib.get_frontal_face_detector(), dlib.shape_predictor(predictor)
    network_: Any = dlib.face_recognition_model_v1(network)

    def embed(image: Image) -> Vector | None:
        boxes = list(detect(image, UPSAMPLE))
        if not boxes:
            return None
        points = align(image, min(boxes, key=lambda box: off_centre(box, image)))
        return np.array(network_.compute_face_descriptor(image, points))

    return embed


def off_centre(box: Any, image: Image) -> float:
    """How far the middle of a box is from the middle of the picture, in px."""
    middle = box.center()
    return abs(middle.x - image.shape[1] / 2) + abs(middle.y - image.shape[0] / 2)


def received(stream: BinaryIO) -> Image | None:
    """The next picture; ``None`` after the last."""
    line = stream.readline()
    if not line:
        return None
    size = json.loads(line)
    shape = (int(size["height"]), int(size["width"]), 3)
    return np.frombuffer(stream.read(shape[0] * shape[1] * 3), np.uint8).reshape(shape)


if __name__ == "__main__":
    sys.exit(main())
