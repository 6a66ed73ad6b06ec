"""Lane 1: every record arrives once, whatever the wire and the centre do."""

from __future__ import annotations

from pathlib import Path

import pytest
from center_bed import INSTITUTION
from harness import wait_for
from uplink_bed import Centre, Machine, cable, centre, skewed

from yibao_face.sync.center.api import Limits, RefusedError
from yibao_face.sync.uplink.api import SKEW_MS, Place, State


def test_a_record_that_is_written_arrives(site: Centre, counter: Machine) -> None:
    with counter.sending():
        wait_for(lambda: counter.status.state is State.ONLINE)
        counter.put(1, 3)
        wait_for(lambda: counter.uplink.drained)

    assert ["D00000001", "D00000002", "D00000003"] == site.deals()
    assert {} == site.alarms()
    assert (0, 0) == (counter.status.waiting, counter.status.dead)
