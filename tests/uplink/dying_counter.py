"""A counter that writes records and sends them, one after the other, until it is killed."""

from __future__ import annotations

import logging
import sys
import time
from dataclasses import replace
from pathlib import Path

from uplink_bed import PACE, Machine

from yibao_face.sync.uplink.api import Place

folder, port = Path(sys.argv[1]), int(sys.argv[2])
logging.disable()
machine = Machine(folder, Place("localhost", port))
machine.uplink = machine.another(pace=replace(PACE, coalesce_s=0.01))
machine.uplink.start()
first = machine.outbox.count() + 1
for n in range(first, first + 10_000):
    machine.put(n, n)
    # What is on disk is told, so that the test knows what must not be lost.
    sys.stdout.write(f"{n}\n")
    sys.stdout.flush()
    time.sleep(0.002)
