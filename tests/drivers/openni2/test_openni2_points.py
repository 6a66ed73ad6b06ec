"""The contract of cameras, kept on the real library with a camera that is software."""

from __future__ import annotations

import pytest
from beds.openni2.camera import Astra
from camera_points import check, each_point

from yibao_face.drivers.conformance.bed import Bed
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.openni2.openni2 import discover_openni2, open_openni2


@pytest.fixture
def bed(astra: Astra, settings: Settings) -> Bed:
    return Bed(
        "openni2",
        lambda: open_openni2("", settings),
        discover=lambda: discover_openni2(settings),
        absent=lambda: open_openni2("2bc5/0404", settings),
        unplug=lambda: astra.set(plugged=0),
        replug=lambda: astra.set(plugged=1),
        stall=lambda: astra.set(stalled=1),
        resume=lambda: astra.set(stalled=0),
        occupy=astra.occupy,
        vacate=astra.vacate,
    )


@each_point()
def test_the_openni2_driver_keeps(bed: Bed, point_id: str) -> None:
    check(bed, point_id)
