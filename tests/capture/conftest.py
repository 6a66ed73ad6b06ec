"""A session with the real networks and gates, and simulated (仿真) faces before its camera."""

from __future__ import annotations

import pytest

from yibao_face.daemon.capture.examine import Examiner
from yibao_face.daemon.capture.policy import liveness_policy
from yibao_face.daemon.capture.session import Session
from yibao_face.daemon.config import Config
from yibao_face.daemon.core.quality import Limits
from yibao_face.daemon.wiring import weight_store
from yibao_face.models.suite import FaceModels


@pytest.fixture(scope="session")
def examiner(models: FaceModels, home: Config) -> Examiner:
    return Examiner(models, Limits(), liveness_policy(weight_store(home).manifest.liveness))


@pytest.fixture(scope="session")
def session(examiner: Examiner) -> Session:
    """Nothing but the end of a script, or of a test, is slow enough to end it."""
    return Session(examiner, capture_s=30.0, silence_s=5.0)
