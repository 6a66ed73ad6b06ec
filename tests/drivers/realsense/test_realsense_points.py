"""The contract of all cameras, kept by a recording that the real SDK plays."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from beds.realsense.bed import Socket, make_bed
from beds.realsense.recording import noise, write_recording
from camera_points import check, each_point


@pytest.fixture(scope="module")
def long_recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds: no point may outlast it on a slow machine."""
    path = tmp_path_factory.mktemp("realsense") / "long.db3"
    return write_recording(path, noise(240, 160, 120))


@pytest.fixture
def socket(long_recording: Path, tmp_path: Path) -> Iterator[Socket]:
    own = tmp_path / "own.db3"
    shutil.copy(long_recording, own)
    found = Socket(own)
    yield found
    found.replug()


@each_point()
def test_the_realsense_driver_keeps(socket: Socket, point_id: str) -> None:
    check(make_bed(socket), point_id)
