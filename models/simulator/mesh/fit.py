"""Where the landmarks of the canonical face lie on the head mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from yibao_face.models.liveness.relief import Pinhole
from yibao_face.models.simulator.raster import depth_of

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]

_EYE_CORNERS = ((33, 133), (362, 263))
# Both lips without the corners of the mouth, both lids without the corners of the eyes.
_LOWER_LIP = (
    *(146, 91, 181, 84, 17, 314, 405, 321, 375, 77, 90, 180, 85, 16, 315, 404, 320, 307),
    *(96, 89, 179, 86, 15, 316, 403, 319, 325, 95, 88, 178, 87, 14, 317, 402, 318, 324),
)
_UPPER_LIP = (
    *(185, 40, 39, 37, 0, 267, 269, 270, 409, 184, 74, 73, 72, 11, 302, 303, 304, 408),
    *(183, 42, 41, 38, 12, 268, 271, 272, 407, 191, 80, 81, 82, 13, 312, 311, 310, 415),
)
_MOUTH_CORNERS = (61, 76, 62, 78, 291, 306, 292, 308)
_UPPER_LIDS = ((173, 157, 158, 159, 160, 161, 246), (398, 384, 385, 386, 387, 388, 466))
_LOWER_LIDS = ((7, 163, 144, 145, 153, 154, 155), (249, 390, 373, 374, 380, 381, 382))
_ROUNDS = 30
_TRIMMED = 0.9
_SIZE_STEP = 0.03
_SHARE = 0.25  # of the greatest fall: less belongs to the part that stays
_WEIGHT = np.array([1.0, 1.0, 0.5])
_FAR_MM = 100_000.0
_STEPS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """A head, mm, origin between the eyes, z forward; the vertices of its two eyeballs."""

    vertices: Floats
    triangles: Indices
    left_eye: Indices
    right_eye: Indices


@dataclass(frozen=True, slots=True, eq=False)
class Landing:
    """``corners``: (468, 3) vertices of a triangle, ``weights``: (468, 3) place in it, sum 1."""

    corners: Indices
    weights: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Samples:
    """Points spread over the triangles that are seen from the front."""

    corners: Indices
    weights: Floats
    points: Floats
    lower_lip: Bools
    upper_lid: Bools

    def nearest(self, to: Floats, allowed: Bools) -> Indices:
        """The closest point in the picture rather than in space: depth counts by half."""
        choice = np.flatnonzero(allowed)
        points = self.points[choice] * _WEIGHT
        # |a-b|² without the pairs' differences: 468 x 50,000 triples would not fit.
        distance: Floats = (points**2).sum(1)[None, :] - 2 * (to * _WEIGHT) @ points.T
        return np.asarray(choice[distance.argmin(1)], np.intp)

    def thinned(self, step: int) -> _Samples:
        return _Samples(
            self.corners[::step],
            self.weights[::step],
            self.points[::step],
            self.lower_lip[::step],
            self.upper_lid[::step],
        )


def centred(vertices: Floats, left_eye: Indices, right_eye: Indices) -> Floats:
    """``vertices`` with the origin between the eyeballs: targets of the body lift the head."""
    moved: Floats = vertices - (vertices[left_eye].mean(0) + vertices[right_eye].mean(0)) / 2
    return moved


def lay_landmarks(surface: Surface, jaw: Floats, lids: Floats, canonical: Floats) -> Landing:
    """Lay the (468, 3) ``canonical`` landmarks on the surface, lips and lids on their own.

    ``jaw``, ``lids``: (n, 3) mm each vertex moves when the mouth opens and when the eyes close:
    they tell lower from upper.
    """
    samples = _spread(surface, jaw, lids)
    placed = _aligned(canonical, surface, samples)
    anywhere = np.ones(len(samples.points), bool)
    mouth = _mouth_line(samples)
    groups = [
        (list(_LOWER_LIP), samples.lower_lip, np.array([0, *(mouth - placed[14])[1:]])),
        (list(_UPPER_LIP), ~samples.lower_lip, np.array([0, *(mouth - placed[13])[1:]])),
        (list(_MOUTH_CORNERS), anywhere, np.array([0, mouth[1] - placed[[13, 14], 1].mean(), 0])),
    ]
    eyes = (surface.right_eye, surface.left_eye)
    for eye, corners, upper, lower in zip(
        eyes, _EYE_CORNERS, _UPPER_LIDS, _LOWER_LIDS, strict=True
    ):
        middle = surface.vertices[eye].mean(0) - placed[list(corners)].mean(0)
        shift = np.array([middle[0], middle[1], 0])
        groups.append((list(upper), samples.upper_lid, shift))
        groups.append((list(lower), ~samples.upper_lid, shift))
        groups.append((list(corners), ~samples.upper_lid, shift))
    found = samples.nearest(placed, anywhere)
    for members, allowed, shift in groups:
        found[members] = samples.nearest(placed[members] + shift, allowed)
    return Landing(samples.corners[found], samples.weights[found])


def _spread(surface: Surface, jaw: Floats, lids: Floats) -> _Samples:
    triangles = surface.triangles[_seen(surface)]
    a, b = (grid.ravel() for grid in np.mgrid[0 : _STEPS + 1, 0 : _STEPS + 1] / _STEPS)
    weights = np.stack([a, b, 1 - a - b], 1)[a + b <= 1]
    corners = np.repeat(triangles, len(weights), 0)
    weights = np.tile(weights, (len(triangles), 1))
    points = (surface.vertices[corners] * weights[:, :, None]).sum(1)
    return _Samples(corners, weights, points, _falling(jaw, corners), _falling(lids, corners))


def _falling(motion: Floats, corners: Indices) -> Bools:
    drop = -motion[:, 1]
    falls: Bools = (drop > _SHARE * drop.max())[corners].all(1)
    return falls


def _seen(surface: Surface) -> Indices:
    """Triangles of the skin that no other hides from the front: not the throat, not the eyes."""
    camera = surface.vertices * np.array([1, -1, -1]) + np.array([0, 0, _FAR_MM])
    lens = Pinhole(4 * _FAR_MM, 500, 500)
    depth = depth_of(camera.astype(np.float32), surface.triangles, lens, (1000, 1000))
    centre: Floats = camera[surface.triangles].mean(1)
    u = np.round(centre[:, 0] * 4 + 500).astype(np.intp)
    v = np.round(centre[:, 1] * 4 + 500).astype(np.intp)
    on_image = (u >= 0) & (u < 1000) & (v >= 0) & (v < 1000)
    depth_there = depth[np.clip(v, 0, 999), np.clip(u, 0, 999)]
    eyes = np.concatenate([surface.left_eye, surface.right_eye])
    is_eye = np.isin(surface.triangles, eyes).any(1)
    return np.flatnonzero(on_image & (centre[:, 2] < depth_there + 2.0) & ~is_eye)


def _aligned(canonical: Floats, surface: Surface, samples: _Samples) -> Floats:
    """Iterated closest points with a little freedom of size, from eyes and nose on."""
    left, right = (canonical[list(corners)].mean(0) for corners in reversed(_EYE_CORNERS))
    eyes = surface.vertices[surface.left_eye].mean(0) - surface.vertices[surface.right_eye].mean(0)
    size = np.linalg.norm(eyes) / np.linalg.norm(left - right)
    placed = (canonical - (left + right) / 2) * size
    placed[:, 2] += samples.points[:, 2].max() - placed[:, 2].max()
    thin = samples.thinned(7)
    anywhere = np.ones(len(thin.points), bool)
    for _ in range(_ROUNDS):
        target = thin.points[thin.nearest(placed, anywhere)]
        away = np.linalg.norm(target - placed, axis=1)
        kept = away < np.quantile(away, _TRIMMED)
        placed = _similar(placed, placed[kept], target[kept])
    return np.asarray(placed, np.float64)


def _similar(points: Floats, source: Floats, target: Floats) -> Floats:
    """``points`` moved by the similarity that brings ``source`` closest to ``target``."""
    a, b = source.mean(0), target.mean(0)
    u, s, vt = np.linalg.svd((source - a).T @ (target - b))
    mirror = np.array([1.0, 1.0, float(np.sign(np.linalg.det(vt.T @ u.T)))])
    scale = float((s * mirror).sum() / ((source - a) ** 2).sum())
    scale = min(max(scale, 1 - _SIZE_STEP), 1 + _SIZE_STEP)
    moved: Floats = scale * (points - a) @ (vt.T @ np.diag(mirror) @ u.T).T + b
    return moved


def _mouth_line(samples: _Samples) -> Floats:
    """Where the lips meet on the midline: the highest point that falls with the jaw."""
    middle = (np.abs(samples.points[:, 0]) < 4) & samples.lower_lip
    candidates = samples.points[middle]
    return np.asarray(candidates[candidates[:, 1].argmax()], np.float64)
