"""The field kit driven through standard input, a replay camera standing in for the device."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import HOME

from yibao_face.daemon.cli.main import main
from yibao_face.daemon.evaluate.acceptance import Plan, chosen, guide, record
from yibao_face.daemon.evaluate.label import KINDS, kind_of
from yibao_face.daemon.evaluate.result import EvaluateError
from yibao_face.drivers.clip import ClipReader
from yibao_face.drivers.replay import ReplayCamera

Says = Callable[..., Callable[[str], str]]


@pytest.fixture
def says() -> Says:
    """Answers of an engineer who goes away after the last one."""

    def says(*answers: str) -> Callable[[str], str]:
        left = iter(answers)

        def ask(_prompt: str) -> str:
            said = next(left, None)
            if said is None:
                raise EOFError
            return said

        return ask

    return says


def run_kit(folder: Path, clip: Path, ask: Callable[[str], str], keys: str, per: int) -> list[str]:
    """One session before ``clip``; what was told."""
    told: list[str] = []
    with ReplayCamera(clip, paced=True) as camera:
        guide(Plan(folder, chosen(KINDS, keys), per, 0.5, ask, told.append), camera)
    return told


def made(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*.rgbd"))


def test_a_session_stopped_goes_on_where_it_was(tmp_path: Path, clips: Path, says: Says) -> None:
    clip, folder = clips / "flat-first.rgbd", tmp_path / "kit"
    run_kit(folder, clip, says("", "q"), "photo,screen", 2)
    assert ["photo-001.rgbd"] == made(folder)
    kept = (folder / "photo" / "photo-001.rgbd").read_bytes()

    told = run_kit(folder, clip, says("", "", ""), "photo,screen", 2)
    assert ["photo-001.rgbd", "photo-002.rgbd", "screen-001.rgbd", "screen-002.rgbd"] == made(
        folder
    )
    assert kept == (folder / "photo" / "photo-001.rgbd").read_bytes()
    assert any("【完整照片】" in line and "已有 1/2" in line for line in told)
    assert "photo" == ClipReader(folder / "photo" / "photo-002.rgbd").header.label


def test_nobody_living_is_recorded_without_consent(
    tmp_path: Path, clips: Path, says: Says
) -> None:
    told = run_kit(tmp_path / "kit", clips / "live-first.rgbd", says("n", ""), "真人", 2)

    assert [] == made(tmp_path / "kit")
    assert any("本人同意接受通过实人认证" in line for line in told)


def test_consent_is_asked_of_each_and_kept_with_the_clip(
    tmp_path: Path, clips: Path, says: Says
) -> None:
    run_kit(tmp_path / "kit", clips / "live-first.rgbd", says("y", "", "n"), "live", 2)

    assert ["live-001.rgbd"] == made(tmp_path / "kit")
    [line] = (tmp_path / "kit" / "acceptance.jsonl").read_text("utf-8").splitlines()
    assert "本人同意" in json.loads(line)["consent"]


def test_s_goes_on_with_the_next_species(tmp_path: Path, clips: Path, says: Says) -> None:
    run_kit(tmp_path / "kit", clips / "flat-first.rgbd", says("s", "", "q"), "photo,video", 2)

    assert ["video-001.rgbd"] == made(tmp_path / "kit")


def test_a_folder_of_another_camera_or_purpose_is_refused(
    tmp_path: Path, clips: Path, says: Says
) -> None:
    run_kit(tmp_path / "kit", clips / "flat-first.rgbd", says(), "photo", 1)
    with pytest.raises(EvaluateError, match="another camera"):
        run_kit(tmp_path / "kit", clips / "bent-first.rgbd", says(""), "photo", 1)

    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("mine", "utf-8")
    with pytest.raises(EvaluateError, match="holds other files"):
        run_kit(tmp_path / "other", clips / "flat-first.rgbd", says(""), "photo", 1)


def test_a_clip_that_is_there_is_never_written_again(tmp_path: Path, clips: Path) -> None:
    path = tmp_path / "a.rgbd"
    path.write_bytes(b"somebody's")
    with (
        ReplayCamera(clips / "flat-first.rgbd") as camera,
        pytest.raises(EvaluateError, match="nothing is overwritten"),
    ):
        record(camera, path, 0.5, "photo")
    assert b"somebody's" == path.read_bytes()


def test_too_few_frames_leave_no_clip(tmp_path: Path, clips: Path) -> None:
    with (
        ReplayCamera(clips / "flat-first.rgbd") as camera,
        pytest.raises(EvaluateError, match=r"only \d frames"),
    ):
        record(camera, tmp_path / "a.rgbd", 0.01, "photo")
    assert [] == list(tmp_path.iterdir())


def test_species_are_named_by_key_or_in_chinese() -> None:
    assert KINDS == chosen(KINDS, "all")
    assert (kind_of("mask"), kind_of("live")) == chosen(KINDS, "仿真面具，live,mask")
    with pytest.raises(EvaluateError, match="no species hologram; known: live, 真人"):
        chosen(KINDS, "hologram")


def test_nobody_is_recorded_by_a_command_without_a_terminal(
    tmp_path: Path, clips: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    camera = f"replay:{clips / 'live-first.rgbd'}"
    assert 1 == main(["liveness", "acceptance", "--camera", camera, "--out", str(tmp_path / "k")])
    assert "use a terminal, or --batch" in capfd.readouterr().err
    assert not (tmp_path / "k").exists()


def test_the_kit_records_and_reports(tmp_path: Path, clips: Path) -> None:
    words = [
        *("liveness", "acceptance", "--camera", f"replay:{clips / 'flat-first.rgbd'}"),
        *("--out", str(tmp_path / "kit"), "--species", "完整照片,photo-holes"),
        *("--per", "1", "--seconds", "1", "--batch"),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "yibao_face.daemon", *words],
        input=b"\n\n",
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "YIBAO_FACE_HOME": str(HOME)},
    )

    assert 0 == done.returncode, done.stderr.decode()
    out = done.stdout.decode()
    assert "APCER 完整照片 photo: 0 / 1 = 0 % [0 %, 97.5 %]" in out and "实拍" in out
    assert "APCER 抠洞照片 photo-holes: 0 / 1 = 0 %" in out
    assert {"report.html", "report.json", "acceptance.json", "acceptance.jsonl"} <= {
        path.name for path in (tmp_path / "kit").iterdir()
    }
