"""How long the lists of a ward take over a store of years: ``python benchmarks/ward.py``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config
from yibao_face.daemon.core.decision import Outcome
from yibao_face.daemon.core.encounter import Answer, Cause, Who
from yibao_face.daemon.core.scene.event import Kind
from yibao_face.daemon.core.scene.ward import Stay
from yibao_face.daemon.desk.desk import Desk
from yibao_face.daemon.desk.figure import view_rate
from yibao_face.daemon.desk.form import Form
from yibao_face.daemon.desk.ward import view_rounds, view_ward
from yibao_face.daemon.ledger import Entry
from yibao_face.daemon.section import DeskConfig
from yibao_face.daemon.wiring import desk_of

HOSPITAL = "001000200030"
PASSED = Outcome(Answer.PASS, Who.SELF, Cause.MATCHED_SELF)
_BESIDE = 500


def main() -> int:
    """Fill a store with admissions, a round each, and discharges of all but 500; time lists."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=10_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="yibao-bench-") as folder:
        config = Config(Path(folder), desk=DeskConfig(institution=HOSPITAL))
        with desk_of(config) as desk:
            fill(desk, given.patients)
            print(f"{desk.ledger.outbox.count()} records")
            for view in (view_ward, view_rounds, view_rate):
                started = time.perf_counter()
                view(desk, Form({}))
                print(f"{view.__name__:12} {time.perf_counter() - started:6.2f} s")
    return 0


def fill(desk: Desk, patients: int) -> None:
    """Synthetic rows, half a minute apart, the last one now."""
    entries = list(rows(patients))
    step_ms, now_ms = 30_000, Clock().unix_ms()
    for number, entry in enumerate(entries, 1):
        at_ms = now_ms - (len(entries) - number) * step_ms
        ledger = replace(desk.ledger, clock=Clock(unix_ms=lambda at_ms=at_ms: at_ms))
        ledger.write(ledger.new_id(), entry)


def rows(patients: int) -> Iterator[Entry]:
    """Admissions first, then a round of each, then the discharges."""
    stay = Stay("三病区", "胸外科", "0301", "01", True).detail()
    for kind in (Kind.ADMISSION, Kind.ROUND, Kind.DISCHARGE):
        last = patients - _BESIDE if kind is Kind.DISCHARGE else patients
        detail = {} if kind is Kind.ROUND else {**stay, "in_hospital": kind is Kind.ADMISSION}
        for number in range(last):
            deal_no = f"{kind.value}-{number}"
            yield Entry(kind, PASSED, HOSPITAL, f"{number:064d}", deal_no, detail=detail)


if __name__ == "__main__":
    sys.exit(main())
