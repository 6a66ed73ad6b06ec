"""The contract's points, on a true kernel."""

from __future__ import annotations

from dataclasses import replace

import pytest
from beds.vivid.guest.rig import COLOUR, INFRARED, LINKS, Rig, settings
from camera_points import check, each_point

from yibao_face.drivers.conformance.bed import Bed
from yibao_face.drivers.uvc.pair import discover_pair, open_pair
from yibao_face.drivers.uvc.uvc import discover_uvc, open_uvc


def _bed(rig: Rig, driver: str) -> Bed:
    rest = str(LINKS / "platform-vivid.0-video-index0")
    base = Bed(
        "uvc",
        lambda: open_uvc(rest, settings()),
        discover=lambda: discover_uvc(settings()),
        absent=lambda: open_uvc("/dev/video9", settings()),
        unplug=rig.unplug,
        replug=rig.replug,
        stall=rig.stall,
        resume=rig.resume,
        occupy=rig.occupy,
        vacate=rig.vacate,
    )
    if driver == "uvc":
        return base
    return replace(
        base,
        driver="uvc-pair",
        open=lambda: open_pair(rest, settings()),
        discover=lambda: discover_pair(settings()),
        absent=lambda: open_pair(str(COLOUR), settings(infrared="/dev/video9")),
        stall=lambda: rig.stall(INFRARED),
        occupy=lambda: rig.occupy(INFRARED),
    )


@pytest.mark.parametrize("driver", ["uvc", "uvc-pair"])
@each_point()
def test_keeps(rig: Rig, driver: str, point_id: str) -> None:
    check(_bed(rig, driver), point_id)
