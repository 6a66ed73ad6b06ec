"""The networks of one daemon, loaded and checked: what ``capture`` works with."""

from __future__ import annotations

from dataclasses import dataclass

from yibao_face.models.api import ModelStamp
from yibao_face.models.detect import FaceDetector
from yibao_face.models.embed import FaceEmbedder
from yibao_face.models.landmark import FaceLandmarker
from yibao_face.models.liveness.relief import ReliefGauge
from yibao_face.models.weights.site import MATCH_FAR, match_table
from yibao_face.models.weights.store import WeightStore, load_mesh
from yibao_face.models.weights.threshold import MatchTable


@dataclass(frozen=True, slots=True)
class FaceModels:
    """Everything a frame is judged with. ``table``: least cosines by number of pictures."""

    detector: FaceDetector
    landmarker: FaceLandmarker
    gauge: ReliefGauge
    embedder: FaceEmbedder
    stamps: tuple[ModelStamp, ...]
    table: MatchTable

    @property
    def match_threshold(self) -> float:
        """Cosine of one picture to one at ``MATCH_FAR``."""
        return self.table.limit(1, 1, MATCH_FAR)

    def close(self) -> None:
        """Free native memory."""
        self.landmarker.close()


def load_face_models(store: WeightStore) -> FaceModels:
    """Load all roles; raises ``ModelMissingError`` or ``ModelAlteredError`` naming the model.

    ``SiteModelError`` for an embedder without thresholds.
    """
    detector = store.manifest.by_role("detector")
    embedder = store.manifest.by_role("embedder")
    landmarker = store.manifest.by_role("landmarker")
    mesh = store.manifest.by_role("canonical-face")
    return FaceModels(
        FaceDetector(store.network(detector), detector.thresholds["score"].value),
        FaceLandmarker(landmarker.file, store.read(landmarker)),
        ReliefGauge(load_mesh(mesh, store.read(mesh))),
        FaceEmbedder(store.network(embedder), store.stamp(embedder), embedder.feed),
        tuple(store.stamp(entry) for entry in (detector, landmarker, embedder, mesh)),
        match_table(embedder),
    )
