"""``yibao-face setup`` as an installer calls it."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from harness import HOME, wait_for

from yibao_face.daemon.cli.main import main
from yibao_face.daemon.config import Config, load_site
from yibao_face.daemon.section import LanConfig
from yibao_face.daemon.setup.answer import Answer, read_answer
from yibao_face.daemon.setup.file import SetupError, write_answer
from yibao_face.daemon.setup.halt import Halted, halt

CODE = "P44010600001"


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    file = tmp_path / "answer.ini"
    text = f"[install]\norg_code = {CODE}\ncentre_url = https://centre.example:51519\n"
    file.write_text(text + "browser_policy = https://his.example\ncamera = uvc:0\n", "utf-8")
    return file


def test_answers_go_into_the_configuration_and_its_other_lines_stay(
    answers: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text("# 手工修改\n[door]\nport = 51600 # theirs\n", "utf-8")

    assert 0 == main(["setup", "--config", str(config), "apply", str(answers)])
    read = load_site(config)
    assert (CODE, "https://centre.example:51519") == (read.desk.institution, read.centre.url)
    assert ("uvc:0", ("https://his.example",)) == (read.camera.uri, read.door.origins)
    text = config.read_text("utf-8")
    assert "# 手工修改" in text
    assert "port = 51600 # theirs" in text


def test_lan_mode_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"

    assert write_answer(config, Answer(CODE, lan=True, lan_host="192.168.1.9", lan_port=51530))
    assert LanConfig(True, "192.168.1.9", 51530) == load_site(config).lan
    assert write_answer(tmp_path / "none.toml", Answer(CODE))
    assert "[lan]" not in (tmp_path / "none.toml").read_text("utf-8")


def test_the_same_answers_change_nothing(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"

    assert write_answer(config, Answer(CODE))
    before = config.stat()
    assert not write_answer(config, Answer(CODE))
    assert before == config.stat()


@pytest.mark.parametrize("text", ["[desk\n", "desk = 1\n", "colour = 1\n"])
def test_a_configuration_that_cannot_be_used_stays_as_it_is(text: str, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(text, "utf-8")

    with pytest.raises(SetupError):
        write_answer(config, Answer(CODE))
    assert text == config.read_text("utf-8")
    assert [config] == list(tmp_path.iterdir())


def test_wrong_answers_end_with_64_and_the_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "answer.ini"
    file.write_text("[install]\norg_code = H1\n", "utf-8")

    assert 64 == main(["setup", "check", str(file)])
    assert "org_code" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("his_folder = /none/HIS", "his_folder"),
        ("centre_url = https://c.example:51519\nenrol_code = A1\nca_file = none.pem", "ca_file"),
    ],
)
def test_what_an_answer_names_and_is_not_there_is_told_before_anything_is_done(
    line: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "answer.ini"
    file.write_text(f"[install]\norg_code = {CODE}\n{line}\n", "utf-8")

    assert 64 == main(["setup", "check", str(file)])
    assert told in capsys.readouterr().out


def test_a_certificate_lies_beside_its_answer_file(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    file = tmp_path / "answer.ini"
    lines = "centre_url = https://c.example:51519\nenrol_code = A1\nca_file = ca.pem"
    file.write_text(f"[install]\norg_code = {CODE}\n{lines}\n", "utf-8")

    assert str(tmp_path / "ca.pem") == read_answer(file).ca_file


def test_a_machine_that_could_not_be_bound_says_how_to_and_keeps_no_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ca, config = tmp_path / "ca.pem", tmp_path / "config.toml"
    ca.write_text("no certificate\n", "ascii")
    config.write_text(f'data = "{tmp_path}"\n', "utf-8")
    file = tmp_path / "answer.ini"
    lines = "centre_url = https://127.0.0.1:1\nenrol_code = SECRET1\nca_file = ca.pem"
    file.write_text(f"[install]\norg_code = {CODE}\n{lines}\n", "utf-8")

    assert 0 == main(["setup", "--config", str(config), "apply", str(file)])
    assert 1 == main(["setup", "--config", str(config), "enrol", str(file)])
    said = capsys.readouterr()
    assert f'link enrol --url https://127.0.0.1:1 --ca "{ca}"' in said.err
    kept = tmp_path / "installed-answer.ini"
    assert replace(read_answer(file), enrol_code="") == read_answer(kept)
    assert "SECRET1" not in said.out + said.err + kept.read_text("utf-8")


def test_a_port_somebody_else_has_is_told(
    answers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        config = tmp_path / "config.toml"
        config.write_text(f"[door]\nport = {port}\n", "utf-8")

        assert 2 == main(["setup", "--config", str(config), "check", str(answers)])
    assert str(port) in capsys.readouterr().out


def test_right_answers_are_written_plainly(answers: Path, tmp_path: Path) -> None:
    made = tmp_path / "plain.ini"
    config = tmp_path / "config.toml"
    config.write_text("[door]\nport = 1\n", "utf-8")

    words = ["setup", "--config", str(config), "check", str(answers), "--plain", str(made)]
    assert 0 == main(words)
    assert f"org_code={CODE}" in made.read_text("utf-16")


def test_what_runs_below_a_folder_is_ended_and_nothing_else(tmp_path: Path) -> None:
    inside = tmp_path / "app" / "sleeper"
    inside.parent.mkdir()
    shutil.copyfile(shutil.which("sleep") or "", inside)
    inside.chmod(0o755)
    with (
        subprocess.Popen([inside, "60"]) as ours,
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other,
    ):
        wait_for(lambda: psutil.Process(ours.pid).exe() == str(inside))
        assert Halted(1, asked=False, ended=1) == halt(tmp_path, Config(tmp_path))
        ours.wait(10)
        assert other.poll() is None
        other.kill()


def test_this_copy_works_here(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("YIBAO_FACE_HOME", str(HOME))
    before = sorted(HOME.iterdir())

    assert 0 == main(["setup", "test"])
    assert '"ok": true' in capsys.readouterr().out
    assert before == sorted(HOME.iterdir())


def test_a_copy_without_its_networks_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("YIBAO_FACE_HOME", str(tmp_path))

    assert 3 == main(["setup", "test"])
    told = json.loads(capsys.readouterr().out)
    assert not told["ok"]
    assert "处理：请用原安装包重新安装" in "".join(told["wrong"])


@pytest.mark.skipif(sys.platform == "win32", reason="it writes the registry there")
def test_elsewhere_there_is_no_registry(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("YIBAO_FACE_HOME", str(tmp_path))

    assert 1 == main(["setup", "library"])
    assert "Windows" in capsys.readouterr().err
