"""YuNet: every face of a picture with its five points."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from yibao_face.models.api import Box, Detection, Points
from yibao_face.models.engine import Network, Tensor

# The whole picture is searched at this size: a face at 85 cm is still 45 px wide.
SEARCH_PX = 320
# A crowd is searched at this size: a face 40 px wide in 1280×720 is still 30 px wide.
CROWD_PX = 960
# The chosen face is looked at again, this wide with its surroundings: alignment wants the points
# finer than the search gives them.
REFINE_PX = 256
_REFINE_MARGIN = 0.6
_STRIDES = (8, 16, 32)
_NMS_OVERLAP = 0.3
_GRID_PX = 32

Image = npt.NDArray[np.uint8]


class FaceDetector:
    """Finds faces; ``min_score`` is the manifest's threshold in 0..1."""

    def __init__(self, network: Network, min_score: float) -> None:
        self._network, self._min_score = network, min_score

    def find(self, bgr: Image, size_px: int = SEARCH_PX) -> list[Detection]:
        """All faces, largest first, in pixels of ``bgr`` (height, width, 3)."""
        scale = min(1.0, size_px / max(bgr.shape[:2]))
        small = bgr if scale == 1.0 else _resized(bgr, scale)
        rows = self._decode(small)
        found = [_detection(row / scale, float(row[14])) for row in rows]
        return sorted(found, key=lambda d: d.box.area, reverse=True)

    def find_all(self, bgr: Image) -> list[Detection]:
        """As ``find``, for a crowd: also the small faces far from the camera."""
        return self.find(bgr, CROWD_PX)

    def refine(self, bgr: Image, face: Detection) -> Detection:
        """The same face found again at a finer scale; itself where it is not found."""
        box = face.box
        margin = _REFINE_MARGIN * max(box.width, box.height)
        x0, y0 = max(0, int(box.x - margin)), max(0, int(box.y - margin))
        x1, y1 = int(box.x + box.width + margin), int(box.y + box.height + margin)
        crop = bgr[y0:y1, x0:x1]
        again = [_shifted(d, x0, y0) for d in self.find(crop, REFINE_PX)] if crop.size else []
        return max(again, key=lambda d: d.box.overlap(box), default=face)

    def _decode(self, bgr: Image) -> npt.NDArray[np.float32]:
        """(n, 15): x, y, w, h, five points, score, after non-maximum suppression."""
        height, width = (-(-side // _GRID_PX) * _GRID_PX for side in bgr.shape[:2])
        padded = np.zeros((height, width, 3), np.float32)
        padded[: bgr.shape[0], : bgr.shape[1]] = bgr
        out = self._network.run(np.ascontiguousarray(padded.transpose(2, 0, 1)[None]))
        rows = np.concatenate([self._level(out, s, width // s) for s in _STRIDES])
        boxes = [(float(r[0]), float(r[1]), float(r[2]), float(r[3])) for r in rows]
        scores = [float(s) for s in rows[:, 14]]
        kept = cv2.dnn.NMSBoxes(boxes, scores, self._min_score, _NMS_OVERLAP)
        return rows[np.asarray(kept, dtype=np.intp).ravel()]

    def _level(self, out: dict[str, Tensor], stride: int, columns: int) -> npt.NDArray[np.float32]:
        """Decode the cells of one stride whose score reaches the threshold."""
        product = np.clip(out[f"cls_{stride}"][0, :, 0], 0, 1) * np.clip(
            out[f"obj_{stride}"][0, :, 0], 0, 1
        )
        scores = np.sqrt(product)
        cells = np.flatnonzero(scores >= self._min_score)
        corner = np.stack([cells % columns, cells // columns], 1).astype(np.float32)
        raw = out[f"bbox_{stride}"][0, cells]
        size = np.exp(raw[:, 2:4]) * stride
        origin = (corner + raw[:, :2]) * stride - size / 2
        offsets = out[f"kps_{stride}"][0, cells].reshape(-1, 5, 2)
        points = ((offsets + corner[:, None]) * stride).reshape(-1, 10)
        columns_ = [origin, size, points, scores[cells, None]]
        return np.concatenate(columns_, 1).astype(np.float32)


def most_central(faces: Sequence[Detection], bgr: Image) -> Detection:
    """Of one face or more that whose points lie nearest to the middle of ``bgr``."""
    middle = np.array([bgr.shape[1], bgr.shape[0]]) / 2
    return min(faces, key=lambda face: float(np.abs(face.points.mean(0) - middle).sum()))


def _resized(bgr: Image, scale: float) -> Image:
    # Never below a pixel: a sliver of a picture is no error, it just shows no face.
    height, width = (max(1, round(side * scale)) for side in bgr.shape[:2])
    small = cv2.resize(bgr, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


def _detection(row: npt.NDArray[np.float32], score: float) -> Detection:
    box = Box(float(row[0]), float(row[1]), float(row[2]), float(row[3]))
    return Detection(box, row[4:14].reshape(5, 2), score)


def _shifted(face: Detection, dx: int, dy: int) -> Detection:
    box = Box(face.box.x + dx, face.box.y + dy, face.box.width, face.box.height)
    points: Points = face.points + np.array([dx, dy], np.float32)
    return Detection(box, points, face.score)
