"""The contract's points on the RTSP driver, against a real server."""

from __future__ import annotations

import pytest
from beds.network.rtsp_bed import Server, free_port
from camera_points import check, each_point

from yibao_face.drivers.conformance.bed import Bed
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.network.rtsp import RtspCamera, open_rtsp


def open_at(port: int) -> RtspCamera:
    return open_rtsp(f"//127.0.0.1:{port}/cam", Settings())


@pytest.fixture
def bed(server: Server) -> Bed:
    return Bed(
        "rtsp",
        lambda: open_at(server.port),
        absent=lambda: open_at(free_port()),
        unplug=server.kill,
        replug=server.start,
        stall=server.freeze,
        resume=server.thaw,
    )


@each_point()
def test_the_rtsp_driver_keeps(bed: Bed, point_id: str) -> None:
    check(bed, point_id)
