"""Two counters, clocks a day to either side, cut off and joined again: one truth at the centre."""

from __future__ import annotations

from pathlib import Path

from harness import wait_for
from uplink_bed import Machine, cable, centre, skewed

from yibao_face.daemon.trust.signature import Ed25519Signer
from yibao_face.sync.uplink.api import Place, State

DAY_MS = 86_400_000


def test_after_a_partition_both_counters_records_are_there_once(tmp_path: Path) -> None:
    with centre(tmp_path / "center") as site, cable(site.port) as left, cable(site.port) as right:
        machines: list[Machine] = []
        for name, wire, by_ms in (("left", left, -DAY_MS), ("right", right, DAY_MS)):
            place = Place("localhost", wire.port)
            signer = Ed25519Signer(name.ljust(32).encode())
            machine = Machine(tmp_path / name, place, signer=signer, hands=skewed(by_ms))
            machine.enrol(site, name)
            machine.uplink.start()
            machines.append(machine)
        first, second = machines
        wait_for(lambda: all(m.status.state is State.ONLINE for m in machines))
        left.unplug()
        first.put(1, 250)
        second.put(1001, 1020)
        wait_for(lambda: second.uplink.drained and first.status.state is State.OFFLINE)
        right.unplug()
        left.plugged = True
        second.put(1021, 1040)
        first.put(251, 260)
        wait_for(lambda: first.uplink.drained)
        right.plugged = True
        wait_for(lambda: second.uplink.drained)
        for machine in machines:
            machine.uplink.stop()

        stored = [(row["device"], row["seq"]) for row in site.stored()]
        offsets = [machine.status.offset_ms or 0 for machine in machines]
        assert [*[("left", n) for n in range(1, 261)], *[("right", n) for n in range(1, 41)]] == (
            stored
        )
        assert {"clock-skew"} == site.alarms().keys()
        assert [True, True] == [machine.status.skewed for machine in machines]
        assert [1, -1] == [round(offset / DAY_MS) for offset in offsets]
        for machine in machines:
            machine.close()
