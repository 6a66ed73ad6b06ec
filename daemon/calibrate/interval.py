"""What so many errors in so many trials say: exact intervals, and what no error proves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Rate:
    """``errors`` of ``trials``, with the exact (Clopper-Pearson) 95 % interval."""

    errors: int
    trials: int

    @property
    def value(self) -> float:
        """The share; 0 without trials."""
        return self.errors / self.trials if self.trials else 0.0

    @cached_property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end."""
        return clopper_pearson(self.errors, self.trials)

    @property
    def text(self) -> str:
        """In words; where no error was seen, by the rule of three."""
        if not self.trials:
            return "无数据 no trials"
        if not self.errors:
            return (
                f"0 / {self.trials}: 至多 at most 3/{self.trials} = {_percent(3 / self.trials)} "
                "(95 %)"
            )
        low, high = self.interval
        share = f"{self.errors} / {self.trials} = {_percent(self.value)}"
        return f"{share} [{_percent(low)}, {_percent(high)}]"


def clopper_pearson(errors: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of a binomial share; 0..1 without trials."""
    from scipy.special import betaincinv  # noqa: PLC0415  # only the calibrating machine has it

    if not 0 <= errors <= trials:
        raise ValueError(f"{errors} errors of {trials} trials")
    rest, tail = trials - errors, (1 - level) / 2
    low = float(betaincinv(errors, rest + 1, tail)) if errors else 0.0
    high = float(betaincinv(errors + 1, rest, 1 - tail)) if rest else 1.0
    return low, high


def _percent(share: float) -> str:
    return f"{min(share, 1.0) * 100:.3g} %"
