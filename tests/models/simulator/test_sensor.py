"""The simulated sensors err as sensors do: in disparity, in steps, at edges."""

from __future__ import annotations

import numpy as np
import pytest

from yibao_face.models.liveness.relief import DepthImage
from yibao_face.models.simulator.sensor import (
    SENSORS,
    Exposure,
    Material,
    NoiseBank,
    Sensor,
    Sight,
    Subject,
    Sway,
)

every_sensor = pytest.mark.parametrize("sensor", SENSORS, ids=lambda sensor: sensor.name)


@pytest.fixture(scope="module")
def bank() -> NoiseBank:
    """Noise at half resolution."""
    return NoiseBank(0.5)


def wall(
    bank: NoiseBank, sensor: Sensor, z_mm: float, material: Material | None = None
) -> DepthImage:
    """A shot of a flat wall."""
    sight = Sight(sensor, 0.5)
    depth = np.full(sight.shape, z_mm, np.float32)
    subject = Subject(depth, np.zeros(sight.shape, np.uint8), material or Material(), None)
    return Exposure(sight, bank, subject).shot(np.random.default_rng(7), Sway())


@every_sensor
def test_noise_is_that_of_the_disparity_and_grows_with_the_square_of_distance(
    sensor: Sensor, bank: NoiseBank
) -> None:
    for z_mm in (700.0, 1400.0):
        depth = wall(bank, sensor, z_mm).astype(float)
        read = depth[depth > 0]
        # 0.95 of the grain and half of the fine noise are left, plus the rounding to a step.
        noise_px = sensor.noise_px * np.hypot(0.95, 0.2)
        expected_px = np.hypot(noise_px, sensor.step_px / np.sqrt(12))
        expected_mm = np.hypot(z_mm**2 / sensor.f / sensor.baseline_mm * expected_px, 0.29)
        assert read.std() == pytest.approx(expected_mm, rel=0.15)
        assert read.mean() == pytest.approx(z_mm, rel=0.001)


@every_sensor
def test_disparity_comes_in_steps(sensor: Sensor, bank: NoiseBank) -> None:
    depth = wall(bank, sensor, 700)
    values = np.unique(depth[depth > 0]).astype(float)
    steps = Sight(sensor, 0.5).steps_mm / values
    # A reading in whole millimetres stands for a step to within half a millimetre.
    slack = 0.5 * steps / values + 1e-6
    assert (np.abs(steps - np.round(steps)) <= slack).all()


def test_a_material_loses_the_share_it_says(bank: NoiseBank) -> None:
    for share in (0.0, 0.06, 0.4, 0.9):
        lost = (wall(bank, SENSORS[0], 600, Material(dropout=share)) == 0).mean()
        assert lost == pytest.approx(share + 0.005, abs=0.06)


def test_nothing_is_read_where_nothing_is(bank: NoiseBank) -> None:
    sight = Sight(SENSORS[2], 0.5)
    depth = np.zeros(sight.shape, np.float32)
    depth[100:150, 150:250] = 500
    subject = Subject(depth, np.zeros(sight.shape, np.uint8), Material(), None)
    shot = Exposure(sight, bank, subject).shot(np.random.default_rng(1), Sway())
    assert not shot[depth == 0].any()
    assert (shot[110:140, 170:240] > 0).mean() > 0.9


def test_the_projectors_shadow_and_the_edge_lose_readings(bank: NoiseBank) -> None:
    sight = Sight(SENSORS[0], 0.5)
    depth = np.full(sight.shape, 900, np.float32)
    depth[60:180, 120:200] = 500
    subject = Subject(depth, np.zeros(sight.shape, np.uint8), Material(), None)
    shot = Exposure(sight, bank, subject).shot(np.random.default_rng(1), Sway())
    # 575 px x 75 mm x (1/500 - 1/900) are 38 px of the full image, half of them here.
    assert not shot[80:160, 103:119].any()
    assert (shot[80:160, 60:90] > 0).mean() > 0.9
    assert (shot[80:160, 210:240] > 0).mean() > 0.9


def test_a_swayed_view_is_shifted_and_tilted(bank: NoiseBank) -> None:
    sight = Sight(SENSORS[0], 0.5)
    depth = np.zeros(sight.shape, np.float32)
    depth[100:150, 100:220] = 500
    subject = Subject(depth, np.zeros(sight.shape, np.uint8), Material(rough=0.01), None)
    shot = Exposure(sight, bank, subject).shot(
        np.random.default_rng(1), Sway(right=10, down=-4, away_mm=8, yaw=0.05)
    )
    rows, columns = np.nonzero(shot)
    assert (96, 145) == (rows.min(), rows.max())
    assert (110, 229) == (columns.min(), columns.max())
    left, right = (shot[:, half] for half in (slice(110, 150), slice(190, 229)))
    middle = shot[:, 150:170]
    assert np.median(middle[middle > 0]) == pytest.approx(508, abs=2)
    assert np.median(right[right > 0]) - np.median(left[left > 0]) > 5
