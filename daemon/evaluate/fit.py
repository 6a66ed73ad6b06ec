"""Fit the soft score on tuning presentations, and say where living heads lie: never on attacks.

The gates stand where living heads end, so that no attack has to be known for them. The soft score
is a logistic over the same features, fitted against known attacks; its limit again lies where
living heads end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.gate import Z_LIMIT, SoftScore, Term

Floats = npt.NDArray[np.float64]

_ROUNDS = 60
_STEP = 0.7
_RIDGE = 0.5
_MAX_LOGIT = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Frames of presentations: ``values`` (n, features) in the order of ``names``.

    ``alive``: (n,) whether it is a living head.
    """

    names: tuple[str, ...]
    values: Floats
    alive: npt.NDArray[np.bool_]


def fitted(sample: Sample, live_share: float, cause: Cause) -> SoftScore:
    """The score that ``live_share`` of the living frames do not reach."""
    living = sample.values[sample.alive]
    middle, spread = living.mean(0), living.std(0) + 1e-6
    design = _design((sample.values - middle) / spread)
    weight = _logistic(design, sample.alive.astype(np.float64))
    least = float(np.quantile((design @ weight)[sample.alive], live_share))
    count = len(sample.names)
    linear, magnitude = weight[1 : count + 1], weight[count + 1 :]
    columns = zip(sample.names, middle, spread, linear, magnitude, strict=True)
    terms = tuple(Term(name, *map(float, numbers)) for name, *numbers in columns)
    return SoftScore(terms, float(weight[0]), least, cause)


def edges(sample: Sample, live_share: float) -> Mapping[str, tuple[float, float]]:
    """Of each feature, the values ``live_share`` of the living frames lie below and above."""
    living = sample.values[sample.alive]
    low, high = np.quantile(living, [live_share, 1 - live_share], axis=0)
    pairs: Sequence[tuple[float, float]] = list(zip(low.tolist(), high.tolist(), strict=True))
    return dict(zip(sample.names, pairs, strict=True))


def _design(z: Floats) -> Floats:
    """(n, 1 + 2k): one, the bounded features, minus how far out they lie."""
    bounded = np.clip(z, -Z_LIMIT, Z_LIMIT)
    return np.hstack([np.ones((len(z), 1)), bounded, -np.abs(bounded)])


def _logistic(design: Floats, alive: Floats) -> Floats:
    """Ridge logistic regression by damped Newton steps; both classes weigh the same."""
    weight = np.zeros(design.shape[1], np.float64)
    share = float(alive.mean())
    balance = np.where(alive > 0, 0.5 / share, 0.5 / (1 - share)).astype(np.float64)
    for _ in range(_ROUNDS):
        weight = _stepped(weight, design, alive, balance)
    return weight


def _stepped(weight: Floats, design: Floats, alive: Floats, balance: Floats) -> Floats:
    logit = np.clip(design @ weight, -_MAX_LOGIT, _MAX_LOGIT).astype(np.float64)
    chance = 1 / (1 + np.exp(-logit))
    bent = design * (balance * chance * (1 - chance))[:, None]
    curve: Floats = bent.T @ design + _RIDGE * np.eye(len(weight))
    slope: Floats = design.T @ (balance * (chance - alive)) + _RIDGE * weight
    return np.asarray(weight - _STEP * np.linalg.solve(curve, slope), dtype=np.float64)
