"""Conversions, on bytes made here and on frames made by the real SDK; no camera has made any."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from yibao_face.drivers.api import DeviceLostError, DeviceUnsupportedError, Intrinsics
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.optics.register import InfraredRegistration, Pose
from yibao_face.drivers.orbbec.orbbec import exposure
from yibao_face.drivers.orbbec.planes import Raw, bgr_of, depth_mm_of, ir_of
from yibao_face.drivers.orbbec.streams import Streams, pinhole, pose_of, sizes

WIDTH, HEIGHT = 8, 6
LENS = Intrinsics(WIDTH, HEIGHT, 10.0, 11.0, 4.0, 3.0)
RGB = np.arange(WIDTH * HEIGHT * 3, dtype=np.uint8).reshape(HEIGHT, WIDTH, 3)
DEPTH = (np.arange(WIDTH * HEIGHT, dtype=np.uint16) * 100).reshape(HEIGHT, WIDTH)
IR = np.arange(WIDTH * HEIGHT, dtype=np.uint8).reshape(HEIGHT, WIDTH)


def raw(plane: Any, layout: str) -> Raw:
    data = np.ascontiguousarray(plane).reshape(-1).view(np.uint8)
    return Raw(data, WIDTH, HEIGHT, layout)


def test_colour_becomes_bgr() -> None:
    expected = RGB[..., ::-1].tolist()

    from_rgb, from_bgr = bgr_of(raw(RGB, "RGB"), "o"), bgr_of(raw(RGB[..., ::-1], "BGR"), "o")

    assert from_rgb is not None
    assert from_bgr is not None
    assert expected == from_rgb.tolist() == from_bgr.tolist()


def test_yuyv_becomes_bgr() -> None:
    grey = np.full((HEIGHT, WIDTH, 2), 128, np.uint8)

    image = bgr_of(raw(grey, "YUYV"), "o")

    assert image is not None
    assert (HEIGHT, WIDTH, 3) == image.shape
    assert {130} == set(np.unique(image))


def test_a_jpeg_is_decoded_and_a_damaged_one_is_no_frame() -> None:
    jpeg = cv2.imencode(".jpg", np.full((HEIGHT, WIDTH, 3), 90, np.uint8))[1].reshape(-1)

    image = bgr_of(Raw(jpeg, WIDTH, HEIGHT, "MJPG"), "o")

    assert image is not None
    assert (HEIGHT, WIDTH, 3) == image.shape
    assert bgr_of(Raw(jpeg[:40], WIDTH, HEIGHT, "MJPG"), "o") is None


def test_depth_is_counted_in_the_steps_the_camera_says() -> None:
    assert (DEPTH // 4).tolist() == depth_mm_of(raw(DEPTH, "Y16"), 0.25, "o").tolist()
    assert DEPTH.tolist() == depth_mm_of(raw(DEPTH, "Z16"), 1.0, "o").tolist()


def test_infrared_of_more_bits_loses_the_lowest() -> None:
    ten = IR.astype(np.uint16) * 4 + 3

    assert IR.tolist() == ir_of(raw(ten, "Y16"), 10, "o").tolist()
    assert IR.tolist() == ir_of(raw(IR, "Y8"), 8, "o").tolist()


def test_infrared_of_more_bits_than_it_says_is_flooded_not_wrapped() -> None:
    assert {255} == set(np.unique(ir_of(raw(np.full_like(DEPTH, 4000), "Y16"), 8, "o")))


def test_planes_are_copies() -> None:
    data = [raw(RGB, "BGR"), raw(DEPTH, "Y16"), raw(IR, "Y8")]

    planes = [bgr_of(data[0], "o"), depth_mm_of(data[1], 1.0, "o"), ir_of(data[2], 8, "o")]

    assert [False] * 3 == [
        plane is None or np.shares_memory(plane, of.data)
        for plane, of in zip(planes, data, strict=True)
    ]


def test_other_formats_are_refused() -> None:
    for convert in (
        lambda: bgr_of(raw(RGB, "NV12"), "orbbec:1"),
        lambda: depth_mm_of(raw(DEPTH, "RLE"), 1.0, "orbbec:1"),
        lambda: ir_of(raw(IR, "Y12"), 12, "orbbec:1"),
    ):
        with pytest.raises(DeviceUnsupportedError, match="orbbec:1"):
            convert()


def test_a_frame_with_bytes_missing_is_no_picture() -> None:
    short = Raw(np.zeros(10, np.uint8), WIDTH, HEIGHT, "Y16")

    with pytest.raises(DeviceLostError, match="orbbec:1: 10 bytes of 96"):
        depth_mm_of(short, 1.0, "orbbec:1")


def test_sizes_are_stepped_down_from() -> None:
    steps = sizes(Settings(width=1280, height=720, fps=30))

    assert [(1280, 720, 30), (1280, 720, 15), (640, 480, 30), (640, 480, 15)] == steps


def filled(sdk: Any, kind: str, layout: str, plane: Any, at_us: int) -> Any:
    """A video frame of the SDK with ``plane`` in it."""
    frame: Any = sdk.Frame.create_video_frame(
        getattr(sdk.OBFrameType, kind), getattr(sdk.OBFormat, layout), WIDTH, HEIGHT
    )
    frame.update_data(np.ascontiguousarray(plane).reshape(-1).view(np.uint8))
    sdk.Frame.set_frame_device_timestamp_us(frame, at_us)
    return frame


@pytest.fixture
def frames(sdk: Any) -> Any:
    """A frameset of the SDK with all three planes, exposed 1.5 ms apart; depth in 0.25 mm."""
    frames: Any = sdk.FrameSet.create_frame_set()
    depth = filled(sdk, "DEPTH_FRAME", "Y16", DEPTH, 2_000_000)
    depth.as_depth_frame().set_value_scale(0.25)
    frames.push_frame(depth)
    frames.push_frame(filled(sdk, "COLOR_FRAME", "RGB", RGB, 2_001_500))
    frames.push_frame(filled(sdk, "IR_FRAME", "Y8", IR, 2_000_000))
    return frames


def streams(sdk: Any, infrared: InfraredRegistration | None) -> Streams:
    return Streams(None, LENS, None, infrared, sdk.OBFrameType.IR_FRAME)


def test_a_frameset_of_the_sdk_becomes_a_frame(sdk: Any, frames: Any) -> None:
    here = Pose(np.eye(3, dtype=np.float32), np.zeros(3, np.float32))

    frame = exposure(frames, streams(sdk, InfraredRegistration(LENS, LENS, here)), "orbbec:1")

    assert frame is not None
    assert frame.depth_mm is not None
    assert frame.ir is not None
    assert RGB[..., ::-1].tolist() == frame.bgr.tolist()
    assert (DEPTH // 4).tolist() == frame.depth_mm.tolist()
    np.testing.assert_allclose(frame.ir, IR, atol=1)
    assert (2_000_000, 1500, LENS) == (frame.device_us, frame.skew_us, frame.intrinsics)


def test_a_frameset_that_lacks_a_plane_is_no_frame(sdk: Any) -> None:
    frames: Any = sdk.FrameSet.create_frame_set()
    frames.push_frame(filled(sdk, "DEPTH_FRAME", "Y16", DEPTH, 2_000_000))

    assert exposure(frames, streams(sdk, None), "orbbec:1") is None


def test_lens_and_pose_of_the_sdk_are_read(sdk: Any) -> None:
    lens, pose = sdk.OBCameraIntrinsic(), sdk.OBExtrinsic()
    lens.width, lens.height, lens.fx, lens.fy, lens.cx, lens.cy = WIDTH, HEIGHT, 10, 11, 4, 3
    quarter = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]], np.float32)
    pose.rot, pose.transform = quarter, np.array([15, 1, 2], np.float32)

    assert LENS == pinhole(lens)
    assert quarter.tolist() == pose_of(pose).rotation.tolist()
    assert [15.0, 1.0, 2.0] == pose_of(pose).shift_mm.tolist()
