"""A camera uri finds its driver, or a message that says which drivers there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from yibao_face.drivers.api import DeviceConfigError, DeviceMissingError
from yibao_face.drivers.table import TABLE, open_camera


@pytest.mark.parametrize(
    "uri",
    [
        "",
        ":",
        "webcam:0",
        "clip.rgbd",
        "REPLAY:clip.rgbd",
        " replay:clip.rgbd",
        "virtual:0",
        "演示:1",
    ],
)
def test_a_uri_of_no_driver_tells_which_drivers_there_are(uri: str) -> None:
    with pytest.raises(DeviceConfigError) as told:
        open_camera(uri)

    assert repr(uri) in str(told.value)
    assert all(name in str(told.value) for name in TABLE)


def test_replay_is_a_driver() -> None:
    assert "replay" in TABLE


def test_the_driver_gets_what_follows_the_first_colon(tmp_path: Path, whole: Path) -> None:
    path = tmp_path / "clip:1 演示.rgbd"
    path.write_bytes(whole.read_bytes())

    with open_camera(f"replay:{path}") as camera:
        info = camera.info

    assert ("replay", f"replay:{path}") == (info.driver, info.uri)


def test_what_the_driver_raises_comes_through(tmp_path: Path) -> None:
    with pytest.raises(DeviceMissingError, match=r"gone\.rgbd"):
        open_camera(f"replay:{tmp_path / 'gone.rgbd'}")
