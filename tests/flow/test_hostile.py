"""A short run of the benchmark of hostile calls: answered, refused, recorded, survived."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from harness import ROOT

from yibao_face.daemon.config import HOME_VARIABLE, Config

REQUESTS = 2000


def test_no_hostile_call_gets_past_a_record_or_breaks_the_daemon(home: Config) -> None:
    script = ROOT / "benchmarks" / "hostile.py"
    done = subprocess.run(
        [sys.executable, str(script), "--requests", str(REQUESTS), "--seed", "5"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, HOME_VARIABLE: str(home.data), "PYTHONUTF8": "1"},
        check=False,
    )
    said = next((x for x in done.stdout.splitlines() if x.startswith("{")), "{}")
    figures = json.loads(said)

    assert (0, 0) == (done.returncode, figures.get("wrong")), done.stdout + done.stderr
    assert figures["requests"] >= REQUESTS
    # Both kinds of answers that let somebody go on were among them.
    assert figures["passed"] > 0
    assert figures["spared"] > 50
    assert figures["signed"] > 0
