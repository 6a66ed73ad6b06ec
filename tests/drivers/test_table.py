"""A camera uri finds its driver, or a message that says which drivers there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from yibao_face.drivers.api import DeviceConfigError, DeviceMissingError
from yibao_face.drivers.driver import API, Driver
from yibao_face.drivers.table import BUILT_IN, ORDER, driver, open_camera


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

    assert repr(uri.partition(":")[0]) in str(told.value)
    assert all(name in str(told.value) for name in BUILT_IN)


def test_replay_is_a_driver() -> None:
    assert "replay" in BUILT_IN


def test_the_driver_gets_what_follows_the_first_colon(tmp_path: Path, whole: Path) -> None:
    path = tmp_path / "clip:1 演示.rgbd"
    path.write_bytes(whole.read_bytes())

    with open_camera(f"replay:{path}") as camera:
        info = camera.info

    assert ("replay", f"replay:{path}") == (info.driver, info.uri)


def test_what_the_driver_raises_comes_through(tmp_path: Path) -> None:
    with pytest.raises(DeviceMissingError, match=r"gone\.rgbd"):
        open_camera(f"replay:{tmp_path / 'gone.rgbd'}")


def test_what_follows_an_unknown_name_is_not_told() -> None:
    with pytest.raises(DeviceConfigError) as told:
        open_camera("rtsps://user:secret@host/1")

    assert "secret" not in str(told.value)


def test_ours_cannot_be_replaced_by_a_plugin(whole: Path) -> None:
    stranger = Driver("replay", lambda rest, settings: pytest.fail(f"opened {rest} {settings}"))

    with open_camera(f"replay:{whole}", plugins={"replay": stranger}) as camera:
        assert "rgbd-clip" == camera.info.model


@pytest.mark.parametrize("name", BUILT_IN)
def test_each_name_of_the_table_is_that_of_its_driver(name: str) -> None:
    found = driver(name)

    assert (name, API) == (found.name, found.api)
    assert found.recorded == (name == "replay")


def test_auto_never_takes_a_recording() -> None:
    assert "replay" not in ORDER
    assert set(ORDER) <= set(BUILT_IN)
