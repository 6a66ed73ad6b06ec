"""The compiled head, built once into the tests' own data folder."""

from __future__ import annotations

import pytest
from harness import lacking

from yibao_face.daemon.config import Config
from yibao_face.daemon.wiring import weight_store
from yibao_face.models.api import ModelSourceError
from yibao_face.models.liveness.relief import ReliefGauge
from yibao_face.models.simulator.mesh.asset import install_head
from yibao_face.models.simulator.mesh.head import HeadModel, load_head_model
from yibao_face.models.simulator.presentation import Simulator
from yibao_face.models.weights.store import WeightStore, load_mesh


@pytest.fixture(scope="session")
def with_head(home: Config) -> WeightStore:
    """The store with the compiled head in its folder; never written to by a test."""
    store = weight_store(home)
    try:
        install_head(store, home.downloads)
    except ModelSourceError:
        lacking("the package with the simulator's head")
    return store


@pytest.fixture(scope="session")
def heads(with_head: WeightStore) -> HeadModel:
    """The head model."""
    return load_head_model(with_head)


@pytest.fixture(scope="session")
def simulator(heads: HeadModel) -> Simulator:
    """At half the sensors' resolution."""
    return Simulator(heads)


@pytest.fixture(scope="session")
def gauge(installed: WeightStore) -> ReliefGauge:
    """What judges the frames."""
    entry = installed.manifest.by_role("canonical-face")
    return ReliefGauge(load_mesh(entry, installed.read(entry)))
