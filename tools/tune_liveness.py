"""Fit the soft score of ``models/liveness/gates.json`` on simulated tuning people (仿真).

Prints where living frames end (what the gates are set by, with a margin) and writes the ``soft``
block. Deterministic; 5 minutes on one core. The people are those ``liveness evaluate --test``
never shows.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from yibao_face.daemon.config import load_config
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.evaluate.fit import Sample, edges, fitted
from yibao_face.daemon.evaluate.simulated.encounter import Setup, install_simulator, open_engine
from yibao_face.models.simulator.species import Species

# What says nothing of noise, hair or the room: those differ from site to site.
NAMES = (
    *("gain1", "corr1", "gain2", "corr2", "gain3", "corr3", "rest_gain"),
    *("plane_rms_mm", "quadric_rms_mm", "procrustes_mm", "ring"),
)
GATED = (*NAMES, "ipd_mm", "scale", "valid", "landmarks_valid")
# Sheets in every form: what a score can be right about. Masks and heads are the challenge's.
SHEETS = (
    *("print-flat", "print-curved", "print-vfold", "print-eyeholes", "print-nose-slit"),
    *("print-under-glasses", "paper-mask", "tablet", "monitor"),
)
# Resolution, living people, presentations per sheet: two, lest the score learn one noise.
RUNS = ((0.5, 1000, 120), (1.0, 500, 60))
VIEWS = 5
LEAST_READABLE = 0.45


def main() -> int:
    """Fit, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="JSON of the soft block")
    parser.add_argument("--least", type=float, required=True, help="median score of a session")
    given = parser.parse_args()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    cv2.setNumThreads(1)
    install_simulator(load_config())
    frames = [frame for run in RUNS for frame in _frames(*run)]
    alive = np.array([kind == "live" for kind, _ in frames])
    for name, (low, high) in edges(_sample(GATED, frames, alive), 0.001).items():
        print(f"{name:16} {low:8.3f} .. {high:8.3f}  (0.1 % of living frames lie beyond either)")
    score = fitted(_sample(NAMES, frames, alive), 0.001, Cause.SPOOF_SHAPE)
    block: dict[str, Any] = {
        "trained_on": f"simulated frames of tuning people: {int(alive.sum())} living,"
        f" {int((~alive).sum())} of sheets and screens",
        "bias": round(score.bias, 4),
        "least": given.least,
        "cause": score.cause.value,
        "terms": [_rounded(asdict(term)) for term in score.terms],
    }
    given.out.write_text(json.dumps(block, indent=1), encoding="utf-8")
    return 0


def _frames(scale: float, living: int, attacks: int) -> Iterator[tuple[str, dict[str, float]]]:
    """Readable frames: species and features."""
    engine = open_engine(Setup(load_config(), challenge=False, test=False, scale=scale))
    for species, count in (("live", living), *((sheet, attacks) for sheet in SHEETS)):
        for seed in range(count):
            shown = engine.simulator.present(Species(species), seed, test=False)
            for view in islice(shown.views(), VIEWS):
                features = asdict(engine.gauge.measure(view.depth_mm, view.points, view.lens))
                if min(features["valid"], features["landmarks_valid"]) >= LEAST_READABLE:
                    yield species, features


def _sample(
    names: tuple[str, ...], frames: list[tuple[str, dict[str, float]]], alive: Any
) -> Sample:
    values = np.array([[features[name] for name in names] for _, features in frames])
    return Sample(names, values, alive)


def _rounded(term: dict[str, Any]) -> dict[str, Any]:
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in term.items()}


if __name__ == "__main__":
    raise SystemExit(main())
