"""Small clips and frames, made here from seeded numbers: no face, no camera."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from yibao_face.drivers.api import Frame, Intrinsics
from yibao_face.drivers.clip import ClipWriter, Planes

WIDTH, HEIGHT, FPS = 16, 12, 15.0


@pytest.fixture(scope="session")
def lens() -> Intrinsics:
    """Calibration of every small clip and frame; no two numbers alike."""
    return Intrinsics(WIDTH, HEIGHT, 50.5, 51.25, 8.125, 6.75)


@pytest.fixture(scope="session")
def exposures() -> Callable[[int], list[Planes]]:
    """So many exposures of noise over the whole range, the same ones at every call."""

    def exposures(count: int) -> list[Planes]:
        rng, size = np.random.default_rng(7), (HEIGHT, WIDTH)
        return [
            Planes(
                rng.integers(0, 256, (*size, 3), np.uint8),
                rng.integers(0, 65536, size, np.uint16),
                rng.integers(0, 256, size, np.uint8),
            )
            for _ in range(count)
        ]

    return exposures


@pytest.fixture(scope="session")
def record(
    lens: Intrinsics, exposures: Callable[[int], list[Planes]]
) -> Callable[[Path, Sequence[int]], list[Planes]]:
    """Writes a clip with an exposure at each of the device timestamps; gives what was written."""

    def record(path: Path, device_us: Sequence[int]) -> list[Planes]:
        planes = exposures(len(device_us))
        with ClipWriter(path, lens, FPS, "noise") as clip:
            for shot, at_us in zip(planes, device_us, strict=True):
                clip.add(shot, at_us)
        return planes

    return record


@pytest.fixture(scope="session")
def script(
    lens: Intrinsics, exposures: Callable[[int], list[Planes]]
) -> Callable[[int], list[Frame]]:
    """So many frames for a camera that plays a script."""

    def script(count: int) -> list[Frame]:
        return [
            Frame(n, n * 1_000_000, n * 1000, shot.bgr, shot.depth_mm, shot.ir, lens)
            for n, shot in enumerate(exposures(count), 1)
        ]

    return script


@pytest.fixture(scope="session")
def whole(
    tmp_path_factory: pytest.TempPathFactory, record: Callable[[Path, Sequence[int]], list[Planes]]
) -> Path:
    """A good clip of three exposures."""
    path = tmp_path_factory.mktemp("whole") / "whole.rgbd"
    record(path, [0, 1000, 2000])
    return path


@pytest.fixture(scope="session")
def members(whole: Path) -> dict[str, bytes]:
    """The members of the good clip."""
    with zipfile.ZipFile(whole) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="session")
def forged(
    tmp_path_factory: pytest.TempPathFactory, members: dict[str, bytes]
) -> Callable[[Mapping[str, bytes]], Path]:
    """Writes the good clip with some members of the caller's; always to the same place."""
    path = tmp_path_factory.mktemp("forged") / "forged.rgbd"

    def forged(changed: Mapping[str, bytes]) -> Path:
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in {**members, **changed}.items():
                archive.writestr(name, data)
        return path

    return forged
