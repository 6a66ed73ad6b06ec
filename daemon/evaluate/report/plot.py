"""The pictures of the report: trade-off and spread of each feature. Their labels are ASCII."""

from __future__ import annotations

import io
import math
from array import array
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from yibao_face.daemon.evaluate.report.rate import Tally
from yibao_face.daemon.evaluate.result import LIVE, EvaluateError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLUMNS = 3
_PANEL = (4.2, 3.0)
_BINS = 60
_POINTS = 400
# Beyond these shares of all values a panel shows nothing: one wild value would squeeze the rest.
_SHOWN = (0.002, 0.998)

_PALETTE = "tab20"

Colours = dict[str, Any]
Draw = Callable[["Axes", dict[str, "array[float]"], Colours], None]


def require_extra() -> None:
    """Before the long work: ``EvaluateError`` where rates and plots could not be made after it."""
    needed = [name for name in ("matplotlib", "scipy") if find_spec(name) is None]
    if needed:
        raise EvaluateError(
            f"evaluating needs {' and '.join(needed)}: pip install 'yibao-face[calibrate]'"
        )


def roc(tally: Tally, kind: str) -> bytes | None:
    """Living people kept over attacks let by, one panel a feature, as PNG; ``None``: no data."""
    title = f"{kind}: ROC - living people kept (up) over attacks let by (across)"
    return _panels(tally, title, _roc)


def histograms(tally: Tally, kind: str) -> bytes | None:
    """Medians of the frames judged, one panel a feature, as PNG; ``None``: no data."""
    return _panels(tally, f"{kind}: features - share of presentations", _histogram)


def _panels(tally: Tally, title: str, draw: Draw) -> bytes | None:
    # Not pyplot: nothing global, and no window.
    from matplotlib import colormaps  # noqa: PLC0415  # only the evaluating machine has it
    from matplotlib.figure import Figure  # noqa: PLC0415

    features = tally.features
    if not features:
        return None
    rows = math.ceil(len(features) / _COLUMNS)
    size = (_PANEL[0] * _COLUMNS, _PANEL[1] * rows + 1.2)
    figure = Figure(figsize=size, layout="constrained")
    figure.suptitle(title)
    palette = colormaps[_PALETTE]
    colours = {name: palette(at % palette.N) for at, name in enumerate(sorted(tally.values))}
    panels: list[Axes] = figure.subplots(rows, _COLUMNS, squeeze=False).ravel().tolist()
    for panel, feature in zip(panels, features, strict=False):
        panel.set_title(feature, fontsize=9)
        panel.tick_params(labelsize=7)
        draw(panel, _of(tally, feature), colours)
    for panel in panels[len(features) :]:
        panel.axis("off")
    drawn = [panel.get_legend_handles_labels() for panel in panels[: len(features)]]
    handles, labels = max(drawn, key=lambda pair: len(pair[1]))
    if labels:
        figure.legend(handles, labels, loc="outside lower center", ncol=6, fontsize=7)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=90)
    return file.getvalue()


def _of(tally: Tally, feature: str) -> dict[str, array[float]]:
    found = {species: tally.values[species].get(feature) for species in tally.values}
    return {species: values for species, values in sorted(found.items()) if values}


def _roc(axes: Axes, values: dict[str, array[float]], colours: Colours) -> None:
    live = values.pop(LIVE, None)
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.set_xscale("symlog", linthresh=1e-3)
    axes.grid(visible=True, alpha=0.25)
    if live is None:
        return
    for species, attack in values.items():
        passed, kept = _trade_off(live, attack)
        axes.plot(passed, kept, linewidth=1.0, label=species, color=colours[species])


def _trade_off(
    live: array[float], attack: array[float]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Shares of attacks and of living people on the live side of every limit."""
    own, other = np.sort(np.asarray(live)), np.sort(np.asarray(attack))
    if np.median(own) < np.median(other):
        own, other = np.sort(-own), np.sort(-other)
    limits = np.quantile(np.concatenate([own, other]), np.linspace(0, 1, _POINTS))
    passed = 1 - np.searchsorted(other, limits, "left") / len(other)
    kept = 1 - np.searchsorted(own, limits, "left") / len(own)
    return passed, kept


def _histogram(axes: Axes, values: dict[str, array[float]], colours: Colours) -> None:
    every = np.concatenate([np.asarray(v) for v in values.values()] or [np.zeros(1)])
    low, high = (float(edge) for edge in np.quantile(every, _SHOWN))
    edges = np.linspace(low, high if high > low else low + 1, _BINS)
    for species, own in values.items():
        counts, _ = np.histogram(np.asarray(own), edges)
        is_live = species == LIVE
        axes.stairs(
            counts / max(1, len(own)),
            edges,
            fill=is_live,
            alpha=0.4 if is_live else 1.0,
            linewidth=0.9,
            label=species,
            color="black" if is_live else colours[species],
        )
