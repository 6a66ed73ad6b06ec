"""The colour-only rule on points made by hand: a plane leaves no residual, a relief does."""

from __future__ import annotations

from math import isnan, nan

import numpy as np
import numpy.typing as npt
import pytest

from yibao_face.daemon.config import Config
from yibao_face.daemon.evaluate.baseline import (
    PLANAR_MOTION,
    PLANE,
    measures,
    motion_measure,
    nose_residual,
    plane_measure,
)
from yibao_face.daemon.evaluate.result import numbers_only
from yibao_face.daemon.wiring import weight_store
from yibao_face.models.weights.store import load_mesh

Floats = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def head(home: Config) -> Floats:
    """(468, 3) mm: a face of the canonical shape, seen from 500 mm."""
    store = weight_store(home)
    entry = store.manifest.by_role("canonical-face")
    return load_mesh(entry, store.read(entry))


def seen(solid: Floats, yaw_deg: float) -> npt.NDArray[np.float32]:
    """Pixels of ``solid`` turned by ``yaw_deg`` before a camera of f 600 px."""
    angle = np.radians(yaw_deg)
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    x, y, z = (solid @ turn.T).T
    return np.stack([320 + 600 * x / (500 - z), 240 - 600 * y / (500 - z)], 1).astype(np.float32)


def test_a_turned_head_moves_its_nose_as_no_plane_does(head: Floats) -> None:
    flat = head * [1.0, 1.0, 0.0]

    assert nose_residual(seen(flat, 0), seen(flat, 15)) < 1e-3
    assert nose_residual(seen(head, 0), seen(head, 15)) > 0.03
    assert nose_residual(seen(head, 0), seen(head, 0)) < 1e-3


def test_the_view_that_moved_most_counts(head: Floats) -> None:
    views = [seen(head, yaw) for yaw in (0, 15, 2)]

    assert nose_residual(views[0], views[1]) == motion_measure(views)
    assert isnan(motion_measure(views[:1])) and isnan(motion_measure([]))


def test_what_cannot_be_measured_is_no_number(head: Floats) -> None:
    lost = seen(head, 0)
    lost[7] = nan

    assert isnan(nose_residual(lost, seen(head, 10)))
    assert isnan(plane_measure([]))
    assert {PLANE: 2.0} == numbers_only(dict(measures([1.0, 2.0, 9.0], [])))
    assert {PLANE, PLANAR_MOTION} == set(measures([], []))
