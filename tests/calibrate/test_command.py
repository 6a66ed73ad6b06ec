"""``yibao-face calibrate`` as a user meets it: a tiny folder of the demo portraits, and bad input.

A run that draws is a process of its own: the plotting library must not stay in that of the tests.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from harness import link_folder

from yibao_face.daemon.calibrate import plot
from yibao_face.daemon.calibrate.embedding import CACHE, embed_folder, list_pictures
from yibao_face.daemon.calibrate.eye import Eye, open_eye
from yibao_face.daemon.cli.lab import calibrate as lab
from yibao_face.daemon.cli.main import main
from yibao_face.daemon.config import Config
from yibao_face.daemon.wiring import plain_store

PICTURES = {
    "first": ("first-1", "first-2", "first-3"),
    "second": ("second",),
    "third": ("third",),
}
NAMES = ("first", "second", "third")


@pytest.fixture(scope="module")
def folder(portrait: Callable[[str], bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three persons, one picture that is none and one without a face."""
    made = tmp_path_factory.mktemp("faces")
    for person, names in PICTURES.items():
        (made / person).mkdir()
        for n, name in enumerate(names):
            (made / person / f"{n}.jpg").write_bytes(portrait(name))
    (made / "second" / "torn.jpg").write_bytes(b"\xff\xd8\xff")
    blank = cv2.imencode(".png", np.full((120, 160, 3), 127, np.uint8))[1]
    (made / "third" / "wall.PNG").write_bytes(blank.tobytes())
    (made / "third" / "notes.txt").write_text("no picture", "utf-8")
    return made


@pytest.fixture(scope="module")
def eye(home: Config) -> Eye:
    return open_eye(plain_store(home), "", home.match.margin)


@pytest.fixture
def at(home: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of this test with the networks."""
    place = tmp_path / "home"
    place.mkdir()
    link_folder(place / "models", home.models)
    monkeypatch.setenv("YIBAO_FACE_HOME", str(place))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def refusal(at: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The one line a command fails with."""

    def refusal(*words: object) -> str:
        assert 1 == main(["calibrate", *map(str, words)])
        out, err = capfd.readouterr()
        assert ("", 1) == (out, err.count("\n"))
        assert not list(at.glob("calibration/*.html"))
        return err.removeprefix("yibao-face: ").strip()

    return refusal


def calibrate(*words: object) -> str:
    """Standard output of a run that must go well, in a process of its own."""
    command = [sys.executable, "-m", "yibao_face.daemon", "calibrate", *map(str, words)]
    env = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, capture_output=True, check=False, env=env)
    assert (0, b"") == (done.returncode, done.stderr)
    return done.stdout.decode()


def test_a_folder_becomes_a_report(at: Path, folder: Path) -> None:
    labels = at / "labels.csv"
    labels.write_text("person,label\nfirst,老年\nsecond,老年\n", "gbk")
    out = calibrate("--images", folder, "--labels", labels, "--out", at / "new" / "out")
    made = at / "new" / "out"

    assert "照片 pictures 5, 人员 persons 3, 无法读取 unreadable 1, 未见人脸 no face 1" in out
    assert "none written" in out
    assert {CACHE, "det.png", "histogram.png", "report.html"} == {p.name for p in made.iterdir()}
    report = (made / "report.html").read_text("utf-8")
    assert "只在本单位保存" in report and "样本内" in report and "老年" in report
    # Both plots, and two thumbnails of each of the seven pairs of different persons.
    assert 2 + 2 * 7 == report.count("data:image/png;base64,")
    for name in ("det.png", "histogram.png"):
        assert (made / name).read_bytes().startswith(b"\x89PNG")
        assert cv2.imread(str(made / name)) is not None


def test_no_name_of_a_person_or_picture_is_said(at: Path, folder: Path) -> None:
    out = calibrate("--images", folder)

    assert (at / "calibration" / "report.html").is_file()
    assert [] == [name for name in (*NAMES, ".jpg", "torn", "wall") if name in out]


def test_pairs_are_judged_at_the_threshold_in_use(at: Path, folder: Path, eye: Eye) -> None:
    rows = [
        *("first/0.jpg,first/1.jpg,1", "first/0.jpg,first/2.jpg,1"),
        *("first/0.jpg,second/0.jpg,0", "second/0.jpg,third/0.jpg,0"),
        *("first/0.jpg,third/wall.PNG,0", "second/torn.jpg,second/0.jpg,1"),
    ]
    pairs = folder / "pairs.csv"
    pairs.write_text("\n".join(["left,right,same", *rows, ""]), "utf-8")
    out = calibrate("--pairs", pairs)

    assert "6 对 pairs, 不可用 unusable 2\n" in out
    assert f"阈值 threshold {eye.limit:.4f}\n" in out
    assert "FRR 0 / 2: 至多 at most 3/2 = 100 % (95 %)\n" in out
    assert "FAR 0 / 2: 至多" in out
    assert not (at / "calibration").exists()


def test_embeddings_are_kept_until_a_picture_changes(
    folder: Path, eye: Eye, tmp_path: Path
) -> None:
    kept, said = tmp_path / CACHE, list[str]()
    files = list_pictures(folder)
    first = embed_folder(eye, folder, files, said.append, kept)
    blind = Eye(None, eye.embedder, None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    again = embed_folder(blind, folder, files, said.append, kept)

    np.testing.assert_array_equal(first.vectors, again.vectors)
    assert (first.files, 1, 1) == (again.files, again.unreadable, again.faceless)
    if os.name != "nt":
        assert 0 == stat.S_IMODE(kept.stat().st_mode) & 0o077
    with pytest.raises(AttributeError):  # it has to look, and cannot
        embed_folder(blind, folder, files[:-1], said.append, kept)
    kept.write_bytes(b"torn")
    rebuilt = embed_folder(eye, folder, files, said.append, kept)
    np.testing.assert_array_equal(first.vectors, rebuilt.vectors)


def test_a_folder_that_is_not_there(refusal: Callable[..., str]) -> None:
    assert "missing is no folder" == refusal("--images", "missing")


def test_one_person_is_too_few(refusal: Callable[..., str], folder: Path, at: Path) -> None:
    (at / "one").mkdir()
    link_folder(at / "one" / "first", folder / "first")

    expected = "one shows 1 persons, 2 are needed (DIR/person/picture)"
    assert expected == refusal("--images", at / "one")
    (at / "none").mkdir()
    assert "none shows 0 persons" in refusal("--images", at / "none")


def test_somebody_must_have_two_pictures(
    refusal: Callable[..., str], folder: Path, at: Path
) -> None:
    for person in ("a", "b"):
        (at / "single" / person).mkdir(parents=True)
        face = (folder / "first" / "0.jpg").read_bytes()
        (at / "single" / person / "0.jpg").write_bytes(face)

    assert "single: no person has two pictures" == refusal("--images", at / "single")


def test_pictures_without_faces_do_not_count(
    folder: Path, at: Path, eye: Eye, capfd: pytest.CaptureFixture[str]
) -> None:
    for person in ("a", "b"):
        (at / "walls" / person).mkdir(parents=True)
        for n in range(2):
            wall = (folder / "third" / "wall.PNG").read_bytes()
            (at / "walls" / person / f"{n}.png").write_bytes(wall)

    assert 1 == main(["calibrate", "--images", str(at / "walls")])
    assert "walls shows 0 persons" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: the head must be picture,label or person,label"),
        ("name,label\n", "line 1: the head must be"),
        ("person,label\nfirst\n", "line 2: 2 values are needed"),
        ("person,label\nfirst,a\nfirst,b\n", "line 3: a second label for the same"),
        ("person,label\nfirst,a\nfourth,b\n", "line 3: no such picture or person"),
        ("person,label\n\nfirst,\n", "line 3: the label is empty"),
        ('person,label\nfirst,"a\n', "line 2: unexpected end of data"),
        ("picture,label\nfirst/0.jpg,a,b\n", "line 2: 2 values are needed"),
        (b"person,label\n\xff,a\n", "is neither UTF-8 nor GBK text"),
    ],
)
def test_a_wrong_line_of_the_labels_is_named(
    refusal: Callable[..., str], folder: Path, at: Path, text: str | bytes, said: str
) -> None:
    data = text if isinstance(text, bytes) else text.encode()
    (at / "l.csv").write_bytes(data)

    assert f"l.csv {said}" in refusal("--images", folder, "--labels", at / "l.csv")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("left,right\n", "line 1: the head must be left,right,same"),
        ("left,right,same\n", "lists no pair"),
        ("left,right,same\na.jpg,b.jpg,yes\n", "line 2: same must be 0 or 1"),
        ("left,right,same\na.jpg,b.jpg\n", "line 2: 3 values are needed"),
        ("left,right,same\nl.csv,b.jpg,1\n", "line 2: the right picture is not there"),
    ],
)
def test_a_wrong_line_of_the_pairs_is_named(
    refusal: Callable[..., str], at: Path, text: str, said: str
) -> None:
    (at / "l.csv").write_text(text, "utf-8")

    assert f"l.csv {said}" == refusal("--pairs", at / "l.csv")


def test_a_list_or_model_that_is_not_there(refusal: Callable[..., str], folder: Path) -> None:
    assert "no.csv cannot be read: No such file or directory" == refusal("--pairs", "no.csv")
    assert "no.csv" in refusal("--images", folder, "--labels", "no.csv")
    assert "--labels goes with --images" == refusal("--pairs", "a.csv", "--labels", "b.csv")
    assert "nobody-1 is not installed" == refusal("--images", folder, "--model", "nobody-1")


def test_pairs_need_a_network_with_thresholds(
    refusal: Callable[..., str], folder: Path, eye: Eye, monkeypatch: pytest.MonkeyPatch
) -> None:
    def uncalibrated(_folder: Path, _model: str, _margin: float) -> Eye:
        return replace(eye, limit=None)

    monkeypatch.setattr(lab, "open_eye", uncalibrated)
    pairs = folder / "two.csv"
    pairs.write_text("left,right,same\nfirst/0.jpg,first/1.jpg,1\n", "utf-8")

    expected = f"{eye.stamp.id} has no thresholds: calibrate on --images first"
    assert expected == refusal("--pairs", pairs)


def test_results_that_cannot_be_kept(refusal: Callable[..., str], folder: Path, at: Path) -> None:
    (at / "file").write_text("here", "utf-8")

    assert refusal("--images", folder, "--out", at / "file").startswith("file cannot be made: ")


def test_without_the_extra_it_says_what_to_install(
    refusal: Callable[..., str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_spec(name: str) -> str | None:
        return None if name == "matplotlib" else name

    monkeypatch.setattr(plot, "find_spec", find_spec)

    expected = "calibrating needs matplotlib: pip install 'yibao-face[calibrate]'"
    assert expected == refusal("--images", folder)


def test_the_command_line_does_not_load_the_plotting_library() -> None:
    code = "import sys, yibao_face.daemon.cli.main; sys.exit('matplotlib' in sys.modules)"

    assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode
