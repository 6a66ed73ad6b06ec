"""The two networks a comparison needs; thresholds the embedder need not have yet."""

from __future__ import annotations

from dataclasses import dataclass

from yibao_face.models.api import ModelStamp
from yibao_face.models.detect import FaceDetector
from yibao_face.models.embed import FaceEmbedder
from yibao_face.models.weights.site import MATCH_FAR, match_table, wanted_entry
from yibao_face.models.weights.store import WeightStore


@dataclass(frozen=True, slots=True)
class Eye:
    """``limit``: cosine at which one picture a side settles now; ``None``: not calibrated yet."""

    detector: FaceDetector
    embedder: FaceEmbedder
    limit: float | None

    @property
    def stamp(self) -> ModelStamp:
        """Identity of the embedder."""
        return self.embedder.stamp


def open_eye(store: WeightStore, model: str, margin: float) -> Eye:
    """Load the embedder ``model`` (empty: the manifest's) from ``store``; ``ModelError``."""
    seer, own = (store.manifest.by_role(role) for role in ("detector", "embedder"))
    entry = wanted_entry(own, store.folder, model)
    return Eye(
        FaceDetector(store.network(seer), seer.thresholds["score"].value),
        FaceEmbedder(store.network(entry), store.stamp(entry), entry.feed),
        match_table(entry).limit(1, 1, MATCH_FAR) + margin if entry.match else None,
    )
