"""One console for the tests that change nothing another one looks at; else one each."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from pathlib import Path

import pytest
from console_bed import Office, office
from harness import link_folder, put_before_camera

from yibao_face.daemon.config import Config
from yibao_face.daemon.section import CameraConfig, DoorConfig, EncounterConfig


@pytest.fixture
def open_office(cast: Config, clips: Path) -> Generator[Office, None, None]:
    """FIRST and SECOND are enrolled, FIRST stands before the camera."""
    put_before_camera(cast, clips, "live-first")
    with office(cast) as made:
        yield made


@pytest.fixture(scope="module")
def shared_office(
    home: Config, enrolled: Path, clips: Path, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Office, None, None]:
    """As ``open_office``, one for a whole module."""
    folder = tmp_path_factory.mktemp("office")
    shutil.copytree(enrolled, folder, dirs_exist_ok=True)
    link_folder(folder / "models", home.models)
    config = Config(
        folder,
        door=DoorConfig(port=0),
        camera=CameraConfig(f"replay:{folder / 'before-camera.rgbd'}", silence_s=1.0),
        encounter=EncounterConfig(deadline_s=20.0, capture_s=3.0),
    )
    put_before_camera(config, clips, "live-first")
    with office(config) as made:
        yield made
