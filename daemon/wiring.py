"""Build a daemon from its configuration: the one place where collaborators meet."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from yibao_face.daemon.capture.examine import Examiner
from yibao_face.daemon.capture.session import Session
from yibao_face.daemon.config import Config
from yibao_face.daemon.core.decision import MatchPolicy
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness import Gate, LivenessPolicy
from yibao_face.daemon.core.quality import Limits
from yibao_face.daemon.counter import Counter
from yibao_face.daemon.encounter import ConsentText, Scene
from yibao_face.daemon.gallery.gallery import Gallery
from yibao_face.daemon.gallery.vault import Vault, open_vault
from yibao_face.daemon.service import Provenance, Service
from yibao_face.drivers.api import Camera
from yibao_face.drivers.table import open_camera
from yibao_face.models.api import ModelError
from yibao_face.models.suite import FaceModels, load_face_models
from yibao_face.models.weights.manifest import GateEntry, LivenessEntry, Manifest, load_manifest
from yibao_face.models.weights.store import WeightStore
from yibao_face.sync.outbox import Outbox

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Daemon:
    """A wired daemon; ``close`` once, after the last call."""

    config: Config
    service: Service
    counter: Counter
    models: FaceModels | ModelError

    def close(self) -> None:
        """Release files and native memory."""
        self.service.outbox.close()
        if isinstance(self.models, FaceModels):
            self.models.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def weight_store(config: Config) -> WeightStore:
    """The installed networks of this data folder."""
    return WeightStore(config.models, load_manifest())


def gallery_of(config: Config) -> Gallery:
    """The gallery of this data folder, under its device key."""
    return Gallery(config.data / "gallery.db", vault_of(config))


def vault_of(config: Config) -> Vault:
    """The vault of this data folder; makes the key on first use."""
    return open_vault(config.data / "device.key")


def outbox_path(config: Config) -> Path:
    """Where results are written."""
    return config.data / "results.db"


def build(config: Config, *, demo: bool, camera: Callable[[], Camera] | None = None) -> Daemon:
    """Wire everything. Damaged models do not keep it from serving: every call then says so."""
    manifest = load_manifest()
    models: FaceModels | ModelError
    try:
        models = load_face_models(WeightStore(config.models, manifest))
    except ModelError as exc:
        logger.error("models cannot be used: %s", exc)  # noqa: TRY400  # one line, told once
        models = exc
    counter = Counter(config.enrolment.counter_s)
    gallery = gallery_of(config)
    opener = camera or (lambda: open_camera(config.camera.uri))

    def scene() -> Scene:
        if isinstance(models, ModelError):
            raise type(models)(str(models))
        examiner = Examiner(models, Limits(), liveness_policy(manifest.liveness))
        session = Session(examiner, config.encounter.capture_s, config.camera.silence_s)
        match = MatchPolicy(models.match_threshold + config.match.margin, demo)
        return Scene(opener, session, gallery, counter, match, _consent(config))

    service = Service(
        scene,
        Outbox(outbox_path(config)),
        gallery.vault,
        _provenance(config, manifest, models),
        demo,
    )
    return Daemon(config, service, counter, models)


def _consent(config: Config) -> ConsentText | None:
    enrolment = config.enrolment
    if not enrolment.in_call:
        return None
    return ConsentText(enrolment.consent_version, enrolment.consent_text)


def liveness_policy(entry: LivenessEntry) -> LivenessPolicy:
    """The manifest's gates in the core's words."""
    reading, attack = (tuple(map(_gate, gates)) for gates in (entry.reading, entry.attack))
    return LivenessPolicy(reading, attack, entry.frames, entry.attack_frames, entry.version)


def _gate(entry: GateEntry) -> Gate:
    return Gate(entry.feature, entry.low, entry.high, Cause(entry.cause))


def _provenance(config: Config, manifest: Manifest, models: FaceModels | ModelError) -> Provenance:
    stamps = models.stamps if isinstance(models, FaceModels) else ()
    match = manifest.by_role("embedder").thresholds["match"].value
    return Provenance(
        json.dumps({stamp.id: stamp.sha256 for stamp in stamps}),
        json.dumps({"liveness": manifest.liveness.version, "match": match + config.match.margin}),
    )
