"""An aligned face to the numbers of an embedder; the cosine of two says how alike they are."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from yibao_face.models.api import Embedding, ModelRunError, ModelStamp, Points
from yibao_face.models.engine import Network
from yibao_face.models.weights.manifest import Feed

SIZE_PX = 112
# Where the five points of every aligned face lie (the template the network was trained with).
TEMPLATE = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ],
    np.float64,
)

Image = npt.NDArray[np.uint8]


def align(bgr: Image, points: Points) -> Image:
    """Turn, scale and shift ``bgr`` so that ``points`` (5, 2) fall on the template; 112x112x3."""
    aligned = cv2.warpAffine(bgr, _similarity(points.astype(np.float64)), (SIZE_PX, SIZE_PX))
    return np.asarray(aligned, dtype=np.uint8)


def cosine(one: Embedding, other: Embedding) -> float:
    """Similarity of two unit vectors, -1..1."""
    return float(np.dot(one, other))


def fuse(samples: Sequence[Embedding], weights: Sequence[float] | None = None) -> Embedding:
    """Unit mean of several samples of one person, each with its weight (none: all alike)."""
    return _unit(np.average(np.stack(samples), axis=0, weights=weights).astype(np.float32))


class FaceEmbedder:
    """Embeds aligned faces; ``stamp`` names the network the numbers belong to."""

    def __init__(self, network: Network, stamp: ModelStamp, feed: Feed | None = None) -> None:
        self._network, self.stamp = network, stamp
        self._feed = feed or Feed()

    def embed(self, aligned: Image) -> Embedding:
        """``aligned``: (112, 112, 3) BGR as ``align`` gives it → (dim,) float32 of length 1."""
        feed = self._feed
        ordered = aligned[:, :, ::-1] if feed.color == "RGB" else aligned
        planes = ordered.transpose(2, 0, 1)[None].astype(np.float32)
        if (feed.mean, feed.scale) != (0.0, 1.0):
            planes = (planes - np.float32(feed.mean)) * np.float32(feed.scale)
        [found, *_] = self._network.run(np.ascontiguousarray(planes)).values()
        if found.shape != (1, feed.dim):
            raise ModelRunError(f"{self.stamp.id} gave {found.shape}, not {feed.dim} numbers")
        return _unit(found[0])


def _unit(vector: npt.NDArray[np.float32]) -> Embedding:
    length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or length < 1e-6:
        raise ModelRunError("embedding has no length: the picture is not a face")
    return (vector / length).astype(np.float32)


def _similarity(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Least-squares similarity (Umeyama) of the points to the template, as a 2x3 matrix."""
    centre, target = points.mean(0), TEMPLATE.mean(0)
    p, t = points - centre, TEMPLATE - target
    spread = float((p**2).sum())
    if spread < 1e-6:
        raise ModelRunError("the five points of the face coincide")
    a = float((p * t).sum()) / spread
    b = float((p[:, 0] * t[:, 1] - p[:, 1] * t[:, 0]).sum()) / spread
    rotation = np.array([[a, -b], [b, a]])
    return np.hstack([rotation, (target - rotation @ centre)[:, None]])
