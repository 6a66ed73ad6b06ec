"""Scores of all pairs without keeping them, thresholds at a false accept rate, fused templates.

A score of exactly the threshold is accepted.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from yibao_face.daemon.calibrate.interval import Rate

# A person of hundreds of pictures would otherwise stand for everybody.
GENUINE_CAP = 10
BIN = 1e-4
_BINS = round(2 / BIN) + 1
# Share of the impostor pairs whose scores are kept exactly: thresholds up to this FAR are exact.
_EXACT = 1e-3
_BLOCK = 512

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Impostors:
    """Scores of pairs of different persons.

    ``counts``: (20001,) by steps of ``BIN`` from -1. ``tail``: the highest, ascending; ``pairs``:
    (len, 2) rows they belong to.
    """

    counts: Ints
    tail: Floats
    pairs: Ints

    @property
    def total(self) -> int:
        """Number of pairs."""
        return int(self.counts.sum())

    def passing(self, limit: float) -> int:
        """Pairs with at least ``limit``; below the tail, whole bins: never too few."""
        if len(self.tail) == self.total or (len(self.tail) and limit > self.tail[0]):
            return len(self.tail) - int(np.searchsorted(self.tail, np.float64(limit)))
        start = int(np.clip(np.floor((limit + 1) / BIN - 0.01), 0, _BINS))
        return int(self.counts[start:].sum())

    def at_far(self, far: float) -> float:
        """Least threshold that at most ``far`` of the pairs pass; ``far``: 0.001 or less."""
        allowed = int(far * self.total)
        if allowed >= len(self.tail):
            raise ValueError(f"FAR {far:g} lies below the exact tail of {len(self.tail)} scores")
        worst = self.tail[len(self.tail) - 1 - allowed]
        return float(np.nextafter(worst, np.float32(2.0)))


@dataclass(frozen=True, slots=True, eq=False)
class Genuine:
    """``scores`` of pairs of one person, and the ``persons`` they belong to."""

    scores: Floats
    persons: Ints

    def missed(self, limit: float) -> Rate:
        """Pairs below ``limit``."""
        return Rate(int((self.scores < np.float64(limit)).sum()), len(self.scores))


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """``template`` pictures fused against ``probe`` pictures fused."""

    template: int
    probe: int
    genuine: Genuine
    impostors: Impostors

    def accepted(self, limit: float) -> Rate:
        """Impostor pairs of at least ``limit``."""
        return Rate(self.impostors.passing(limit), self.impostors.total)


class _Tail:
    """Keeps the ``size`` highest scores of all it is shown."""

    def __init__(self, size: int) -> None:
        self.size, self.floor = size, np.float32(-np.inf)
        self._scores: list[Floats] = []
        self._pairs: list[Ints] = []
        self._held = 0

    def add(self, scores: Floats, pairs: Ints) -> None:
        """Some more; those below the floor are not wanted."""
        self._scores.append(scores)
        self._pairs.append(pairs)
        self._held += len(scores)
        if self._held > 4 * self.size:
            self._trim()

    def best(self) -> tuple[Floats, Ints]:
        """Ascending, with their pairs."""
        self._trim()
        return self._scores[0], self._pairs[0]

    def _trim(self) -> None:
        scores = np.concatenate([np.zeros(0, np.float32), *self._scores])
        pairs = np.concatenate([np.zeros((0, 2), np.int64), *self._pairs])
        order = np.argsort(scores, kind="stable")[-self.size :]
        self._scores, self._pairs, self._held = [scores[order]], [pairs[order]], len(order)
        if len(order) == self.size:
            self.floor = scores[order[0]]


def codes_of(owners: Sequence[str]) -> Ints:
    """Persons as numbers from 0, in order of their names."""
    return np.unique(np.asarray(owners), return_inverse=True)[1].astype(np.int64)


def renumbered(codes: Ints) -> Ints:
    """The same persons numbered from 0 without gaps."""
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)


def one_to_one(vectors: Floats, codes: Ints) -> Trial:
    """Every picture against every other."""
    order = np.argsort(codes, kind="stable")
    ranked, persons = vectors[order], codes[order]
    ends = np.searchsorted(persons, persons, side="right")
    impostors = _impostors(ranked, ranked, ends, order, order)
    return Trial(1, 1, _genuine(vectors, codes), impostors)


def fused(vectors: Floats, codes: Ints, template: int, probe: int, seed: int) -> Trial:
    """Means of several pictures: one genuine pair of disjoint pictures per person with enough.

    Everybody with ``template`` pictures is a template, everybody with ``probe`` pictures a probe.
    """
    random = np.random.default_rng([seed, template, probe])
    picks = [random.permutation(np.flatnonzero(codes == code)) for code in range(_persons(codes))]
    ours, theirs = (
        [p[:template] if len(p) >= template else None for p in picks],
        [_probe(p, template, probe) for p in picks],
    )
    left, left_codes = _fuse(vectors, ours)
    right, right_codes = _fuse(vectors, theirs)
    impostors = _impostors_across(left, left_codes, right, right_codes)
    enough = [code for code, p in enumerate(picks) if len(p) >= template + probe]
    at, to = np.searchsorted(left_codes, enough), np.searchsorted(right_codes, enough)
    scores = np.einsum("ij,ij->i", left[at], right[to]).astype(np.float32)
    return Trial(template, probe, Genuine(scores, np.array(enough, np.int64)), impostors)


def bootstrap(
    genuine: Genuine, limit: float, seed: int, resamples: int = 1000
) -> tuple[float, float]:
    """95 % of the FRR at ``limit`` over samples of persons, drawn anew with replacement."""
    _, persons = np.unique(genuine.persons, return_inverse=True)
    if not len(persons):
        return 0.0, 1.0
    errors = np.bincount(persons, genuine.scores < np.float64(limit))
    trials = np.bincount(persons)
    random = np.random.default_rng(seed)
    draws = (random.integers(0, len(trials), len(trials)) for _ in range(resamples))
    rates = [errors[drawn].sum() / trials[drawn].sum() for drawn in draws]
    low, high = np.quantile(rates, [0.025, 0.975])
    return float(low), float(high)


def halves(codes: Ints, seed: int) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Rows of one half of the persons, and of the other."""
    persons = _persons(codes)
    first = np.random.default_rng(seed).permutation(persons)[: persons // 2]
    mask = np.isin(codes, first)
    return mask, ~mask


def _persons(codes: Ints) -> int:
    return int(codes.max()) + 1 if len(codes) else 0


def _genuine(vectors: Floats, codes: Ints) -> Genuine:
    pairs = [
        pair
        for code in np.unique(codes)
        for pair in itertools.islice(
            itertools.combinations(np.flatnonzero(codes == code), 2), GENUINE_CAP
        )
    ]
    left, right = np.array(pairs, np.int64).reshape(-1, 2).T
    scores = np.einsum("ij,ij->i", vectors[left], vectors[right])
    return Genuine(scores.astype(np.float32), codes[left])


def _probe(own: Ints, template: int, probe: int) -> Ints | None:
    """Pictures the template does not hold, where the person has so many."""
    if len(own) < probe:
        return None
    return own[template : template + probe] if len(own) >= template + probe else own[-probe:]


def _fuse(vectors: Floats, picks: Sequence[Ints | None]) -> tuple[Floats, Ints]:
    """Unit means, and whose they are."""
    codes = [code for code, pick in enumerate(picks) if pick is not None]
    means = [vectors[pick].mean(0) for pick in picks if pick is not None]
    stacked = np.stack(means) if means else np.zeros((0, vectors.shape[1]), np.float32)
    unit = stacked / np.linalg.norm(stacked, axis=1, keepdims=True).clip(1e-6)
    return unit.astype(np.float32), np.array(codes, np.int64)


def _impostors(left: Floats, right: Floats, starts: Ints, rows: Ints, columns: Ints) -> Impostors:
    """Each of ``left`` against ``right`` from its start on; ``rows``, ``columns``: their names."""
    total = int((len(right) - starts).clip(0).sum())
    counts, tail = np.zeros(_BINS, np.int64), _Tail(int(_EXACT * total) + 100)
    for at, across, scores, wanted in _blocks(left, right, starts):
        _count(counts, scores[wanted])
        row, column = np.nonzero((scores >= tail.floor) & wanted)
        pairs = np.stack([rows[at + row], columns[across + column]], axis=1)
        tail.add(scores[row, column], pairs)
    return Impostors(counts, *tail.best())


def _impostors_across(left: Floats, owners: Ints, right: Floats, others: Ints) -> Impostors:
    """Every template against every probe of somebody else; pairs are named by person."""
    total = len(left) * len(right) - len(np.intersect1d(owners, others))
    counts, tail = np.zeros(_BINS, np.int64), _Tail(int(_EXACT * total) + 100)
    for at in range(0, len(left), _BLOCK):
        scores = left[at : at + _BLOCK] @ right.T
        wanted = owners[at : at + _BLOCK, None] != others[None]
        _count(counts, scores[wanted])
        row, column = np.nonzero((scores >= tail.floor) & wanted)
        tail.add(scores[row, column], np.stack([owners[at + row], others[column]], axis=1))
    return Impostors(counts, *tail.best())


def _blocks(
    left: Floats, right: Floats, starts: Ints
) -> Generator[tuple[int, int, Floats, npt.NDArray[np.bool_]], None, None]:
    """First row, first column, scores, and which of them are wanted."""
    for at in range(0, len(left), _BLOCK):
        own = starts[at : at + _BLOCK]
        across = int(own.min())
        columns = np.arange(across, len(right))
        yield at, across, left[at : at + _BLOCK] @ right[across:].T, columns >= own[:, None]


def _count(counts: Ints, scores: Floats) -> None:
    """Add ``scores`` to their bins, each to the one that starts at or below it."""
    places = ((scores + np.float32(1)) * np.float32(1 / BIN)).astype(np.int32)
    counts += np.bincount(places.clip(0, _BINS - 1), minlength=_BINS)
