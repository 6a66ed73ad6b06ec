"""How alike is alike enough: cosines at a false accept rate, by samples on either side (S0-73)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

_SCHEMA = 1


class ThresholdError(Exception):
    """A thresholds file cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class MatchRow:
    """Cosine ``value`` that ``far`` of ``impostor_pairs`` reach.

    ``template`` and ``probe``: pictures fused on either side. ``missed`` of ``genuine_pairs`` lie
    below ``value``.
    """

    template: int
    probe: int
    far: float
    value: float
    impostor_pairs: int
    genuine_pairs: int
    missed: int


@dataclass(frozen=True, slots=True)
class MatchTable:
    """The calibration of one network: what on, when, and its rows."""

    model_id: str
    model_sha256: str
    calibrated_on: str
    date: str
    rows: tuple[MatchRow, ...]

    def limit(self, template: int, probe: int, far: float) -> float:
        """Least cosine for so many samples; more than were calibrated count as the most that were.

        Never below the one-to-one row: of fused pairs there are too few for their tail to be
        known well. ``ThresholdError`` where nothing was calibrated at ``far``.
        """
        fit = [r for r in self.rows if r.far == far and r.template <= template]
        fit = [r for r in fit if r.probe <= probe]
        single = [r.value for r in fit if (r.template, r.probe) == (1, 1)]
        if not single:
            raise ThresholdError(f"{self.model_id} has no threshold at FAR {far:g}")
        most = max(fit, key=lambda r: (min(r.template, r.probe), r.template + r.probe))
        return max(most.value, single[0])


def table_of(raw: Mapping[str, Any]) -> MatchTable:
    """Read what ``as_json`` wrote; raises ``ThresholdError`` naming what is wrong."""
    try:
        if raw["schema"] != _SCHEMA:
            raise ThresholdError(f"thresholds have schema {raw['schema']!r}, not {_SCHEMA}")
        rows = tuple(_row(body) for body in raw["rows"])
        names = (raw["model_id"], raw["model_sha256"], raw["calibrated_on"], raw["date"])
    except (KeyError, TypeError, ValueError) as exc:
        raise ThresholdError(f"thresholds cannot be read: {exc}") from exc
    model_id, sha256, calibrated_on, date = map(str, names)
    return MatchTable(model_id, sha256, calibrated_on, date, rows)


def as_json(table: MatchTable) -> dict[str, Any]:
    """What a thresholds file holds."""
    return {"schema": _SCHEMA, **asdict(table), "rows": [asdict(row) for row in table.rows]}


def _row(body: Mapping[str, Any]) -> MatchRow:
    row = MatchRow(
        int(body["template"]),
        int(body["probe"]),
        float(body["far"]),
        float(body["value"]),
        int(body["impostor_pairs"]),
        int(body["genuine_pairs"]),
        int(body["missed"]),
    )
    if not (0 < row.far < 1 and -1 <= row.value <= 1 and row.template > 0 and row.probe > 0):
        raise ValueError(f"row {body} is out of range")
    return row
