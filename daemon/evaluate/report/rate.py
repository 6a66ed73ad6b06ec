"""Counts of outcomes → error rates as ISO/IEC 30107-3 has them, each with its exact interval."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from yibao_face.daemon.calibrate.interval import Rate, clopper_pearson
from yibao_face.daemon.evaluate.baseline import Limit
from yibao_face.daemon.evaluate.result import LIVE, Response, Result

_BANDS_MM = (0.0, 380.0, 500.0, 650.0, 850.0)
# A two-sided 90 % interval ends where a one-sided 95 % bound lies.
_ONE_SIDED = 0.90
_MEASURE = "baseline "
Values = dict[str, "array[float]"]


@dataclass(frozen=True, slots=True)
class Count:
    """Presentations of one species by outcome."""

    species: str
    accepted: int = 0
    rejected: int = 0
    silent: int = 0

    @property
    def is_attack(self) -> bool:
        """Everything that is no living person."""
        return self.species != LIVE

    @property
    def presentations(self) -> int:
        """All of them."""
        return self.accepted + self.rejected + self.silent

    @property
    def wrong(self) -> Rate:
        """APCER of an attack, BPCER of living people: of those the engine classified."""
        errors = self.accepted if self.is_attack else self.rejected
        return Rate(errors, self.accepted + self.rejected)

    @property
    def passed(self) -> Rate:
        """Accepted of all that were shown: what an attacker who may try again can count on."""
        return Rate(self.accepted, self.presentations)

    @property
    def unanswered(self) -> Rate:
        """APNRR or BPNRR: nothing was classified."""
        return Rate(self.silent, self.presentations)


@dataclass(frozen=True, slots=True)
class Slice:
    """Living people and the worst attack among presentations alike in ``dimension``."""

    dimension: str
    value: str
    live: Count
    worst: Count | None


@dataclass(frozen=True, slots=True)
class Compared:
    """A rule beside the engine on the same presentations."""

    limit: Limit
    counts: tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class Study:
    """All numbers of one run. ``confusion``: presentations by species and how they ended."""

    counts: tuple[Count, ...]
    slices: tuple[Slice, ...]
    confusion: Mapping[tuple[str, str], int]
    compared: tuple[Compared, ...]
    likeness: Mapping[tuple[str, str], float]

    @property
    def live(self) -> Count:
        """Living people; empty when none were shown."""
        return next((c for c in self.counts if not c.is_attack), Count(LIVE))

    @property
    def worst(self) -> Count | None:
        """The attack that passes most often: what the whole is worth."""
        return worst_of(self.counts)


@dataclass(slots=True)
class Tally:
    """Counts results one by one, and keeps of each only numbers: a long run stays small."""

    ends: dict[tuple[str, str, str], Counter[Response]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    values: dict[str, Values] = field(default_factory=dict[str, Values])

    def add(self, result: Result) -> None:
        """Count one presentation."""
        for dimension, value in _places(result):
            self.ends[dimension, value, result.species][result.outcome] += 1
        how = result.cause or result.outcome.value
        self.confusion[result.species, how] += 1
        kept = self.values.setdefault(result.species, {})
        measured = {_MEASURE + name: value for name, value in result.baselines.items()}
        for name, number in {**result.features, **measured}.items():
            kept.setdefault(name, array("f")).append(number)

    def count(self, species: str, dimension: str = "", value: str = "") -> Count:
        """Outcomes of ``species``, of all or where ``dimension`` is ``value``."""
        ends = self.ends.get((dimension, value, species), Counter())
        return Count(species, *(ends[end] for end in Response))

    @property
    def species(self) -> list[str]:
        """Those seen: living people first."""
        seen = {species for dimension, _, species in self.ends if not dimension}
        return sorted(seen, key=lambda name: (name != LIVE, name))

    @property
    def features(self) -> list[str]:
        """Names of what the engine measured, the soft score first."""
        names = dict.fromkeys(name for kept in self.values.values() for name in kept)
        own = [name for name in names if not name.startswith(_MEASURE)]
        return sorted(own, key=lambda name: name != "score")

    def measured(self, species: str, baseline: str) -> array[float]:
        """Measures of a baseline rule, NaN where it could not measure."""
        return self.values.get(species, {}).get(_MEASURE + baseline, array("f"))


def tally_of(results: Iterable[Result]) -> Tally:
    """Count all of them."""
    found = Tally()
    for result in results:
        found.add(result)
    return found


def study(tally: Tally, limits: Iterable[Limit] = ()) -> Study:
    """Rates of everything counted; ``limits``: the rules to compare with."""
    return Study(
        tuple(tally.count(species) for species in tally.species),
        tuple(_slices(tally)),
        dict(tally.confusion),
        tuple(Compared(limit, tuple(_judged(tally, limit))) for limit in limits),
        {
            (species, feature): auc(
                tally.values[LIVE].get(feature, array("f")),
                tally.values[species].get(feature, array("f")),
            )
            for species in tally.species
            for feature in tally.features
            if species != LIVE and LIVE in tally.values
        },
    )


def worst_of(counts: Iterable[Count]) -> Count | None:
    """The attack with the highest APCER; of equals the one with the weaker proof."""
    attacks = [count for count in counts if count.is_attack and count.wrong.trials]
    return max(attacks, key=lambda c: (c.wrong.value, -c.wrong.trials), default=None)


def upper_bound(rate: Rate) -> float:
    """What the rate is below with 95 % confidence (one-sided, exact); 1 without trials."""
    return clopper_pearson(rate.errors, rate.trials, _ONE_SIDED)[1] if rate.trials else 1.0


def auc(live: array[float], attack: array[float]) -> float:
    """How well a feature alone tells them apart: 0.5 not at all, 1 always, whichever is larger."""
    import numpy as np  # noqa: PLC0415  # the rest of this module is plain counting

    low, high = np.sort(np.asarray(attack)), np.asarray(live)
    if not len(low) or not len(high):
        return 0.5
    below = np.searchsorted(low, high, "left") + np.searchsorted(low, high, "right")
    share = float(below.sum()) / (2 * len(low) * len(high))
    return max(share, 1 - share)


def band_of(distance_mm: float) -> str:
    """The band of working distance a presentation belongs to."""
    if not distance_mm > 0:
        return "不明 unknown"
    lower = max(edge for edge in _BANDS_MM if edge <= distance_mm)
    upper = next((edge for edge in _BANDS_MM if edge > distance_mm), None)
    return f"{lower:.0f}–{upper:.0f} mm" if upper else f"≥ {lower:.0f} mm"


def _places(result: Result) -> Iterator[tuple[str, str]]:
    yield "", ""
    yield "距离 distance", band_of(result.distance_mm)
    yield "传感器 sensor", result.sensor
    yield from result.group.items()


def _slices(tally: Tally) -> Iterator[Slice]:
    places = sorted({(dimension, value) for dimension, value, _ in tally.ends if dimension})
    for dimension, value in places:
        counts = [tally.count(species, dimension, value) for species in tally.species]
        live = next((c for c in counts if not c.is_attack), Count(LIVE))
        yield Slice(dimension, value, live, worst_of(counts))


def _judged(tally: Tally, limit: Limit) -> Iterator[Count]:
    for species in tally.species:
        measured = tally.measured(species, limit.name)
        known = [value for value in measured if value == value]  # noqa: PLR0124  # NaN is not
        held = sum(map(limit.holds, known))
        yield Count(species, held, len(known) - held, len(measured) - len(known))
