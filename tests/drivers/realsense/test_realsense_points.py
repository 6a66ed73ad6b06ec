"""The contract of all cameras, kept by a recording that the real SDK plays."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from beds.realsense.bed import Socket, make_bed
from camera_points import check, each_point


@pytest.fixture
def socket(recording: Path, tmp_path: Path) -> Iterator[Socket]:
    own = tmp_path / "own.db3"
    shutil.copy(recording, own)
    found = Socket(own)
    yield found
    found.replug()


@each_point()
def test_the_realsense_driver_keeps(socket: Socket, point_id: str) -> None:
    check(make_bed(socket), point_id)
