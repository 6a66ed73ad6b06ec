"""Depth and infrared that are no depth and no infrared: nobody ever passes by them. Simulated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import FIRST, his_call, running
from moving_face import frames, living

from yibao_face.daemon.config import Config
from yibao_face.daemon.core.encounter import HINTS, Cause
from yibao_face.daemon.demo.picture import scene
from yibao_face.drivers.api import Capability, Frame
from yibao_face.drivers.replay import ReplayCamera
from yibao_face.drivers.virtual import VirtualCamera
from yibao_face.sync.api import Query

Break = Callable[[Frame], Frame]
COUNT = 8
# Several times what the networks take to look at all of them.
CAPTURE_S = 0.6
# Nobody was judged: a hint that lasted, or the camera's own fault.
REFUSALS = {*HINTS, Cause.STREAM_IMPLAUSIBLE}
# More to the side than half a head is wide: its mirror image is beside it.
ASIDE_PX = 110.0


@cache
def live(clips: Path) -> tuple[Frame, ...]:
    """Frames of the clip that passes."""
    with ReplayCamera(clips / "live-first.rgbd", paced=False) as camera:
        found = [camera.read(5.0) for _ in range(COUNT)]
    return tuple(frame for frame in found if frame is not None)


def depth(of: Callable[[Any], Any]) -> Break:
    """A frame with another depth, made of its own; of a kind no driver should send, perhaps."""
    return lambda frame: replace(frame, depth_mm=of(frame.depth_mm))


def infrared(of: Callable[[Any], Any]) -> Break:
    return lambda frame: replace(frame, ir=of(frame.ir))


def unlit(frame: Frame) -> Frame:
    return replace(frame, ir_lit=False)


def holes(plane: Any) -> Any:
    found = plane.astype(np.float32)
    found[100:300] = np.nan
    return found


DEPTHS: dict[str, tuple[Break, set[str]]] = {
    "missing": (depth(lambda _d: None), {"depth-poor"}),
    "all zero": (depth(np.zeros_like), {"depth-poor"}),
    "all far": (depth(lambda d: np.full(d.shape, 65_535, np.uint16)), {"depth-poor", "too-far"}),
    # The same of nothing in every frame: no sensor does that.
    "no number": (depth(lambda d: np.full(d.shape, np.nan, np.float32)), {"stream-implausible"}),
    "some no number": (depth(holes), {"depth-poor"}),
    "short": (depth(lambda d: d[:-40]), {"depth-poor"}),
    "half size": (depth(lambda d: d[::2, ::2]), {"depth-poor"}),
    "turned on its side": (depth(lambda d: d.T), {"depth-poor"}),
    "one row": (depth(lambda d: d[0]), {"depth-poor"}),
    "empty": (depth(lambda d: d[:0]), {"depth-poor"}),
    "three planes": (depth(lambda d: np.stack([d] * 3, 2)), {"depth-poor"}),
    "eight bits": (depth(lambda d: (d // 16).astype(np.uint8)), {"depth-poor"}),
    "signed": (depth(lambda d: d.astype(np.int16)), {"depth-poor"}),
    "metres": (
        depth(lambda d: ((d.astype(np.uint32) + 500) // 1000).astype(np.uint16)),
        {"depth-poor", "too-near"},
    ),
    "metres as fractions": (depth(lambda d: d.astype(np.float32) / 1000), {"depth-poor"}),
    "tenths of a millimetre": (
        depth(lambda d: np.minimum(d.astype(np.uint32) * 10, 65_535).astype(np.uint16)),
        {"too-far", "depth-poor"},
    ),
}
INFRAREDS: dict[str, Break] = {
    "missing": infrared(lambda _i: None),
    "short": infrared(lambda i: i[:-40]),
    "half size": infrared(lambda i: i[::2, ::2]),
    "one row": infrared(lambda i: i[0]),
    "sixteen bits": infrared(lambda i: i.astype(np.uint16) * 256),
    "some no number": infrared(holes),
    "unlit": unlit,
}


def ended(config: Config, shown: list[Frame], capability: Capability | None = None) -> str:
    """How a settlement before these frames ended; never with a pass."""
    everything = Capability.RGB | Capability.DEPTH | Capability.IR
    patience = replace(
        config,
        camera=replace(config.camera, silence_s=10.0),
        encounter=replace(config.encounter, capture_s=CAPTURE_S),
    )

    def opened() -> VirtualCamera:
        return VirtualCamera([*shown, 9.0], capability or everything, live=True)

    with running(patience, demo=False, camera=opened) as site:
        answer = site.caller.authenticate(his_call(FIRST))
        [record] = site.daemon.ledger.outbox.find(Query())
    assert (0, "") == (answer["code"], answer["cp_no"])
    return record.cause


@pytest.mark.parametrize("name", DEPTHS)
def test_depth_that_is_none_is_told_and_nobody_passes(
    cast: Config, clips: Path, name: str
) -> None:
    broken, causes = DEPTHS[name]

    cause = ended(cast, [broken(frame) for frame in live(clips)])

    assert cause in causes
    assert Cause(cause) in REFUSALS


@pytest.mark.parametrize("name", INFRAREDS)
def test_infrared_that_is_none_is_told_and_nobody_passes(
    cast: Config, clips: Path, name: str
) -> None:
    assert "ir-poor" == ended(cast, [INFRAREDS[name](frame) for frame in live(clips)])


@pytest.mark.parametrize("name", [n for n in DEPTHS if n not in ("missing", "all zero")])
def test_a_single_good_frame_among_bad_ones_does_not_help(
    cast: Config, clips: Path, name: str
) -> None:
    broken, _ = DEPTHS[name]
    first, *others = live(clips)

    cause = ended(cast, [first, *(broken(frame) for frame in others)])

    assert Cause(cause) in REFUSALS


def test_depth_that_is_mirrored_is_beside_the_face(
    cast: Config, person: Callable[[str], scene.Subject]
) -> None:
    mirrored = depth(lambda d: np.ascontiguousarray(d[:, ::-1]))
    shown = frames(living(person("first-2")), 0, COUNT, ASIDE_PX)

    cause = ended(cast, [mirrored(frame) for frame in shown])

    assert Cause(cause) in HINTS


def test_the_same_face_aside_with_its_own_depth_is_judged(
    cast: Config, person: Callable[[str], scene.Subject]
) -> None:
    """What the mirrored one is refused for is the mirror, not the place."""

    def opened() -> VirtualCamera:
        shown = frames(living(person("first-2")), 0, COUNT, ASIDE_PX)
        return VirtualCamera([*shown], live=True)

    with running(cast, demo=False, camera=opened) as site:
        assert 1 == site.caller.authenticate(his_call(FIRST))["code"]


@pytest.mark.parametrize("skew_us", [120_000, -1], ids=["late", "none can be below 0"])
def test_planes_of_different_moments_are_not_judged(
    cast: Config, clips: Path, skew_us: int
) -> None:
    assert "unsynced" == ended(cast, [replace(f, skew_us=skew_us) for f in live(clips)])


def test_depth_that_stands_still_under_a_moving_picture_is_no_camera(
    cast: Config, clips: Path
) -> None:
    first = live(clips)[0]

    cause = ended(cast, [replace(frame, depth_mm=first.depth_mm) for frame in live(clips)])

    assert "stream-implausible" == cause


def test_a_camera_that_never_promised_depth_settles_nothing(cast: Config, clips: Path) -> None:
    colour = Capability.RGB | Capability.IR

    assert "no-depth-camera" == ended(cast, list(live(clips)), colour)


def test_an_old_frame_is_not_judged(cast: Config, clips: Path) -> None:
    """Frames of another time, from a camera that does not say they are recorded."""

    def opened() -> VirtualCamera:
        return VirtualCamera([replace(f, at_ns=f.device_us * 1000) for f in live(clips)] + [9.0])

    quick = replace(cast, encounter=replace(cast.encounter, capture_s=CAPTURE_S))
    patience = replace(quick, camera=replace(cast.camera, silence_s=10.0))
    with running(patience, demo=False, camera=opened) as site:
        site.caller.authenticate(his_call(FIRST))
        [record] = site.daemon.ledger.outbox.find(Query())

    assert "unsynced" == record.cause
