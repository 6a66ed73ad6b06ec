"""The driver contract, run on the camera of a counter; an engineer's hands are the test bed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from yibao_face.drivers.api import Camera, DeviceError, Frame
from yibao_face.drivers.conformance.bed import Act, Bed, PointFailedError
from yibao_face.drivers.conformance.point import POINTS, Point, first_frame

Tell = Callable[[str], None]
Ask = Callable[[str], str]

_RATED_FRAMES = 30
# Asked of the engineer; pressing Enter says that it is done.
_BY_HAND = {
    "unplug": "请拔下摄像头，然后回车 unplug the camera, then Enter: ",
    "replug": "请插回摄像头，然后回车 plug it in again, then Enter: ",
    "occupy": "请用其他程序打开摄像头，然后回车 open it in another program, then Enter: ",
    "vacate": "请关闭该程序，然后回车 close that program, then Enter: ",
}


def checked(bed: Bed, tell: Tell, ask: Ask | None) -> int:
    """Run every point the bed can be asked for, a line each; how many failed."""
    asked = bed if ask is None else _helped(bed, ask)
    return sum(not _holds(point, asked, tell) for point in POINTS)


def _holds(point: Point, bed: Bed, tell: Tell) -> bool:
    lacking = [need for need in point.needs if not bed.can(need)]
    if lacking:
        tell(f"  -    {point.title} (not asked: needs {', '.join(lacking)})")
        return True
    try:
        point.check(bed)
    except (PointFailedError, DeviceError) as exc:
        tell(f"  FAIL {point.title}: {exc}")
        return False
    tell(f"  ok   {point.title}")
    return True


def _helped(bed: Bed, ask: Ask) -> Bed:
    def by_hand(name: str) -> Act:
        def act() -> None:
            ask(_BY_HAND[name])

        return act

    return replace(
        bed,
        unplug=by_hand("unplug"),
        replug=by_hand("replug"),
        occupy=by_hand("occupy"),
        vacate=by_hand("vacate"),
    )


def timed(open_: Callable[[], Camera]) -> str:
    """How long to the first frame, how many a second, how far apart the planes."""
    started = time.monotonic()
    with open_() as camera:
        first = first_frame(camera)
        cold_s = time.monotonic() - started
        frames: list[Frame] = [first, *(first_frame(camera) for _ in range(_RATED_FRAMES))]
    span_s = (frames[-1].device_us - first.device_us) / 1e6
    skew_ms = max(frame.skew_us for frame in frames) / 1000
    rate = (frames[-1].seq - first.seq) / span_s if span_s > 0 else 0.0
    height, width = first.bgr.shape[:2]
    return (
        f"{width}x{height}, 首帧 first frame {cold_s:.2f} s, {rate:.1f} 帧/秒 frames/s,"
        f" 时差 skew {skew_ms:.1f} ms"
    )
