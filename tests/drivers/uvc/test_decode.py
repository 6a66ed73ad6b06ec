"""Buffers to pictures: every format exact, and no buffer that harms."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yibao_face.drivers.uvc.decode import (
    DamagedFrameError,
    WrongModeError,
    colour,
    infrared,
    jpeg_size,
)
from yibao_face.drivers.uvc.mode import COLOUR, INFRARED, Mode

WIDTH, HEIGHT = 32, 24
RNG = np.random.default_rng(11)
GREY = RNG.integers(0, 256, (HEIGHT, WIDTH), np.uint8)
SMOOTH = cv2.resize(RNG.integers(0, 256, (3, 4, 3), np.uint8), (WIDTH, HEIGHT))


def mode(fourcc: str, stride: int = 0) -> Mode:
    return Mode(fourcc, WIDTH, HEIGHT, 30, stride)


def jpeg() -> bytes:
    return bytes(cv2.imencode(".jpg", SMOOTH, [cv2.IMWRITE_JPEG_QUALITY, 95])[1])


def test_yuyv_of_grey_is_that_grey() -> None:
    raw = np.stack([GREY, np.full_like(GREY, 128)], axis=-1)

    bgr = colour(raw.tobytes(), mode("YUYV"))

    assert (HEIGHT, WIDTH, 3) == bgr.shape
    # Video levels: 16 is black, 235 white.
    expected = np.clip((GREY.astype(float) - 16) * 255 / 219, 0, 255)
    assert np.abs(bgr - expected[..., None]).max() <= 2


def test_nv12_of_grey_is_that_grey() -> None:
    raw = np.vstack([GREY, np.full((HEIGHT // 2, WIDTH), 128, np.uint8)])

    bgr = colour(raw.tobytes(), mode("NV12"))

    expected = np.clip((GREY.astype(float) - 16) * 255 / 219, 0, 255)
    assert np.abs(bgr - expected[..., None]).max() <= 2


def test_jpeg_is_what_was_compressed() -> None:
    assert np.abs(colour(jpeg(), mode("MJPG")).astype(int) - SMOOTH).mean() < 5


def test_grey_is_taken_as_it_is() -> None:
    assert np.array_equal(GREY, infrared(GREY.tobytes(), mode("GREY")))


def test_yuyv_infrared_is_its_luma() -> None:
    raw = np.stack([GREY, np.full_like(GREY, 7)], axis=-1)

    assert np.array_equal(GREY, infrared(raw.tobytes(), mode("YUYV")))


@pytest.mark.parametrize(("fourcc", "shift"), [("Y10 ", 2), ("Y12 ", 4), ("Y16 ", 8)])
def test_more_bits_lose_their_lowest(fourcc: str, shift: int) -> None:
    raw = (GREY.astype("<u2") << shift) + 1

    assert np.array_equal(GREY, infrared(raw.tobytes(), mode(fourcc)))


def test_bits_beyond_those_promised_are_white() -> None:
    raw = np.full((HEIGHT, WIDTH), 0xFFFF, "<u2")

    assert 255 == infrared(raw.tobytes(), mode("Y10 ")).min()


def test_padding_of_the_rows_is_left_out() -> None:
    padded = np.full((HEIGHT, WIDTH + 6), 99, np.uint8)
    padded[:, :WIDTH] = GREY

    assert np.array_equal(GREY, infrared(padded.tobytes(), mode("GREY", WIDTH + 6)))


def test_the_picture_is_our_own_memory() -> None:
    raw = GREY.tobytes()

    picture = infrared(raw, mode("GREY"))

    assert picture.flags.writeable
    assert not np.shares_memory(picture, np.frombuffer(raw, np.uint8))


@pytest.mark.parametrize("fourcc", ["GREY", "Y10 ", "Y12 ", "Y16 ", "YUYV"])
def test_too_few_bytes_are_another_mode(fourcc: str) -> None:
    whole = WIDTH * HEIGHT * (1 if fourcc == "GREY" else 2)

    infrared(bytes(whole), mode(fourcc))
    with pytest.raises(WrongModeError, match=str(whole - 1)):
        infrared(bytes(whole - 1), mode(fourcc))


def test_a_jpeg_of_another_size_is_another_mode() -> None:
    with pytest.raises(WrongModeError, match="32x24 is no frame of MJPG 640x480@30"):
        colour(jpeg(), Mode("MJPG", 640, 480, 30))


def test_a_jpeg_that_claims_gigabytes_is_never_decoded() -> None:
    raw = bytearray(jpeg())
    at = raw.index(b"\xff\xc0")
    raw[at + 5 : at + 9] = b"\xff\xdc\xff\xdc"

    assert (65500, 65500) == jpeg_size(bytes(raw))
    with pytest.raises(WrongModeError, match="65500x65500"):
        colour(bytes(raw), mode("MJPG"))


def test_a_picture_without_its_header_is_damaged() -> None:
    with pytest.raises(DamagedFrameError):
        colour(jpeg()[200:], mode("MJPG"))


def test_a_header_without_its_picture_is_damaged() -> None:
    raw = jpeg()

    with pytest.raises(DamagedFrameError):
        colour(raw[: raw.index(b"\xff\xda")], mode("MJPG"))


def test_a_camera_cannot_turn_the_picture_round() -> None:
    # EXIF: rotate by 180 degrees.
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0\0\0\0\0"
    raw = jpeg()
    turned = raw[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2) + exif + raw[2:]

    assert np.array_equal(colour(raw, mode("MJPG")), colour(turned, mode("MJPG")))


def test_halves_of_pixels_are_refused() -> None:
    with pytest.raises(WrongModeError, match="halves"):
        colour(bytes(10_000), Mode("YUYV", 33, 24, 30))


@settings(max_examples=300, deadline=None)
@given(
    fourcc=st.sampled_from(sorted({*COLOUR, *INFRARED})),
    raw=st.binary(max_size=2 * WIDTH * HEIGHT + 8),
    stride=st.integers(0, 200),
)
def test_any_bytes_are_a_picture_of_the_mode_or_refused(
    fourcc: str, raw: bytes, stride: int
) -> None:
    for decode, shape in ((colour, (HEIGHT, WIDTH, 3)), (infrared, (HEIGHT, WIDTH))):
        try:
            picture = decode(raw, mode(fourcc, stride))
        except (DamagedFrameError, WrongModeError):
            continue
        assert (shape, np.uint8) == (picture.shape, picture.dtype)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_an_altered_jpeg_is_a_picture_of_the_mode_or_refused(data: st.DataObject) -> None:
    raw = bytearray(jpeg())
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    for hostile in (bytes(raw), bytes(raw[:cut]), bytes(raw[cut:])):
        try:
            picture = colour(hostile, mode("MJPG"))
        except (DamagedFrameError, WrongModeError):
            continue
        assert (HEIGHT, WIDTH, 3) == picture.shape
