"""The virtual Astra, built once, and what the tests do with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from beds.openni2.camera import HEADERS, Astra, build, system_folder
from harness import require, require_file

from yibao_face.drivers.driver import Settings


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like a vendor's, whose driver is the virtual camera."""
    require("g++")
    require_file(HEADERS / "OpenNI.h", "libopenni2-dev")
    require_file(system_folder() / "libOpenNI2.so.0", "libopenni2-0")
    return build(tmp_path_factory.mktemp("openni2"))


@pytest.fixture
def settings(runtime: Path) -> Settings:
    return Settings(runtime=str(runtime))


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Astra:
    """The one camera of this process."""
    return Astra(tmp_path_factory.mktemp("astra"))


@pytest.fixture
def astra(camera: Astra) -> Iterator[Astra]:
    """It is plugged in and well."""
    camera.heal()
    yield camera
    camera.vacate()
