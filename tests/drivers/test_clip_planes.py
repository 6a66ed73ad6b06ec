"""A clip of a camera without depth, without IR, or with its IR camera apart."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from yibao_face.drivers.api import Capability, ClipError, Intrinsics, Pair
from yibao_face.drivers.clip import ClipReader, ClipWriter, Planes
from yibao_face.drivers.replay import ReplayCamera, recorded

Exposures = Callable[[int], list[Planes]]
PAIR = Pair(Intrinsics(20, 14, 30.5, 30.5, 10.0, 7.0), (1, 0, 0, 0, 1, 0, 0, 0, 1), (30.0, 0, 0))


def without(planes: list[Planes], *names: str) -> list[Planes]:
    return [replace(each, **dict.fromkeys(names)) for each in planes]


def write(path: Path, lens: Intrinsics, planes: list[Planes], apart: Pair | bool = False) -> None:
    with ClipWriter(path, lens, 15.0, "noise", apart) as clip:
        for index, each in enumerate(planes):
            clip.add(each, index * 66_667)


@pytest.mark.parametrize(
    ("missing", "has"),
    [
        (("depth_mm", "ir"), Capability.RGB),
        (("depth_mm",), Capability.RGB | Capability.IR),
        (("ir",), Capability.RGB | Capability.DEPTH),
    ],
)
def test_planes_the_camera_lacks_are_not_in_the_clip(
    tmp_path: Path,
    lens: Intrinsics,
    exposures: Exposures,
    missing: tuple[str, ...],
    has: Capability,
) -> None:
    path, planes = tmp_path / "some.rgbd", without(exposures(3), *missing)
    write(path, lens, planes)

    with ReplayCamera(path, paced=False, loop=False) as camera:
        frames = [frame for _ in planes if (frame := camera.read(20.0)) is not None]

        assert has | Capability.RECORDED == camera.info.capability
    assert 3 == len(frames)
    for written, read in zip(planes, frames, strict=True):
        for name in ("depth_mm", "ir"):
            np.testing.assert_equal(getattr(read, name), getattr(written, name))


def test_an_infrared_camera_apart_keeps_its_size_and_place(
    tmp_path: Path, lens: Intrinsics, exposures: Exposures
) -> None:
    apart = np.random.default_rng(3).integers(0, 256, (14, 20), np.uint8)
    planes = [replace(each, depth_mm=None, ir=apart) for each in exposures(2)]
    write(tmp_path / "pair.rgbd", lens, planes, PAIR)

    with ReplayCamera(tmp_path / "pair.rgbd", paced=False) as camera:
        frame = camera.read(20.0)

        assert Capability.PAIRED in camera.info.capability
    assert frame is not None
    assert PAIR == frame.pair
    np.testing.assert_array_equal(apart, frame.ir)


def test_an_infrared_camera_whose_place_is_not_known_is_still_apart(
    tmp_path: Path, lens: Intrinsics, exposures: Exposures
) -> None:
    [planes] = without(exposures(1), "depth_mm")
    with ClipWriter(tmp_path / "apart.rgbd", lens, 15.0, "", apart=True) as clip:
        clip.add(planes, 0)

    header = ClipReader(tmp_path / "apart.rgbd").header

    assert Capability.PAIRED in recorded(header)
    assert header.pair is None


def test_an_exposure_with_other_planes_than_the_first_is_refused(
    tmp_path: Path, lens: Intrinsics, exposures: Exposures
) -> None:
    first, second = exposures(2)
    with (
        pytest.raises(ValueError, match="color instead of color, depth, ir"),
        ClipWriter(tmp_path / "mixed.rgbd", lens, 15.0, "") as clip,
    ):
        clip.add(first, 0)
        clip.add(replace(second, depth_mm=None, ir=None), 1)
    assert not (tmp_path / "mixed.rgbd").exists()


def test_a_clip_of_the_first_schema_still_plays(tmp_path: Path, whole: Path) -> None:
    old = tmp_path / "old.rgbd"
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(old, "w") as target:
        for name in source.namelist():
            body = source.read(name)
            if name == "clip.json":
                header = json.loads(body)
                del header["streams"], header["pair"], header["apart"]
                body = json.dumps(header | {"schema": 1}).encode()
            target.writestr(name, body)

    assert ClipReader(old).header == ClipReader(whole).header


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": {}},
        {"sha256": {"depth": "0"}},
        {"sha256": {"color": "0", "sound": "0"}},
        {"pair": {}},
        {"pair": {"infrared": None, "rotation": [], "translation_mm": []}},
        {"pair": {"infrared": None, "rotation": [0] * 9, "translation_mm": [float("nan")] * 3}},
        {"pair": "left"},
    ],
)
def test_a_header_that_promises_other_planes_is_refused(
    tmp_path: Path, whole: Path, change: dict[str, object]
) -> None:
    broken = tmp_path / "broken.rgbd"
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(broken, "w") as target:
        for name in source.namelist():
            body = source.read(name)
            if name == "clip.json":
                body = json.dumps(json.loads(body) | change).encode()
            target.writestr(name, body)

    with pytest.raises(ClipError):
        ClipReader(broken)
