"""Recordings made by the SDK; without it a skip, in CI a failure."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest
from harness import lacking

if find_spec("pyrealsense2") is None:
    lacking("pyrealsense2")

from beds.realsense.recording import Shot, noise, write_recording  # needs the SDK


@pytest.fixture(scope="session")
def shots() -> Sequence[Shot]:
    """Sixty exposures, no two alike."""
    return noise(60)


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory, shots: Sequence[Shot]) -> Path:
    """Those exposures, colour exposed 3 ms after depth."""
    path = tmp_path_factory.mktemp("realsense") / "noise.db3"
    return write_recording(path, shots, colour_late_ms=3.0)
