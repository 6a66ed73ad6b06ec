"""What OpenNI2's recorder wrote comes out of the driver as it went in."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
from beds.openni2.camera import Astra, bgr, build_recorder, depth_mm, exposure_of, ir

from yibao_face.drivers.api import Capability
from yibao_face.drivers.conformance.point import first_frame
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.openni2.openni2 import open_openni2

COUNT, SIZE = 45, (320, 240)
RECORDED = Capability.RGB | Capability.DEPTH | Capability.IR | Capability.RECORDED


def test_a_recording_plays_bit_for_bit_and_starts_over(
    astra: Astra, settings: Settings, runtime: Path, tmp_path: Path
) -> None:
    del astra
    path = tmp_path / "made.oni"
    # Some more of depth: the others stop with it, and it may have begun before them.
    subprocess.run([build_recorder(runtime), path, str(COUNT + 5)], check=True, timeout=60)
    with open_openni2(f"file={path}", settings) as camera:
        assert RECORDED == camera.info.capability
        # A busy machine may let exposures pass unseen: they come again in the next round.
        exact: set[int] = set()
        times = [0]
        for _ in range(6 * COUNT):
            frame = first_frame(camera)
            assert frame.depth_mm is not None
            assert frame.ir is not None
            k = exposure_of(frame.depth_mm)
            # The recorder lets each stream's clock begin at its own first exposure.
            near = range(max(0, k - 3), k + 4)
            assert np.array_equal(depth_mm(k, *SIZE), frame.depth_mm)
            assert np.array_equal(bgr(int(frame.bgr[0, 0, 0]), *SIZE), frame.bgr)
            assert any(np.array_equal(ir(one, *SIZE), frame.ir) for one in near)
            exact.add(k)
            times.append(frame.device_us)
            if len(exact) >= COUNT and len(times) > COUNT + 15:
                break
    assert COUNT <= len(exact)
    assert sorted(set(times[1:])) == times[1:]
