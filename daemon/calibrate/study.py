"""One calibration: thresholds and what they cost, in-sample, held out, fused and by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from yibao_face.daemon.calibrate.embedding import Embedded, person_of
from yibao_face.daemon.calibrate.interval import Rate
from yibao_face.daemon.calibrate.rate import (
    Floats,
    Ints,
    Trial,
    bootstrap,
    codes_of,
    fused,
    halves,
    one_to_one,
    renumbered,
)
from yibao_face.models.api import ModelStamp
from yibao_face.models.weights.threshold import MatchRow, MatchTable

FARS = (1e-3, 1e-4, 1e-5)
FUSED = ((1, 1), (2, 1), (3, 1), (1, 2), (1, 3), (2, 2), (3, 3), (1, 5), (2, 5), (3, 5))
SUSPECTS = 20
LEAST = 5
_DRAWN = frozenset({(2, 1), (3, 1), (2, 2), (3, 3)})


@dataclass(frozen=True, slots=True)
class Row:
    """A threshold and the errors at it. ``far``: asked for; ``None``: the installed threshold.

    ``single``: all pairs of one picture a side, not one pair a person. ``spread``: 95 % of the FRR
    over other persons (bootstrap). ``group``: of these pictures alone.
    """

    template: int
    probe: int
    far: float | None
    limit: float
    frr: Rate
    fa: Rate
    spread: tuple[float, float]
    single: bool = False
    group: str = ""

    @property
    def resolved(self) -> bool:
        """Whether there are pairs enough for ``far``.

        One wrong label settles a threshold that rests on one pair: fused ones, of which there are
        few and which nobody needs, must rest on more.
        """
        least = 1 if self.single else LEAST
        return self.far is not None and int(self.far * self.fa.trials) >= least


@dataclass(frozen=True, slots=True)
class Suspect:
    """Two pictures of different persons that look alike; a mistake of the labels, maybe."""

    score: float
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class Curve:
    """Scores for the plots."""

    name: str
    trial: Trial


@dataclass(frozen=True, slots=True)
class Study:
    """Everything the report shows. ``held_out``: thresholds of other persons than the errors."""

    persons: int
    embedded: Embedded
    rows: tuple[Row, ...]
    held_out: tuple[Row, ...]
    groups: tuple[Row, ...]
    suspects: tuple[Suspect, ...]
    curves: tuple[Curve, ...]
    seed: int

    def table(self, stamp: ModelStamp, name: str, date: str) -> MatchTable:
        """The thresholds there were pairs enough for; fused rows and all pairs one to one."""
        kept = [
            r for r in self.rows if r.resolved and (r.single or (r.template, r.probe) != (1, 1))
        ]
        what = f"{name}: {len(self.embedded.files)} pictures of {self.persons} persons"
        return MatchTable(stamp.id, stamp.sha256, what, date, tuple(map(_match_row, kept)))


def study(
    found: Embedded,
    installed: float | None = None,
    labels: Mapping[str, str] | None = None,
    seed: int = 2026,
) -> Study:
    """``installed``: the threshold in use. ``labels``: group of a picture (``person/picture``)."""
    codes = codes_of(found.owners)
    all_pairs = one_to_one(found.vectors, codes)
    trials = [fused(found.vectors, codes, k, m, seed) for k, m in FUSED]
    rows = _rows(all_pairs, seed, single=True)
    if installed is not None:
        rows.append(_row(all_pairs, None, installed, seed, single=True))
    for trial in trials:
        rows += _rows(trial, seed)
    limits = [(row.far, row.limit) for row in rows if row.single]
    return Study(
        int(codes.max()) + 1,
        found,
        tuple(rows),
        tuple(_held_out(found.vectors, codes, seed)),
        tuple(_groups(found, codes, labels or {}, limits, seed)),
        _suspects(found.files, all_pairs),
        (Curve("1 x 1, all pairs", all_pairs), *map(_curve, _drawn(trials))),
        seed,
    )


def _drawn(trials: Sequence[Trial]) -> list[Trial]:
    """Some: more curves in one picture cannot be told apart."""
    return [trial for trial in trials if (trial.template, trial.probe) in _DRAWN]


def _curve(trial: Trial) -> Curve:
    return Curve(f"{trial.template} x {trial.probe}", trial)


def _rows(trial: Trial, seed: int, *, single: bool = False) -> list[Row]:
    if not trial.impostors.total:
        return []
    limits = [(far, trial.impostors.at_far(far)) for far in FARS]
    return [_row(trial, far, limit, seed, single=single) for far, limit in limits]


def _row(trial: Trial, far: float | None, limit: float, seed: int, *, single: bool) -> Row:
    spread = bootstrap(trial.genuine, limit, seed)
    errors = trial.genuine.missed(limit), trial.accepted(limit)
    return Row(trial.template, trial.probe, far, limit, *errors, spread, single)


def _held_out(vectors: Floats, codes: Ints, seed: int) -> list[Row]:
    """Thresholds of one half of the persons, errors of the other."""
    one, other = halves(codes, seed)
    ours, theirs = (one_to_one(vectors[half], renumbered(codes[half])) for half in (one, other))
    rows = _across(ours, theirs, seed, single=True)
    for k, m in FUSED[1:]:
        left, right = (
            fused(vectors[half], renumbered(codes[half]), k, m, seed) for half in (one, other)
        )
        rows += _across(left, right, seed)
    return rows


def _across(ours: Trial, theirs: Trial, seed: int, *, single: bool = False) -> list[Row]:
    """Only where there are pairs enough on the side of the thresholds."""
    rows = _rows(ours, seed, single=single)
    fars = [row.far for row in rows if row.far is not None and row.resolved]
    return [_row(theirs, far, ours.impostors.at_far(far), seed, single=single) for far in fars]


def _groups(
    found: Embedded,
    codes: Ints,
    labels: Mapping[str, str],
    limits: Sequence[tuple[float | None, float]],
    seed: int,
) -> list[Row]:
    """Errors among the pictures of each label, at the thresholds of all."""
    of = np.array([labels.get(file, "") for file in found.files])
    rows: list[Row] = []
    for label in sorted(set(labels.values())):
        mask = of == label
        if mask.sum() > 1:
            trial = one_to_one(found.vectors[mask], renumbered(codes[mask]))
            at = (_row(trial, far, limit, seed, single=True) for far, limit in limits)
            rows += [replace(row, group=label) for row in at]
    return rows


def _suspects(files: Sequence[str], trial: Trial) -> tuple[Suspect, ...]:
    scores: list[float] = trial.impostors.tail[::-1][:SUSPECTS].tolist()
    pairs: list[list[int]] = trial.impostors.pairs[::-1][:SUSPECTS].tolist()
    return tuple(
        Suspect(score, files[left], files[right])
        for score, (left, right) in zip(scores, pairs, strict=True)
    )


def _match_row(row: Row) -> MatchRow:
    return MatchRow(
        row.template,
        row.probe,
        row.far or 0.0,
        row.limit,
        row.fa.trials,
        row.frr.trials,
        row.frr.errors,
    )


def groups_of(files: Sequence[str], labels: Mapping[str, str]) -> dict[str, str]:
    """Label of each picture; one of its own comes before that of its person."""
    found = {file: labels.get(file, labels.get(person_of(file), "")) for file in files}
    return {file: label for file, label in found.items() if label}
