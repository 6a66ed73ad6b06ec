"""A setup and the updater agree on which version runs, which is kept, and how it is started."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from yibao_face.daemon.cli.main import main
from yibao_face.daemon.config import Config
from yibao_face.daemon.setup.file import SetupError
from yibao_face.daemon.setup.updater import previous, settle, task
from yibao_face.installer.update.place import Place
from yibao_face.installer.update.site import read_site
from yibao_face.installer.update.state import State, Step, read_state, write_state
from yibao_face.installer.update.swap.lock import take
from yibao_face.installer.update.version import Version


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An installation of 1.1.0 in the place of 1.0.0, with blanks and Chinese in its name."""
    root = tmp_path / "医保 & 核验"
    for name in ("0.9.0", "1.0.0", "1.1.0"):
        (root / f"app-{name}").mkdir(parents=True)
    (root / "current.txt").write_text("app-1.1.0\n", "ascii")
    return root


def kept(root: Path) -> set[str]:
    return {str(version) for version in Place(root).versions()}


def test_after_a_setup_the_version_before_is_kept_and_no_older_one(
    root: Path, tmp_path: Path
) -> None:
    assert Version(1, 0, 0) == settle(root, Config(tmp_path), "1.0.0")

    assert Version(1, 0, 0) == previous(root)
    assert {"1.0.0", "1.1.0"} == kept(root)


def test_a_repair_keeps_what_could_be_gone_back_to(root: Path, tmp_path: Path) -> None:
    settle(root, Config(tmp_path), "1.0.0")
    settle(root, Config(tmp_path), "1.1.0")

    assert Version(1, 0, 0) == previous(root)


def test_a_first_setup_keeps_nothing_else(root: Path, tmp_path: Path) -> None:
    assert Version(1, 1, 0) == settle(root, Config(tmp_path), "")

    assert {"1.1.0"} == kept(root)
    with pytest.raises(SetupError, match="上一版本"):
        previous(root)


def test_a_switch_that_was_cut_off_is_over_and_its_memory_stays(
    root: Path, tmp_path: Path
) -> None:
    place = Place(root)
    place.own.mkdir()
    place.keeper.write_text("app-1.0.0\n", "ascii")
    cut = State(
        Step.SWITCHING,
        waiting="1.2.0",
        origin="1.0.0",
        target="1.2.0",
        failed={"1.1.0": "it did not answer", "0.8.0": "unfit"},
        seen={"targets": 7},
    )
    write_state(place.state, cut)
    settle(root, Config(tmp_path), "1.0.0")

    found = read_state(place.state)
    assert (Step.IDLE, "", "", "1.0.0") == (
        found.step,
        found.waiting,
        found.target,
        found.previous,
    )
    assert ({"0.8.0": "unfit"}, {"targets": 7}) == (found.failed, found.seen)
    assert not place.keeper.exists()


def test_a_state_nobody_can_read_is_begun_anew(root: Path, tmp_path: Path) -> None:
    place = Place(root)
    place.own.mkdir()
    place.state.write_text("{", "utf-8")

    assert Version(1, 0, 0) == settle(root, Config(tmp_path), "1.0.0")
    assert "1.0.0" == read_state(place.state).previous


def test_settings_say_where_the_daemon_is_and_an_edited_file_stays(
    root: Path, tmp_path: Path
) -> None:
    config = replace(Config(tmp_path), door=replace(Config(tmp_path).door, port=51600))
    settle(root, config, "1.0.0")
    file = root / "update" / "update.toml"
    site = read_site(file)
    assert (tmp_path, "pointer", True) == (site.data, site.switch, site.only_serving)
    assert "http://127.0.0.1:51600/health" == site.health
    assert (str(root / "yibao-face.exe"), "setup", "restart") == site.restart
    assert {r"D:\*.update", r"E:\*.update", r"Z:\*.update"} <= set(site.sticks)
    assert not [one for one in site.sticks if one[0] in "ABC"]

    file.write_text(file.read_text("utf-8") + "watch_s = 200\n", "utf-8")
    settle(root, config, "1.0.0")
    assert 200 == read_site(file).watch.watch_s


def test_while_an_update_is_at_work_the_setup_says_so(root: Path, tmp_path: Path) -> None:
    place = Place(root)
    place.own.mkdir()
    held = take(place.lock)
    assert held is not None
    with held, pytest.raises(SetupError, match="update is under way"):
        settle(root, Config(tmp_path), "1.0.0")


def test_the_hourly_task_runs_the_launcher_as_the_system(root: Path) -> None:
    # Its own text: nobody else's.
    found = ET.fromstring(task(root).partition("?>")[2])  # noqa: S314
    names = {element.tag.partition("}")[2]: element.text for element in found.iter()}

    assert str(root / "yibao-face.exe") == names["Command"]
    assert ("update run", "S-1-5-18", "PT1H") == (
        names["Arguments"],
        names["UserId"],
        names["Interval"],
    )
    assert "false" == names["DisallowStartIfOnBatteries"]


def test_by_command(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "task.xml"
    config = tmp_path / "config.toml"
    config.write_text(f"data = {json.dumps(str(tmp_path))}\n", "utf-8")
    words = ["setup", "--config", str(config), "updater", str(root), "--before", "1.0.0"]
    assert 0 == main([*words, "--task", str(file)])
    assert "update run" in file.read_text("utf-16")
    capsys.readouterr()

    assert 0 == main(["setup", "previous", str(root)])
    assert "1.0.0\n" == capsys.readouterr().out
    (root / "current.txt").unlink()
    assert 1 == main(words)
    assert "current.txt" in capsys.readouterr().err
