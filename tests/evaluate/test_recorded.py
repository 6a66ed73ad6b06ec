"""``liveness evaluate --recorded`` over the demo clips: the real networks, labels of all kinds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from harness import HOME

from yibao_face.daemon.capture.examine import Examiner
from yibao_face.daemon.capture.policy import liveness_policy
from yibao_face.daemon.capture.session import Session
from yibao_face.daemon.config import Config
from yibao_face.daemon.core.quality import Limits
from yibao_face.daemon.evaluate.recorded import PATIENCE_S, evaluate_folder, label_of
from yibao_face.daemon.evaluate.result import EvaluateError, Response
from yibao_face.daemon.wiring import weight_store
from yibao_face.drivers.api import ClipError
from yibao_face.models.suite import FaceModels


@pytest.fixture(scope="module")
def session(home: Config, models: FaceModels) -> Session:
    policy = liveness_policy(weight_store(home).manifest.liveness)
    return Session(Examiner(models, Limits(), policy), PATIENCE_S, PATIENCE_S)


def put(folder: Path, clips: Path, **placed: str) -> None:
    """Demo clips by the species folder they are put in."""
    for species, names in placed.items():
        into = folder / species.replace("_", "-")
        into.mkdir(parents=True, exist_ok=True)
        for name in names.split():
            (into / f"{name}.rgbd").write_bytes((clips / f"{name}.rgbd").read_bytes())


@pytest.mark.parametrize(
    ("header", "folder", "label"),
    [
        ("live", "clips", "live"),
        ("live-first", "live", "live"),
        ("print-flat", "print-flat", "print-flat"),
        ("photo-holes", "2026", "photo-holes"),
    ],
)
def test_a_clip_is_what_its_header_or_folder_says(header: str, folder: str, label: str) -> None:
    assert label == label_of(header, folder)


@pytest.mark.parametrize(("header", "folder"), [("x", "y"), ("live", "mask"), ("", "")])
def test_a_clip_of_doubtful_label_counts_nowhere(header: str, folder: str) -> None:
    with pytest.raises(ClipError):
        label_of(header, folder)


def test_clips_are_judged_as_the_daemon_judges(
    session: Session, clips: Path, tmp_path: Path
) -> None:
    put(tmp_path, clips, live="live-first live-second nobody", photo="flat-first bent-first")
    found = evaluate_folder(lambda _can: session, tmp_path, lambda _line: None)

    assert () == found.unreadable
    assert {
        "live/live-first.rgbd": ("live", Response.ACCEPTED, ""),
        "live/live-second.rgbd": ("live", Response.ACCEPTED, ""),
        "live/nobody.rgbd": ("live", Response.NO_RESPONSE, "no-face"),
        "photo/bent-first.rgbd": ("photo", Response.REJECTED, "spoof-flat"),
        "photo/flat-first.rgbd": ("photo", Response.REJECTED, "spoof-flat"),
    } == {r.origin: (r.species, r.outcome, r.cause) for r in found.results}
    first = found.results[0]
    assert 0.5 < first.features["gain1"] < 2 and 500 < first.distance_mm < 600


def test_the_same_clip_gives_the_same_result(
    session: Session, clips: Path, tmp_path: Path
) -> None:
    put(tmp_path, clips, live="live-third")
    once, again = (
        evaluate_folder(lambda _can: session, tmp_path, lambda _line: None) for _ in range(2)
    )

    assert once == again


def test_a_folder_without_a_clip_is_refused(session: Session, tmp_path: Path) -> None:
    with pytest.raises(EvaluateError, match=r"holds no \.rgbd clip"):
        evaluate_folder(lambda _can: session, tmp_path, lambda _line: None)


def test_an_unreadable_clip_is_named_and_the_rest_goes_on(clips: Path, tmp_path: Path) -> None:
    put(tmp_path / "in", clips, live="live-first", photo="flat-first", odd="tablet-first")
    torn = tmp_path / "in" / "photo" / "torn.rgbd"
    torn.write_bytes((clips / "flat-first.rgbd").read_bytes()[:9000])
    words = ["liveness", "evaluate", "--recorded", tmp_path / "in", "--out", tmp_path / "out"]
    done = subprocess.run(
        [sys.executable, "-m", "yibao_face.daemon", *map(str, words)],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "YIBAO_FACE_HOME": str(HOME)},
    )

    out, err = done.stdout.decode(), done.stderr.decode()
    assert 1 == done.returncode
    assert "无法读取 unreadable: photo/torn.rgbd: " in err
    assert "无法读取 unreadable: odd/tablet-first.rgbd: " in err
    assert "BPCER 真人 live: 0 / 1 = 0 % [0 %, 97.5 %] ≤ 95 %" in out
    assert "APCER 完整照片 photo: 0 / 1 = 0 %" in out and "仿真" not in out
    body = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert "实拍 recorded" == body["kind"]
    assert ["live/live-first.rgbd", "photo/flat-first.rgbd"] == [
        c["origin"] for c in body["clips"]
    ]
    assert 2 == len(body["unreadable"])
    assert "实拍" in (tmp_path / "out" / "report.html").read_text("utf-8")
