"""A tiny simulated (仿真) run: the real simulator, gauge and gates, over real worker processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from math import cos, radians, sin
from pathlib import Path

import numpy as np
import pytest
from harness import HOME

from yibao_face.daemon.config import Config
from yibao_face.daemon.evaluate.result import EvaluateError, Response, Result
from yibao_face.daemon.evaluate.simulated.encounter import (
    Engine,
    Setup,
    engine_hash,
    install_simulator,
    open_engine,
    yaw_deg,
)
from yibao_face.daemon.evaluate.simulated.plan import Order
from yibao_face.daemon.evaluate.simulated.run import Run, carry_out
from yibao_face.daemon.evaluate.simulated.shard import Stamp, blocks_in, load

FLAT, LIVE = Order("print-flat", 0, 5), Order("live", 0, 4)


@pytest.fixture(scope="module")
def setup(home: Config) -> Setup:
    install_simulator(home)
    return Setup(home, challenge=False, test=True)


@pytest.fixture(scope="module")
def engine(setup: Setup) -> Engine:
    return open_engine(setup)


@pytest.fixture(scope="module")
def stamp(engine: Engine) -> Stamp:
    return Stamp(engine.liveness.version, engine_hash(engine), challenge=False, test=True)


@pytest.fixture(scope="module")
def at_once(setup: Setup, stamp: Stamp, tmp_path_factory: pytest.TempPathFactory) -> list[Result]:
    """All presentations in one go, by two workers."""
    folder = tmp_path_factory.mktemp("at-once")
    assert 9 == carry_out(Run(folder, setup, 2), [FLAT, LIVE], stamp, lambda _line: None)
    return list(load(folder))


def test_flat_prints_are_refused_and_living_people_are_not(at_once: list[Result]) -> None:
    flat = [result.outcome for result in at_once if result.species == "print-flat"]
    live = [result for result in at_once if result.species == "live"]

    assert [Response.REJECTED] * 5 == flat
    assert [0, 1, 2, 3] == [result.seed for result in live]
    assert Response.ACCEPTED in {result.outcome for result in live}
    assert all(0.3 < r.features["gain1"] < 2 for r in live if r.outcome is Response.ACCEPTED)
    assert {"plane_rms_mm", "planar_motion"} == set(live[0].baselines)


def test_a_stopped_run_goes_on_to_the_same_results_by_any_number_of_workers(
    setup: Setup, stamp: Stamp, at_once: list[Result], tmp_path: Path
) -> None:
    told: list[str] = []
    run = Run(tmp_path, setup, 1)
    assert 3 == carry_out(
        run, [Order("print-flat", 1, 2), Order("live", 3, 1)], stamp, told.append
    )
    (tmp_path / "live.0000000-0000002.npz.99.part").write_bytes(b"half a shard")

    assert 6 == carry_out(run, [FLAT, LIVE], stamp, told.append)
    assert 0 == carry_out(run, [FLAT, LIVE], stamp, told.append)
    assert at_once == list(load(tmp_path))
    assert [] == list(tmp_path.glob("*.part"))
    assert told[-1].startswith("6/6 次 presentations")


def test_another_engine_never_adds_to_the_results(
    setup: Setup, stamp: Stamp, tmp_path: Path
) -> None:
    other = Stamp("gates-of-old", stamp.engine, challenge=False, test=True)
    assert 0 == carry_out(Run(tmp_path, setup, 1), [], other, lambda _line: None)

    with pytest.raises(EvaluateError, match="results do not mix"):
        carry_out(Run(tmp_path, setup, 1), [FLAT], stamp, lambda _line: None)
    assert [] == blocks_in(tmp_path)


def test_the_hash_knows_another_challenge_from_none(setup: Setup, engine: Engine) -> None:
    asking = open_engine(Setup(setup.config, challenge=True, test=True))

    assert engine_hash(engine) != engine_hash(asking)
    assert engine_hash(engine) == engine_hash(open_engine(setup))


def test_a_rigid_head_fails_the_challenge_it_passes_without(setup: Setup, engine: Engine) -> None:
    asking = open_engine(Setup(setup.config, challenge=True, test=True))
    seeds = range(6)
    passive = [engine.meet("mannequin", seed).outcome for seed in seeds]
    asked = [asking.meet("mannequin", seed) for seed in seeds]
    live = [asking.meet("live", seed) for seed in seeds]

    assert Response.ACCEPTED in passive
    assert Response.ACCEPTED not in {result.outcome for result in asked}
    assert {"action-not-done", "spoof-rigid"} & {result.cause for result in asked}
    assert Response.ACCEPTED in {result.outcome for result in live}


def test_what_is_put_in_for_frames_is_refused(engine: Engine) -> None:
    frozen = [engine.meet("frozen", seed) for seed in range(3)]

    assert ["stream-implausible"] * 3 == [result.cause for result in frozen]


@pytest.mark.parametrize("turned", [-25.0, 0.0, 12.0])
def test_the_turn_of_a_face_is_read_off_its_landmarks(engine: Engine, turned: float) -> None:
    c, s = cos(radians(turned)), sin(radians(turned))
    solid = engine.canonical_mm @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]).T
    points = (solid[:, :2] * [1, -1] * 1.2 + [320, 240]).astype(np.float32)

    assert turned == pytest.approx(yaw_deg(engine.canonical_mm, points), abs=0.1)


def test_the_command_reports_both_rules_beside_the_engine(tmp_path: Path) -> None:
    words = [
        *("liveness", "evaluate", "--species", "print-flat", "--count", "4", "--live", "4"),
        *("--tuning", "6", "--workers", "1", "--out", str(tmp_path / "out")),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "yibao_face.daemon", *words],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "YIBAO_FACE_HOME": str(HOME)},
    )

    assert 0 == done.returncode, done.stderr.decode()
    out = done.stdout.decode()
    assert "APCER 完整照片 print-flat: 0 / 4 = 0 % [0 %, 60.2 %] ≤ 52.7 %" in out
    assert "平面拟合" in out and "仅彩色" in out and "实拍" not in out
    body = json.loads((tmp_path / "out" / "test" / "report.json").read_text("utf-8"))
    assert "仿真 simulated" == body["kind"]
    assert ["plane_rms_mm", "planar_motion"] == [rule["name"] for rule in body["baselines"]]
    assert "仿真" in (tmp_path / "out" / "test" / "report.html").read_text("utf-8")
    assert {"live"} == {block.species for block in blocks_in(tmp_path / "out" / "tune")}
