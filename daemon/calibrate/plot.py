"""The two pictures of the report: error trade-off and scores. Their labels are ASCII."""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from yibao_face.daemon.calibrate.embedding import CalibrateError
from yibao_face.daemon.calibrate.rate import BIN, Trial
from yibao_face.daemon.calibrate.study import Curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIZE = (7.0, 4.6)
_COARSE = 100


def require_extra() -> None:
    """Before the long work: ``CalibrateError`` where the plots could not be drawn after it."""
    missing = [name for name in ("matplotlib", "scipy") if find_spec(name) is None]
    if missing:
        raise CalibrateError(
            f"calibrating needs {' and '.join(missing)}: pip install 'yibao-face[calibrate]'"
        )


def det(curves: Sequence[Curve]) -> bytes:
    """FRR over FAR, as PNG."""
    figure, axes = _figure("FAR (false accepts)", "FRR (false rejects)")
    # Set beforehand: with no error at all there is nothing to find the limits from.
    axes.set(xscale="log", yscale="log", xlim=(1e-7, 1), ylim=(1e-4, 1))
    for curve in curves:
        far, frr = trade_off(curve.trial)
        axes.plot(far, frr, label=f"{curve.name} (n={len(curve.trial.genuine.scores)})")
    axes.legend(fontsize=8)
    return _png(figure)


def histogram(trial: Trial, limits: Sequence[float]) -> bytes:
    """Scores of impostor and genuine pairs, one picture a side, and the thresholds, as PNG."""
    figure, axes = _figure("cosine", "share of pairs per 0.01")
    counts = trial.impostors.counts[:-1].reshape(-1, _COARSE).sum(1)
    edges = np.linspace(-1, 1, len(counts) + 1)
    own, _ = np.histogram(trial.genuine.scores, edges)
    axes.stairs(counts / max(1, counts.sum()), edges, fill=True, alpha=0.5, label="impostor")
    axes.stairs(own / max(1, own.sum()), edges, fill=True, alpha=0.5, label="genuine")
    for limit in limits:
        axes.axvline(limit, color="black", linewidth=0.8, linestyle="--")
        axes.text(limit, axes.get_ylim()[1], f"{limit:.3f}", rotation=90, va="top", fontsize=7)
    axes.legend(fontsize=8)
    return _png(figure)


def trade_off(trial: Trial) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """FAR and FRR at every bin edge; errors of 0 are left out, a logarithm has none."""
    total = max(1, trial.impostors.total)
    far = trial.impostors.counts[::-1].cumsum()[::-1] / total
    edges = np.arange(len(far)) * BIN - 1
    ranked = np.sort(trial.genuine.scores)
    frr = np.searchsorted(ranked, edges.astype(np.float32)) / max(1, len(ranked))
    seen = (far > 0) & (frr > 0)
    return far[seen], frr[seen]


def _figure(across: str, up: str) -> tuple[Figure, Axes]:
    # Not pyplot: nothing global, and no window.
    from matplotlib.figure import Figure  # noqa: PLC0415  # only the calibrating machine has it

    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(visible=True, which="both", alpha=0.25)
    return figure, axes


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110)
    return file.getvalue()
