"""What a driver may leave out of a frame and of its identity, and what that means."""

from __future__ import annotations

from collections.abc import Callable

from yibao_face.drivers.api import CameraInfo, Capability, Frame, Intrinsics, Pair

Script = Callable[[int], list[Frame]]


def test_what_a_driver_cannot_know_of_its_device_is_empty() -> None:
    info = CameraInfo("uvc", "uvc:0", "camera", "1", Capability.RGB)

    assert ("", "", "", "") == (info.firmware, info.usb_id, info.path, info.device_name)


def test_a_frame_is_registered_and_of_one_moment_unless_it_says_otherwise(script: Script) -> None:
    [frame] = script(1)

    assert (0, None, None) == (frame.skew_us, frame.ir_lit, frame.pair)


def test_flags_told_in_records_and_recipes_keep_their_values() -> None:
    assert [1, 2, 4, 8, 16, 32] == [
        flag.value
        for flag in (
            Capability.RGB,
            Capability.DEPTH,
            Capability.IR,
            Capability.RECORDED,
            Capability.VIRTUAL,
            Capability.PAIRED,
        )
    ]


def test_equal_pairs_are_equal_and_can_be_counted() -> None:
    lens = Intrinsics(640, 480, 600.0, 601.0, 320.0, 240.0)
    pairs = [Pair(lens, (1, 0, 0, 0, 1, 0, 0, 0, 1), (-40.0, 0.0, 0.0)) for _ in range(2)]

    assert 1 == len(set(pairs))
