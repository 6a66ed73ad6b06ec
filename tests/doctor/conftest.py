"""A sound counter of files, a new one for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from doctor_bed import Bench, free_port
from harness import link_folder

from yibao_face.daemon.config import Config
from yibao_face.daemon.section import DeskConfig, DoorConfig


@pytest.fixture
def bench(home: Config, tmp_path: Path) -> Bench:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    link_folder(data / "models", home.models)
    return Bench(
        tmp_path / "root",
        Config(data, DoorConfig(port=free_port()), desk=DeskConfig("001000200031")),
    )


@pytest.fixture
def own_models(bench: Bench, home: Config) -> Callable[[], Path]:
    """Networks of the bench's own, to be damaged."""

    def own() -> Path:
        (bench.data / "models").unlink()
        shutil.copytree(home.models, bench.data / "models")
        return bench.data / "models"

    return own
