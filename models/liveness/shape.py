"""A cloud of landmarks against MediaPipe's canonical metric face: how much of a face is in it.

Heights over the best plane are compared after that plane is removed (``gain1``, ``corr1``), the
best quadric (``gain2``, ``corr2``) and the best cubic (``gain3``, ``corr3``): what a flat sheet
shows is then nothing, what a bent one shows is nothing either, nor what a sheet shows that was
pressed onto a face, while nose and eye sockets remain. ``rest_gain`` is that of everything else:
behind holes for eyes and nose there is a face, beside them there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

EYES = ((33, 133), (362, 263))
MIN_LANDMARKS = 35
NO_FIT_MM = 99.0
NORM_MM = 60.0
_SAMPLES = 110
_NOSE_TIP = 1
# Half the width of the nose, and what belongs to it above and below its tip.
_NOSE_MM = (16.0, 36.0)
_SOCKET_MM = 17.0
_CLIP_MM = 25.0


@dataclass(frozen=True, slots=True)
class Likeness:
    """``gain``: 1 = as deep as a human face, 0 = flat; ``corr``: likeness of the shape, -1..1.

    1: plane removed, 2: quadric, 3: cubic. ``rest_gain``: ``gain2`` beside nose and eye sockets.
    ``procrustes_mm``: residual of the rigid fit; ``scale``: size over the canonical's.
    """

    gain1: float
    corr1: float
    gain2: float
    corr2: float
    gain3: float
    corr3: float
    rest_gain: float
    procrustes_mm: float
    scale: float


class FaceShape:
    """The canonical face, (468, 3) mm: x right, y up, z towards the viewer.

    ``sampled``: the landmarks compared, evenly spread, none on the rim.
    """

    def __init__(self, canonical_mm: Floats) -> None:
        self.sampled = _spread(canonical_mm)
        self._canonical = canonical_mm[self.sampled]
        self._parts = _parts(canonical_mm, self.sampled)

    def compare(self, known: Bools, cloud_mm: Floats, normal: Floats) -> Likeness:
        """``cloud_mm`` (known, 3) of the ``sampled`` that are ``known``, axes as the canonical's.

        ``normal``: (3,) of its plane, heights are measured along it.
        """
        canonical = self._canonical[known]
        lift = (cloud_mm - cloud_mm.mean(0)) @ normal
        gains = _gains(canonical, lift, self._parts[known])
        return Likeness(*gains, *_procrustes(canonical, cloud_mm))


def likeness_of(canonical_mm: Floats, cloud_mm: Floats) -> Likeness | None:
    """Compare landmarks in space (468, 3), x right, y up, z towards the viewer; NaN: not known.

    ``None`` where fewer than 35 of those compared are known.
    """
    shape = FaceShape(canonical_mm)
    known = np.asarray(np.isfinite(cloud_mm[shape.sampled]).all(1), np.bool_)
    if known.sum() < MIN_LANDMARKS:
        return None
    cloud = cloud_mm[shape.sampled][known]
    middle = cloud - cloud.mean(0)
    plane, _ = robust_fit(basis(middle[:, 0], middle[:, 1])[:, :3], middle[:, 2])
    normal: Floats = np.array([-plane[1] / NORM_MM, -plane[2] / NORM_MM, 1.0])
    return shape.compare(known, middle, normal / np.linalg.norm(normal))


def basis(x_mm: Floats, y_mm: Floats) -> Floats:
    """1, x, y, x², xy, y² in units of 60 mm."""
    x, y = x_mm / NORM_MM, y_mm / NORM_MM
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], 1)


def _cubic(x_mm: Floats, y_mm: Floats) -> Floats:
    """``basis`` and x³, x²y, xy², y³."""
    x, y = x_mm / NORM_MM, y_mm / NORM_MM
    third = np.stack([x**3, x * x * y, x * y * y, y**3], 1)
    return np.hstack([basis(x_mm, y_mm), third])


def robust_fit(basis: Floats, z: Floats) -> tuple[Floats, Floats]:
    """Iteratively reweighted least squares: coefficients and residuals in mm of depth."""
    weight = np.ones_like(z)
    coefficients: Floats = z[:0]
    residual: Floats = z
    for _ in range(3):
        # Normal equations: a handful of columns, well scaled, and four times as fast as lstsq.
        weighted = basis * weight[:, None]
        normal: Floats = weighted.T @ weighted + 1e-9 * np.eye(basis.shape[1])
        coefficients = _solved(normal, weighted.T @ (z * weight))
        residual = z - basis @ coefficients
        away = np.abs(residual)
        scale = 1.48 * float(np.partition(away, len(away) // 2)[len(away) // 2]) + 1e-3
        weight = 1 / np.sqrt(1 + (residual / (2 * scale)) ** 2)
    return coefficients, residual


def _solved(normal: Floats, right: Floats) -> Floats:
    return np.asarray(np.linalg.solve(normal, right), dtype=np.float64)


def _spread(canonical: Floats) -> npt.NDArray[np.intp]:
    """Farthest-point choice of landmarks inside the face: evenly spread, none on its rim."""
    inside = (np.abs(canonical[:, 0]) < 58) & (np.abs(canonical[:, 1]) < 75)
    candidates = np.flatnonzero(inside)
    chosen = [_NOSE_TIP]
    distance = ((canonical[candidates] - canonical[_NOSE_TIP]) ** 2).sum(1)
    while len(chosen) < _SAMPLES:
        farthest = candidates[distance.argmax()]
        chosen.append(int(farthest))
        to_farthest = ((canonical[candidates] - canonical[farthest]) ** 2).sum(1)
        distance = np.minimum(distance, to_farthest)
    return np.array(chosen, np.intp)


def _gains(
    canonical: Floats, lift: Floats, parts: Floats
) -> tuple[float, float, float, float, float, float, float]:
    """Gain and correlation of measured over canonical relief: plane, quadric, cubic removed.

    Last the gain of what is neither nose nor eyes. ``parts``: (n, 3) of ``_parts``.
    """
    # The first three columns span the plane, six the quadric, ten the cubic.
    orthogonal = np.linalg.qr(_cubic(canonical[:, 0], canonical[:, 1]))[0]
    both = np.stack([canonical[:, 2], lift], 1)
    shares = orthogonal.T @ both
    plane, quadric, cubic = (both - orthogonal[:, :n] @ shares[:n] for n in (3, 6, 10))
    return *_gain(plane), *_gain(quadric), *_gain(cubic), _rest_gain(quadric, parts)


def _rest_gain(rest: Floats, parts: Floats) -> float:
    columns = parts * rest[:, :1]
    measured = np.clip(rest[:, 1], -_CLIP_MM, _CLIP_MM)
    normal: Floats = columns.T @ columns + 1e-6 * np.eye(3)
    return float(_solved(normal, columns.T @ measured)[2])


def _parts(canonical: Floats, sampled: npt.NDArray[np.intp]) -> Floats:
    """(samples, 3): 1 where a landmark belongs to the nose, to an eye socket, to neither."""
    at = canonical[sampled, :2]
    tip = canonical[_NOSE_TIP, :2]
    nose = (np.abs(at[:, 0]) < _NOSE_MM[0]) & (np.abs(at[:, 1] - tip[1]) < _NOSE_MM[1])
    eyes = [canonical[list(corners), :2].mean(0) for corners in EYES]
    socket = np.min([np.hypot(*(at - eye).T) for eye in eyes], axis=0) < _SOCKET_MM
    return np.stack([nose & ~socket, socket, ~(nose | socket)], 1).astype(np.float64)


def _gain(rest: Floats) -> tuple[float, float]:
    expected, measured = rest[:, 0], np.clip(rest[:, 1], -_CLIP_MM, _CLIP_MM)
    shared = float(expected @ measured)
    power = float(expected @ expected)
    return shared / power, shared / float(np.sqrt(power * (measured @ measured) + 1e-9))


def _procrustes(canonical: Floats, cloud: Floats) -> tuple[float, float]:
    """RMS residual in mm and scale of the best similarity fit, the worst 15 % left out."""
    kept, worst = np.ones(len(canonical), bool), int(0.85 * (len(canonical) - 1))
    residual, scale = np.full(len(canonical), NO_FIT_MM), 0.0
    for _ in range(3):
        a, b = canonical[kept].mean(0), cloud[kept].mean(0)
        u, s, vt = np.linalg.svd((canonical[kept] - a).T @ (cloud[kept] - b))
        mirror = np.diag([1.0, 1.0, float(np.sign(np.linalg.det(vt.T @ u.T)))])
        rotation = vt.T @ mirror @ u.T
        scale = float((s * np.diag(mirror)).sum() / ((canonical[kept] - a) ** 2).sum())
        fitted = scale * (canonical - a) @ rotation.T + b
        residual = np.linalg.norm(fitted - cloud, axis=1)
        kept = residual <= np.partition(residual, worst)[worst]
    return float(np.sqrt((residual[kept] ** 2).mean())), scale
