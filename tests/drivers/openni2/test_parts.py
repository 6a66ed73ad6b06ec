"""Parts of the openni2 driver that no virtual camera can drive into each of their corners."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from yibao_face.drivers.api import Intrinsics
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.openni2 import lens, modes
from yibao_face.drivers.openni2.inbox import Inbox
from yibao_face.drivers.openni2.library import abi, usb
from yibao_face.drivers.openni2.library.sdk import Mode, RawFrame
from yibao_face.drivers.openni2.pairing import Exposure, Pairing, Rounds, skew_us
from yibao_face.drivers.openni2.planes import MisshapenError, plane

PERIOD_US = 33_333


def raw(pixels: np.ndarray[Any, Any], mode: Mode, stride: int | None = None) -> RawFrame:
    data = pixels.tobytes()
    row = len(data) // mode.height
    return RawFrame(data, len(data), stride or row, mode.width, mode.height, False, mode.format, 0)


@pytest.mark.parametrize(
    ("tenths", "mm"),
    [(0, 0), (1, 1), (4, 1), (14, 1), (15, 2), (5004, 500), (5005, 501), (65535, 6554)],
)
def test_tenths_go_to_the_nearest_millimetre_and_never_to_none(tenths: int, mm: int) -> None:
    mode = Mode(1, 1, 30, abi.DEPTH_100_UM)

    image = plane(raw(np.array([[tenths]], np.uint16), mode), mode, 10, mirrored=False)

    assert [[mm]] == image.tolist()


@pytest.mark.parametrize(("form", "bytes_"), [(abi.YUYV, [90, 128]), (abi.YUV422, [128, 90])])
def test_grey_of_both_orders_of_luma_and_chroma_is_grey(form: int, bytes_: list[int]) -> None:
    mode = Mode(2, 2, 30, form)
    pixels = np.tile(np.array(bytes_, np.uint8), (2, 2))

    image = plane(raw(pixels, mode), mode, 10, mirrored=False)

    assert (2, 2, 3) == image.shape
    assert 1 == len(np.unique(image))


@pytest.mark.parametrize(
    ("value", "bits", "seen"), [(1023, 10, 255), (512, 10, 128), (2000, 10, 255), (200, 8, 200)]
)
def test_infrared_keeps_its_highest_bits(value: int, bits: int, seen: int) -> None:
    mode = Mode(1, 1, 30, abi.GRAY16)

    image = plane(raw(np.array([[value]], np.uint16), mode), mode, bits, mirrored=False)

    assert [[seen]] == image.tolist()


def test_rows_may_be_longer_than_the_image() -> None:
    mode = Mode(2, 2, 30, abi.GRAY8)
    padded = np.array([[1, 2, 9], [3, 4, 9]], np.uint8)

    assert [[1, 2], [3, 4]] == plane(raw(padded, mode), mode, 8, mirrored=False).tolist()
    assert [[2, 1], [4, 3]] == plane(raw(padded, mode), mode, 8, mirrored=True).tolist()


@pytest.mark.parametrize("stride", [1, 3])
def test_a_frame_longer_than_its_data_is_misshapen(stride: int) -> None:
    mode = Mode(2, 2, 30, abi.GRAY8)

    with pytest.raises(MisshapenError, match="4 bytes"):
        plane(raw(np.zeros((2, 2), np.uint8), mode, stride), mode, 8, mirrored=False)


def offer(*numbers: tuple[int, int, int, int]) -> list[Mode]:
    return [Mode(*each) for each in numbers]


def test_the_rate_is_that_asked_for_or_the_next_slower() -> None:
    rgb, mm = abi.RGB888, abi.DEPTH_1_MM
    offered = {
        abi.COLOUR: offer((640, 480, 60, rgb), (640, 480, 15, rgb), (640, 480, 30, abi.YUV422)),
        abi.DEPTH: offer((640, 480, 60, mm), (640, 480, 25, abi.DEPTH_100_UM)),
    }

    chosen = modes.choose(offered, Settings(fps=30))

    expected = {abi.COLOUR: (30, abi.YUV422), abi.DEPTH: (25, abi.DEPTH_100_UM)}
    assert expected == {sensor: (mode.fps, mode.format) for sensor, mode in chosen.items()}


def test_colour_and_depth_without_a_common_size_are_not_to_be_used() -> None:
    offered = {
        abi.COLOUR: offer((1280, 1024, 7, abi.RGB888)),
        abi.DEPTH: offer((640, 480, 30, abi.DEPTH_1_MM), (1280, 1024, 7, 102)),
    }

    assert {} == modes.choose(offered, Settings())


def shot(device_us: int, value: int = 0) -> Exposure:
    image = np.array([[value, device_us % 251]], np.uint8)
    return Exposure(image, device_us, device_us * 1000)


def test_a_plane_waits_for_one_that_may_be_nearer() -> None:
    pairing = Pairing((1, 2), PERIOD_US)

    assert pairing.add(1, shot(100_000)) is None
    assert pairing.add(2, shot(130_000)) is None
    found = pairing.add(1, shot(133_333))

    assert found is not None
    assert {1: 133_333, 2: 130_000} == {sensor: one.device_us for sensor, one in found.items()}
    assert 3333 == skew_us(found.values())


def test_a_stream_that_was_silent_is_matched_with_what_is_new() -> None:
    pairing = Pairing((1, 2), PERIOD_US)
    for n in range(20):
        assert pairing.add(1, shot(n * PERIOD_US)) is None

    found = pairing.add(2, shot(19 * PERIOD_US + 500))

    assert found is not None
    assert 500 == skew_us(found.values())


def test_a_recordings_clock_goes_on_for_all_its_streams_alike() -> None:
    rounds = Rounds()
    played = [(1, 0), (2, 100), (1, 33_000), (2, 33_100), (1, 0), (2, 100), (1, 33_000)]

    times = [rounds.going_on(sensor, at) for sensor, at in played]

    second = 33_100 + PERIOD_US
    assert [0, 100, 33_000, 33_100, second, second + 100, second + 33_000] == times


def test_an_even_plane_may_come_again_a_picture_may_not() -> None:
    inbox = Inbox()
    inbox.expect((1,), PERIOD_US)
    dark, lit = np.zeros((2, 2), np.uint8), np.arange(4, dtype=np.uint8).reshape(2, 2)
    taken: list[bool] = []

    for n, image in enumerate([dark, dark, lit, lit, dark]):
        inbox.put(1, Exposure(image, n * PERIOD_US, n))
        taken.append(inbox.take(0.0) is not None)

    assert [True, True, True, False, True] == taken


def test_a_table_that_moves_nothing_or_is_missing_places_no_imager() -> None:
    one = Intrinsics(640, 480, 570.0, 570.0, 320.0, 240.0)

    assert lens.pair(one, one, lambda x, y, _z: (x, y)) is None
    assert lens.pair(one, one, lambda _x, _y, _z: None) is None


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="only Linux tells of open files")
def test_a_usb_node_its_socket_and_its_holder_are_told(tmp_path: Path) -> None:
    node = tmp_path / "dev/001/005"
    node.parent.mkdir(parents=True)
    node.touch()
    device = tmp_path / "sys/1-4.2"
    device.mkdir(parents=True)
    (device / "busnum").write_text("1\n")
    (device / "devnum").write_text("5\n")
    uri = "2bc5/0401@1/5"

    assert node == usb.node_of(uri, tmp_path / "dev")
    assert usb.node_of("2bc5/0401@1/6", tmp_path / "dev") is None
    assert usb.node_of("2bc5/0401@virtual", tmp_path / "dev") is None
    assert "usb-1-4.2" == usb.socket_of(uri, tmp_path / "sys")
    assert "" == usb.socket_of("2bc5/0401@1/6", tmp_path / "sys")
