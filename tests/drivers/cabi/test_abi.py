"""Structs a library filled with anything at all: read as what they hold, or refused."""

from __future__ import annotations

import math
import struct
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from beds.cabi.vendor import INCLUDE
from harness import require
from hypothesis import given, settings
from hypothesis import strategies as st

from yibao_face.drivers.api import Capability, Intrinsics
from yibao_face.drivers.cabi.abi import AbiError, Lent, Shot, ffi, read_frame, read_info

STRUCTS = ("request", "info", "frame", "plane", "lens")
INFO, FRAME = ffi.sizeof("yibao_camera_info"), ffi.sizeof("yibao_camera_frame")
PLANE = struct.Struct("<QQ4I")
# Enough of a picture for every plane these tests offer.
BUFFER: Any = ffi.new("char[]", bytes(range(256)) * 16)
ADDRESS = int(ffi.cast("uintptr_t", BUFFER))
SIDE = st.integers(1, 12)


def info_of(raw: bytes) -> Any:
    lent = Lent("yibao_camera_info")
    ffi.memmove(lent.struct, raw, len(raw))
    return lent.struct


def good_info(width: int = 8, height: int = 6, planes: int = 7) -> Any:
    info = Lent("yibao_camera_info").struct
    info.planes, info.model = planes, b"model"
    info.lens = (width, height, 9.0, 9.0, 4.0, 3.0)
    info.infrared = (height, width, 9.0, 9.0, 4.0, 3.0)
    info.rotation = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    info.translation_mm = [-25.0, 0.0, 0.0]
    return info


@settings(max_examples=300)
@given(st.binary(min_size=INFO, max_size=INFO))
def test_noise_is_no_camera(raw: bytes) -> None:
    with pytest.raises(AbiError):
        read_info(info_of(raw))


@settings(max_examples=500)
@given(st.integers(4, INFO - 1), st.integers(0, 255), st.sampled_from([7, 15]))
def test_one_changed_byte_is_read_as_a_camera_that_can_be_or_refused(
    at: int, value: int, planes: int
) -> None:
    raw = bytearray(ffi.buffer(good_info(planes=planes)))
    raw[at] = value
    try:
        identity = read_info(info_of(bytes(raw)))
    except AbiError:
        return
    lenses = [identity.lens, *([identity.pair.infrared] if identity.pair else [])]

    assert Capability.RGB in identity.info.capability
    assert (identity.pair is not None) == (Capability.PAIRED in identity.info.capability)
    for lens in lenses:
        assert 0 < lens.width <= 16384
        assert 0 < lens.height <= 16384
        assert all(math.isfinite(x) for x in (lens.fx, lens.fy, lens.cx, lens.cy))


@pytest.mark.parametrize("field", ["fx", "fy", "cx", "cy"])
@given(st.sampled_from([math.nan, math.inf, -math.inf, 1e300, -1e300]))
def test_a_lens_of_no_numbers_is_none(field: str, value: float) -> None:
    info = good_info()
    setattr(info.lens, field, value)
    with pytest.raises(AbiError, match="no lens"):
        read_info(info)


@given(st.integers(0, 8), st.floats())
def test_a_rotation_that_does_not_turn_is_none(at: int, value: float) -> None:
    info = good_info(planes=15)
    if abs(value - info.rotation[at]) < 1e-2:
        value += 1.0
    info.rotation[at] = value
    with pytest.raises(AbiError, match="rotation"):
        read_info(info)


def test_the_second_camera_of_a_pair_is_read() -> None:
    identity = read_info(good_info(planes=15))

    assert identity.pair is not None
    assert Intrinsics(6, 8, 9.0, 9.0, 4.0, 3.0) == identity.pair.infrared
    assert (-25.0, 0.0, 0.0) == identity.pair.translation_mm


def frame_with(*planes: tuple[int, int, int, int, int]) -> Any:
    """Each: address, bytes, width, height, stride."""
    raw = struct.pack("<IIQqII", FRAME, 2, 5, 6, 7, 0)
    raw += b"".join(PLANE.pack(*plane, 0) for plane in planes)
    lent = Lent("yibao_camera_frame")
    ffi.memmove(lent.struct, raw, len(raw))
    return lent.struct


@settings(max_examples=300)
@given(SIDE, SIDE, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_any_stride_is_read_pixel_by_pixel(w: int, h: int, a: int, b: int, c: int) -> None:
    identity = read_info(good_info(w, h))
    strides = (3 * w + a, 2 * w + b, w + c)
    rows = (3 * w, 2 * w, w)
    needed = [stride * (h - 1) + row for stride, row in zip(strides, rows, strict=True)]
    planes = [(ADDRESS, n, w, h, s) for n, s in zip(needed, strides, strict=True)]
    shot: Shot = read_frame(frame_with(*planes), identity)
    held = bytes(ffi.buffer(BUFFER))

    assert (5, 6, 7, True) == (shot.number, shot.device_us, shot.skew_us, shot.ir_lit)
    for plane, stride, row in zip((shot.bgr, shot.depth_mm, shot.ir), strides, rows, strict=True):
        assert plane is not None
        assert plane.flags.writeable
        want = [held[stride * y : stride * y + row] for y in range(h)]
        assert want == [line.tobytes() for line in np.asarray(plane)]


@settings(max_examples=500)
@given(
    st.integers(0, 2),
    st.tuples(*[st.one_of(st.integers(0, 70), st.integers(0, 2**32 - 1))] * 4),
)
def test_a_plane_that_does_not_hold_its_rows_is_refused(
    which: int, lie: tuple[int, int, int, int]
) -> None:
    """Whatever passes lies within the bytes it says it has; here never more than there are."""
    identity = read_info(good_info(8, 6))
    planes = [(ADDRESS, 3 * 48, 8, 6, 24), (ADDRESS, 2 * 48, 8, 6, 16), (ADDRESS, 48, 8, 6, 8)]
    size, width, height, stride = lie
    planes[which] = (ADDRESS, min(size, 4096), width, height, stride)
    row = (24, 16, 8)[which]
    fits = (width, height) == (8, 6) and stride >= row and stride * 5 + row <= min(size, 4096)
    try:
        read_frame(frame_with(*planes), identity)
    except AbiError:
        assert not fits
    else:
        assert fits


@settings(max_examples=300)
@given(st.binary(min_size=36, max_size=36))
def test_a_frame_of_noise_is_read_in_its_ranges_or_refused(raw: bytes) -> None:
    identity = read_info(good_info())
    frame = frame_with((ADDRESS, 144, 8, 6, 24), (ADDRESS, 96, 8, 6, 16), (ADDRESS, 48, 8, 6, 8))
    ffi.memmove(ffi.cast("char *", frame) + 4, raw[:28], 28)
    try:
        shot = read_frame(frame, identity)
    except AbiError:
        return

    assert 0 <= shot.number < 2**62
    assert 0 <= shot.device_us < 2**62
    assert 0 <= shot.skew_us <= 10_000_000


@given(st.integers(0, 63), st.integers(0, 255))
def test_a_byte_beyond_a_struct_is_found(at: int, value: int) -> None:
    lent = Lent("yibao_camera_frame")
    ffi.cast("unsigned char *", lent.struct)[FRAME + at] = value
    if value == 0xA5:
        assert lent.filled() == lent.struct
    else:
        with pytest.raises(AbiError, match="beyond"):
            lent.filled()


def test_structs_lie_as_the_compiler_lays_them(tmp_path: Path) -> None:
    lines = [f'printf("%zu\\n", sizeof(yibao_camera_{name}));' for name in STRUCTS]
    body = f'#include "yibao_camera.h"\n#include <stdio.h>\nint main(void) {{ {" ".join(lines)} }}'
    (tmp_path / "sizes.c").write_text(body, "ascii")
    command = [require("gcc"), f"-I{INCLUDE}", str(tmp_path / "sizes.c"), "-o"]
    subprocess.run([*command, str(tmp_path / "sizes")], check=True)
    told = subprocess.run([str(tmp_path / "sizes")], check=True, capture_output=True, text=True)

    assert [ffi.sizeof(f"yibao_camera_{name}") for name in STRUCTS] == [
        int(size) for size in told.stdout.split()
    ]
