"""The points of the contract every camera driver keeps (``drivers.api.Camera``), each a check.

``POINTS`` is the one list: test beds, ``yibao-face camera test`` and the YAML file each driver has
beside this module are read against it.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import psutil

from yibao_face.drivers.api import (
    Camera,
    Capability,
    DeviceBusyError,
    DeviceError,
    DeviceLostError,
    DeviceMissingError,
    DeviceStalledError,
    Frame,
)
from yibao_face.drivers.conformance.bed import Bed, must, planes_of

FRAMES = 10
# Of the first frame: projectors and exposure settle, a child process starts.
PATIENCE_S = 10.0
GRACE_S = 0.5
# From the fault until the caller knows (the contract of the counter).
TOLD_S = 3.0
_ROUNDS = 6
_MAX_AGE_S = 1.0


@dataclass(frozen=True, slots=True)
class Point:
    """``check`` raises ``PointFailedError``; ``needs``: what the bed must be able to do for it."""

    id: str
    title: str
    check: Callable[[Bed], None]
    needs: tuple[str, ...] = ()


def first_frame(camera: Camera, patience_s: float = PATIENCE_S) -> Frame:
    """The next frame, waited for in short reads; ``DeviceStalledError`` where none comes."""
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        frame = camera.read(0.2)
        if frame is not None:
            return frame
    raise DeviceStalledError(f"{camera.info.uri} sent no frame within {patience_s:g} s")


def _frames(camera: Camera, count: int = FRAMES) -> list[Frame]:
    return [first_frame(camera) for _ in range(count)]


def _frames_come(bed: Bed) -> None:
    with bed.open() as camera:
        _frames(camera)


def _planes_fit(bed: Bed) -> None:
    with bed.open() as camera:
        wanted = planes_of(camera.info.capability)
        for frame in _frames(camera):
            lens, pair = frame.intrinsics, frame.pair
            must("bgr" in wanted, f"capability {camera.info.capability} has no colour")
            kinds = {"bgr": (frame.bgr, np.uint8), "depth_mm": (frame.depth_mm, np.uint16)}
            for name, (plane, kind) in {**kinds, "ir": (frame.ir, np.uint8)}.items():
                must((plane is not None) == (name in wanted), f"{name} against {wanted}")
                of = pair.infrared if name == "ir" and pair is not None else lens
                size = (of.height, of.width, 3)[: 3 if name == "bgr" else 2]
                must(
                    plane is None or (plane.shape == size and plane.dtype == kind),
                    f"{name} is {None if plane is None else (plane.shape, plane.dtype)}",
                )


def _planes_are_own(bed: Bed) -> None:
    with bed.open() as camera:
        planes = [p for f in _frames(camera) for p in (f.bgr, f.depth_mm, f.ir) if p is not None]
        shared = any(np.shares_memory(a, b) for a, b in combinations(planes, 2))
        must(not shared, "two planes share their memory")
        must(all(p.flags.writeable for p in planes), "a plane is a view into somebody's buffer")


def _order_holds(bed: Bed) -> None:
    with bed.open() as camera:
        for before, now in pairwise(_frames(camera)):
            must(before.seq < now.seq, f"seq {before.seq} is followed by {now.seq}")
            must(before.at_ns < now.at_ns, "at_ns does not rise")
            must(before.device_us < now.device_us, "device_us does not rise")
            must(now.skew_us >= 0, f"skew_us {now.skew_us}")


def _time_is_ours(bed: Bed) -> None:
    with bed.open() as camera:
        for _ in range(FRAMES):
            frame = first_frame(camera)
            age_s = (time.monotonic_ns() - frame.at_ns) / 1e9
            must(0 <= age_s < _MAX_AGE_S, f"a frame was {age_s:.2f} s old when it was read")


def _nothing_twice(bed: Bed) -> None:
    with bed.open() as camera:
        frames = _frames(camera)
        for name in planes_of(camera.info.capability):
            planes = [getattr(frame, name) for frame in frames]
            twice = any(np.array_equal(a, b) for a, b in pairwise(planes))
            must(not twice, f"{name} was delivered twice")


def _identity_is_told(bed: Bed) -> None:
    with bed.open() as camera:
        info = camera.info
        first_frame(camera)
        must(info.driver == bed.driver, f"driver says {info.driver!r}")
        must(bool(info.uri and info.model), "uri or model is empty")
        must(info == camera.info, "info changed while open")
        must("@" not in info.uri, "uri holds a password")


def _read_ends_in_time(bed: Bed) -> None:
    with bed.open() as camera:
        first_frame(camera)
        for timeout_s in (0.0, 0.001, 0.05):
            _timed_read(camera, timeout_s)


def _timed_read(camera: Camera, timeout_s: float) -> Frame | None:
    started = time.monotonic()
    frame = camera.read(timeout_s)
    took_s = time.monotonic() - started
    must(took_s <= timeout_s + GRACE_S, f"read({timeout_s}) took {took_s:.2f} s")
    return frame


def _silence_is_none(bed: Bed) -> None:
    """What was under way when the camera fell silent may still come; then nothing does."""
    with bed.open() as camera:
        first_frame(camera)
        _do(bed.stall)
        try:
            got = [_timed_read(camera, 0.3) for _ in range(8)]
        finally:
            _do(bed.resume)
        must(got[-1] is None, "frames went on although the camera was stalled")


def _goes_on_after_silence(bed: Bed) -> None:
    with bed.open() as camera:
        first_frame(camera)
        _do(bed.stall)
        silent_from = time.monotonic_ns()
        time.sleep(1.0)
        _do(bed.resume)
        frame = first_frame(camera, TOLD_S)
        while frame.at_ns < silent_from:
            frame = first_frame(camera, TOLD_S)


def _unplugged_is_lost(bed: Bed) -> None:
    with bed.open() as camera:
        first_frame(camera)
        _do(bed.unplug)
        try:
            _must_be_lost(camera, TOLD_S)
            for _ in range(3):
                _must_be_lost(camera, GRACE_S)
        finally:
            _do(bed.replug)


def _must_be_lost(camera: Camera, within_s: float) -> None:
    until = time.monotonic() + within_s
    while True:
        try:
            camera.read(0.1)
        except DeviceLostError:
            return
        except DeviceError as exc:
            must(held=False, seen=f"{type(exc).__name__} instead of DeviceLostError: {exc}")
        must(time.monotonic() < until, f"the loss was not told within {within_s} s")


def _replugged_opens(bed: Bed) -> None:
    _do(bed.unplug)
    _do(bed.replug)
    opened = _within(TOLD_S, bed.open)
    with opened as camera:
        first_frame(camera, TOLD_S)


def _within(seconds: float, open_: Callable[[], Camera]) -> Camera:
    """Try until it opens; systems need a moment to name a device again."""
    until = time.monotonic() + seconds
    while True:
        try:
            return open_()
        except DeviceError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def _busy_is_told(bed: Bed) -> None:
    _do(bed.occupy)
    try:
        _must_refuse(bed.open, DeviceBusyError)
    finally:
        _do(bed.vacate)
    with _within(TOLD_S, bed.open) as camera:
        first_frame(camera)


def _one_owner(bed: Bed) -> None:
    with bed.open() as camera:
        first_frame(camera)
        _must_refuse(bed.open, DeviceBusyError)
        first_frame(camera)


def _absence_is_told(bed: Bed) -> None:
    assert bed.absent is not None  # noqa: S101  # ``needs`` says so
    _must_refuse(bed.absent, DeviceMissingError)


def _must_refuse(open_: Callable[[], Camera], kind: type[DeviceError]) -> None:
    started = time.monotonic()
    try:
        camera = open_()
    except DeviceError as exc:
        took_s = time.monotonic() - started
        must(isinstance(exc, kind), f"{type(exc).__name__} instead of {kind.__name__}: {exc}")
        must(took_s <= TOLD_S, f"{kind.__name__} took {took_s:.1f} s")
        must(bool(str(exc)), "the error says nothing")
        return
    camera.close()
    must(held=False, seen=f"opened, where {kind.__name__} was due")


def _close_is_final(bed: Bed) -> None:
    camera = bed.open()
    first_frame(camera)
    camera.close()
    camera.close()
    _must_be_lost(camera, GRACE_S)


def _close_ends_a_read(bed: Bed) -> None:
    camera = bed.open()
    first_frame(camera)
    closer = threading.Timer(0.1, camera.close)
    closer.start()
    try:
        _must_be_lost(camera, TOLD_S)
    finally:
        closer.join()


def _closed_opens_again(bed: Bed) -> None:
    for _ in range(3):
        with _within(TOLD_S, bed.open) as camera:
            first_frame(camera)


def _is_discovered(bed: Bed) -> None:
    assert bed.discover is not None  # noqa: S101  # ``needs`` says so
    found = bed.discover()
    with bed.open() as camera:
        mine = camera.info
        must(any(_same_device(mine, other) for other in found), f"{mine.uri} is not in {found}")
        first_frame(camera)
        bed.discover()
        first_frame(camera)


def _same_device(one: object, other: object) -> bool:
    names = ("driver", "serial", "usb_id", "path")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _nothing_is_kept(bed: Bed) -> None:
    """The first rounds fill caches; the later ones must not add a thread, file or mapping."""
    before = (0, 0)
    for turn in range(_ROUNDS):
        with _within(TOLD_S, bed.open) as camera:
            first_frame(camera)
        del camera
        gc.collect()
        if turn == 1:
            before = _held()
    after = _held()
    must(after <= before or _settles(before), f"files, threads {before} became {after}")


def _settles(wanted: tuple[int, int]) -> bool:
    until = time.monotonic() + 2.0
    while time.monotonic() < until:
        held = _held()
        if held[0] <= wanted[0] and held[1] <= wanted[1]:
            return True
        time.sleep(0.05)
    return False


def _held() -> tuple[int, int]:
    me = psutil.Process()
    return me.num_handles() if sys.platform == "win32" else me.num_fds(), me.num_threads()


def _is_marked(bed: Bed) -> None:
    """What was recorded says so: nothing else keeps it from settling."""
    with bed.open() as camera:
        flags = camera.info.capability
        must((Capability.RECORDED in flags) == bed.recorded, f"capability {flags}")


def _do(act: Callable[[], None] | None) -> None:
    assert act is not None  # noqa: S101  # ``needs`` says so
    act()


POINTS = (
    Point("frames-come", "frames come one after the other", _frames_come),
    Point("planes-fit", "planes have the size and kind their calibration says", _planes_fit),
    Point("planes-are-own", "a frame keeps its planes for itself", _planes_are_own),
    Point("order-holds", "sequence and both clocks rise, skew is told", _order_holds),
    Point("time-is-ours", "at_ns is the host's clock at the receipt", _time_is_ours),
    Point("nothing-twice", "no plane is delivered twice", _nothing_twice),
    Point("identity-told", "driver, uri and model are told and do not change", _identity_is_told),
    Point("marked", "a recording says what it is", _is_marked),
    Point("read-in-time", "a read ends in time", _read_ends_in_time),
    Point(
        "silence-is-none", "silence is no frame, in time", _silence_is_none, ("stall", "resume")
    ),
    Point(
        "silence-ends", "frames go on after silence", _goes_on_after_silence, ("stall", "resume")
    ),
    Point("unplug-lost", "unplugging is told as loss", _unplugged_is_lost, ("unplug", "replug")),
    Point(
        "replug-opens", "what is plugged in again opens", _replugged_opens, ("unplug", "replug")
    ),
    Point("busy-told", "another program's hold is told", _busy_is_told, ("occupy", "vacate")),
    Point("one-owner", "a camera has one owner", _one_owner),
    Point("absence-told", "a device that is not there is told", _absence_is_told, ("absent",)),
    Point("close-final", "close is final and may come twice", _close_is_final),
    Point("close-ends-read", "close ends a read that waits", _close_ends_a_read),
    Point("opens-again", "what was closed opens again", _closed_opens_again),
    Point("discovered", "the camera is found, also while it runs", _is_discovered, ("discover",)),
    Point("nothing-kept", "opening again and again keeps nothing", _nothing_is_kept),
)
BY_ID = {point.id: point for point in POINTS}
