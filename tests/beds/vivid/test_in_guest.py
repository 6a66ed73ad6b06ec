"""Boots a machine with Debian's kernel and its vivid cameras and runs ``guest`` in it."""

from __future__ import annotations

import os

import pytest
from beds.vivid.machine import TOOLS, MachineError, kernel, run_inside, with_python
from harness import lacking, require

_TESTS = "tests/beds/vivid/guest"
# Emulated: what takes a second in there takes three or four out here.
_LIMIT_S = 600.0
CYCLES = os.environ.get("YIBAO_FACE_CYCLES", "20")
_PER_CYCLE_S = 6.0


@pytest.mark.timeout(_LIMIT_S + 180 + _PER_CYCLE_S * int(CYCLES))
def test_the_drivers_hold_on_a_true_kernel() -> None:
    for tool in TOOLS:
        require(tool)
    try:
        kernel()
    except MachineError as exc:
        lacking(str(exc))
    command = f"-m pytest -q -p no:cacheprovider --durations=10 -rA {_TESTS}"
    job = with_python(command, YIBAO_FACE_CYCLES=CYCLES)

    ran = run_inside(job, _LIMIT_S + _PER_CYCLE_S * int(CYCLES))

    print(ran.output)  # noqa: T201  # figures, shown on demand; all of it when the test fails
    assert 0 == ran.code, ran.output
