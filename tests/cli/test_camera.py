"""What an engineer asks of a camera at the counter; the camera here is a recording."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from yibao_face.daemon.booth.still.plane import picture
from yibao_face.daemon.cli.device.check import checked
from yibao_face.daemon.cli.main import main
from yibao_face.drivers.api import Frame, Intrinsics
from yibao_face.drivers.clip import ClipReader, ClipWriter, Planes
from yibao_face.drivers.conformance.bed import Bed
from yibao_face.drivers.conformance.point import POINTS
from yibao_face.drivers.replay import open_replay

Said = pytest.CaptureFixture[str]
LENS = Intrinsics(64, 48, 60.0, 60.0, 32.0, 24.0)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve frames of noise at fifty a second."""
    path, rng = tmp_path_factory.mktemp("camera") / "noise.rgbd", np.random.default_rng(5)
    with ClipWriter(path, LENS, 50.0, "noise") as writer:
        for n in range(12):
            bgr = rng.integers(0, 256, (48, 64, 3), np.uint8)
            depth_mm = rng.integers(400, 900, (48, 64)).astype(np.uint16)
            writer.add(Planes(bgr, depth_mm, bgr[:, :, 0]), n * 20_000)
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("YIBAO_FACE_HOME", str(tmp_path / "home"))
    return tmp_path


def test_the_contract_is_checked_point_by_point(clip: Path, home: Path, capsys: Said) -> None:
    code = main(["camera", "test", "--camera", f"replay:{clip}"])

    said = capsys.readouterr().out
    # A recording is not the camera of one owner, nor is it ever looked for.
    assert 1 == code
    failed = re.findall("  FAIL (.*?):", said)
    assert {"a camera has one owner", "the camera is found, also while it runs"} == set(failed)
    assert len(POINTS) == len(re.findall("^  (?:ok  |FAIL|-   ) ", said, re.MULTILINE))
    assert re.search(r"64x48, 首帧 first frame \d", said)
    assert "replay:" in said


def test_an_engineers_hands_are_asked_for_what_only_they_can_do(clip: Path) -> None:
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return ""

    told: list[str] = []
    checked(Bed("replay", lambda: open_replay(str(clip)), recorded=True), told.append, ask)

    assert any("拔下" in prompt for prompt in asked)
    assert any("FAIL unplugging is told as loss" in line for line in told)


def test_a_recording_of_what_it_sees_plays_again(clip: Path, home: Path, capsys: Said) -> None:
    out = home / "seen.rgbd"

    code = main(["camera", "record", "--camera", f"replay:{clip}", "--seconds", "0.5", str(out)])

    assert 0 == code
    assert "本人同意" in capsys.readouterr().out
    assert 5 < len(list(ClipReader(out).frames()))
    assert 0o600 == out.stat().st_mode & 0o777


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["record", "there.txt"], "name a new file"),
        (["record", "--seconds", "0", "new.rgbd"], "--seconds"),
        (["record", "--seconds", "nan", "new.rgbd"], "--seconds"),
        (["test"], "no camera is configured"),
        (["test", "--camera", "webcam:0"], "no driver 'webcam'"),
        (["preview", "--camera", "replay:/gone.rgbd"], "is not there"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    home: Path, capsys: Said, arguments: list[str], told: str
) -> None:
    assert 1 == main(["camera", *arguments])

    assert told in capsys.readouterr().err


def test_time_to_the_first_frame_is_told_cold_and_warm(
    clip: Path, home: Path, capsys: Said
) -> None:
    few = ["--cold", "2", "--warm", "3", "--seconds", "0.3"]

    assert 0 == main(["bench", "capture", "--camera", f"replay:{clip}", *few])

    said = capsys.readouterr().out
    assert re.search(r"cold, opened for it +\d+ +\d+ +\d+  n=2", said)
    assert re.search(r"warm, kept open +\d+ +\d+ +\d+  n=3", said)


def test_the_rules_let_a_group_look_and_nobody_else(home: Path, capsys: Said) -> None:
    assert 0 == main(["camera", "rules"])

    rules = [line for line in capsys.readouterr().out.splitlines() if line.startswith("ATTR")]
    assert all('MODE="0660"' in rule and 'TAG+="uaccess"' in rule for rule in rules)
    assert {"2bc5", "8086", "1d27"} == {re.findall('"([0-9a-f]{4})"', rule)[0] for rule in rules}


def test_listing_finds_no_recordings(home: Path, capsys: Said) -> None:
    main(["camera", "list"])

    assert "replay" not in capsys.readouterr().out


def fetched(url: str) -> tuple[int, bytes]:
    """Status and the first bytes of the answer."""
    at = urlsplit(url)
    connection = HTTPConnection(str(at.hostname), at.port, timeout=20)
    try:
        connection.request("GET", at.path)
        answer = connection.getresponse()
        return answer.status, answer.read(2000)
    finally:
        connection.close()


def test_the_preview_is_seen_at_an_address_nobody_can_guess(clip: Path, home: Path) -> None:
    command = [sys.executable, "-m", "yibao_face.daemon", "camera", "preview"]
    with subprocess.Popen(
        [*command, "--camera", f"replay:{clip}"], stdout=subprocess.PIPE, text=True
    ) as shown:
        try:
            assert shown.stdout is not None
            found = re.search(r"http://127\.0\.0\.1:\d+/[\w-]{16}/", shown.stdout.readline())
            assert found is not None
            status, head = fetched(f"{found[0]}live")
            elsewhere, _ = fetched(found[0].rsplit("/", 2)[0] + "/live")
        finally:
            shown.terminate()

    assert (200, 404) == (status, elsewhere)
    assert b"Content-Type: image/jpeg" in head


def test_the_picture_shows_the_planes_there_are() -> None:
    bgr = np.full((48, 64, 3), 100, np.uint8)
    depth_mm = np.full((48, 64), 300, np.uint16)
    whole = Frame(1, 1, 1, bgr, depth_mm, np.full((24, 32), 50, np.uint8), LENS)

    assert (48, 192, 3) == picture(whole).shape
    assert (48, 64, 3) == picture(replace(whole, depth_mm=None, ir=None)).shape
    blue, _, red = picture(whole)[24, 96]
    assert red > blue
