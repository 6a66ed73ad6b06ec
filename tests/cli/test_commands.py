"""Every command helps, says its version, and fails in one line that names what is wrong."""

from __future__ import annotations

import argparse
import configparser
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from harness import FIRST, ROOT, his_call

from yibao_face.daemon.cli.main import main, parser
from yibao_face.daemon.config import Config, load_config
from yibao_face.models.weights.manifest import load_manifest

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]
CALL = ("verify", "--id", FIRST, "--name", "张三")
COMMANDS = {
    *("demo", "serve", "agent", "doctor", "verify", "counter", "person", "staff", "reader"),
    "scanner",
    "camera",
    *("desk", "rate", "settled", "roster", "certificate", "policy", "inbox", "queue", "link"),
    "center",
    *("models", "clip", "config", "bench", "conform", "library", "calibrate", "liveness"),
    "lan",
    "update",
    "setup",
}
ACTIONS = {
    "staff": {"add", "ls", "pin", "remove"},
    "camera": {"list", "test", "record", "rules", "preview"},
    "reader": {"test"},
    "scanner": {"test"},
    "person": {"add", "card", "agent", "remove", "samples", "count"},
    "certificate": {"key", "show", "verify"},
    "policy": {"check", "install", "try", "sign", "keygen"},
    "inbox": {"take", "ls", "key"},
    "queue": {"ls", "verify", "repair", "retry", "export", "import"},
    "link": {"enrol", "status", "renew", "run"},
    "center": {
        *("init", "serve", "write", "dead", "code", "revoke", "publish", "sign", "seal"),
        *("migrate", "audit", "stick", "backup", "restore", "user", "office"),
    },
    "clip": {"make", "info"},
    "bench": {"verify", "capture", "ui"},
    "update": {"check", "take", "apply", "run", "status", "rollback", "resume", "adopt"},
    "library": {"config"},
    "lan": {"add", "list", "remove"},
    "setup": {
        *("check", "apply", "enrol", "test", "library"),
        *("halt", "restart", "updater", "previous"),
    },
    "liveness": {"evaluate", "acceptance"},
}


def paths(of: argparse.ArgumentParser, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command and sub-action, as the words a user types."""
    yield above
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in cast(dict[str, argparse.ArgumentParser], action.choices).items():
                yield from paths(below, (*above, name))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def other_program(answer: bytes) -> Generator[int, None, None]:
    """A port on which a program that is not ours answers one call."""

    def serve(server: socket.socket) -> None:
        peer, _ = server.accept()
        with peer:
            heard = b""
            while not heard.endswith(b"}"):
                heard += peer.recv(65536)
            peer.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        try:
            yield int(server.getsockname()[1])
        finally:
            thread.join(10)


def test_the_commands_and_actions_are_the_known_ones() -> None:
    found = set(paths(parser()))

    assert {(), *((name,) for name in COMMANDS)} == {path for path in found if len(path) < 2}
    assert {(c, a) for c in ACTIONS for a in ACTIONS[c]} == {p for p in found if len(p) == 2}


@pytest.mark.parametrize("path", list(paths(parser())), ids=" ".join)
def test_every_command_has_help(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*path, "--help"])

    out, err = capsys.readouterr()
    assert (0, "") == (ended.value.code, err)
    assert out.startswith(" ".join(["usage: yibao-face", *path, "["]))
    assert "show this help message" in out


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_the_help_of_a_command_says_what_it_does(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    own = capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["--help"])
    # A long name has its help on the line below.
    [help_] = re.findall(rf"^    {command}\s+(.+)$", capsys.readouterr().out, re.MULTILINE)

    assert help_ in " ".join(own.split())


def test_the_version_is_the_distributions(capsys: pytest.CaptureFixture[str]) -> None:
    cfg = configparser.ConfigParser()
    cfg.read(ROOT / "setup.cfg", encoding="utf-8")

    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert 0 == ended.value.code
    assert f"yibao-face {cfg['metadata']['version']}\n" == capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["dance"],
        ["person"],
        ["person", "dance"],
        ["person", "add", "--id", "1", "--name", "a"],
        ["person", "agent", "--id=1", "--agent-id=2", "--relation=子女", "--until=2026-12-31"],
        [
            *("person", "agent", "--id=1", "--agent-id=2", "--relation=子女", "--until=soon"),
            *("--document=a.jpg", "--staff=1001"),
        ],
        ["desk"],
        ["desk", "queue", "--port", "many"],
        ["rate", "--from", "yesterday"],
        ["settled"],
        ["roster", "a.csv"],
        ["certificate"],
        ["certificate", "show"],
        ["policy"],
        ["models", "delete"],
        ["serve", "--port", "many"],
        ["counter"],
        ["config", "--dance"],
        ["calibrate"],
        ["calibrate", "--images", "a", "--pairs", "b.csv"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)

    out, err = capsys.readouterr()
    assert (2, "") == (ended.value.code, out)
    assert err.startswith("usage: yibao-face")


def test_the_installed_program_fails_in_one_line(at_home: Config) -> None:
    (at_home.data / "config.toml").write_text("prot = 1\n", "utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "yibao_face.daemon", "config"], capture_output=True, check=False
    )
    assert (1, b"") == (done.returncode, done.stdout)
    assert b"yibao-face: config.toml: unknown key prot" == done.stderr.strip()


def test_config_prints_what_loads_back(at_home: Config, run: Run, tmp_path: Path) -> None:
    code, out, err = run("config")
    printed = tmp_path / "printed.toml"
    printed.write_bytes(out.encode())

    assert (0, "") == (code, err)
    assert at_home == load_config(printed)


def test_config_reads_the_file_that_is_named(at_home: Config, run: Run) -> None:
    other = at_home.data / "other.toml"
    other.write_text("[door]\nport = 4711\n", "utf-8")

    assert "port = 4711\n" in run("config", "--config", other)[1]
    assert "port = 0\n" in run("config")[1]


@pytest.mark.usefixtures("at_home")
def test_config_names_the_file_that_is_missing(refusal: Refusal) -> None:
    assert "missing.toml cannot be read" in refusal("config", "--config", "missing.toml")


@pytest.mark.parametrize(
    "command", [["config"], ["person", "count"], ["serve"], ["models", "list"]]
)
def test_an_unknown_key_stops_every_command(
    at_home: Config, refusal: Refusal, command: list[str]
) -> None:
    (at_home.data / "config.toml").write_text("[door]\nprot = 1\n", "utf-8")

    assert "config.toml: unknown key door.prot" == refusal(*command)


@pytest.mark.usefixtures("at_home")
def test_verify_without_a_daemon_says_where_it_asked(refusal: Refusal) -> None:
    port = free_port()

    said = refusal(*CALL, "--port", port)
    assert f"no daemon answers at 127.0.0.1:{port}" == said


@pytest.mark.usefixtures("at_home")
def test_counter_without_a_daemon_says_so(refusal: Refusal) -> None:
    assert "no daemon runs on this data folder" in refusal("counter", "--staff", "1001")


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize("given", [[], ["--name", "张三"], ["--id", FIRST, "--request", "x.json"]])
def test_verify_wants_either_a_number_or_a_request(refusal: Refusal, given: list[str]) -> None:
    assert "verify wants either --id (with --name) or --request" == refusal("verify", *given)


@pytest.mark.usefixtures("at_home")
def test_verify_names_a_request_file_that_is_missing(refusal: Refusal) -> None:
    assert "missing.json cannot be read" in refusal("verify", "--request", "missing.json")


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"SSH-2.0-OpenSSH_9.6", b""),
        (b"HTTP/1.1 200 OK", b"hello"),
        (b"HTTP/1.1 200 OK", b"[]"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=martian", b"{}"),
        (b"HTTP/1.1 200 OK", b"\xff\xfe"),
        (b"HTTP/1.1 404 Not Found", b"<html>\r\nno such page\r\n</html>\r\n"),
    ],
    ids=["not-http", "not-json", "not-an-object", "strange-charset", "not-utf8", "html-error"],
)
@pytest.mark.usefixtures("at_home")
def test_verify_is_told_in_one_line_that_another_program_answers(
    refusal: Refusal, head: bytes, body: bytes
) -> None:
    length = b"\r\nContent-Length: %d\r\n\r\n" % len(body)
    with other_program(head + length + body) as port:
        said = refusal(*CALL, "--port", port)

    assert said


@pytest.mark.usefixtures("at_home")
def test_serve_on_a_taken_port_names_it(refusal: Refusal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])

        assert f"port {port} is taken by another program" == refusal("serve", "--port", port)


@pytest.mark.usefixtures("at_home")
def test_models_list_tells_licence_source_and_where_thresholds_come_from(run: Run) -> None:
    code, out, err = run("models", "list")

    assert (0, "") == (code, err)
    for model in load_manifest().models:
        assert f"sha256 {model.sha256}\n  licence {model.licence} · {model.origin}\n" in out
        for name, limit in model.thresholds.items():
            assert f"  {name} {limit.value}: {limit.calibrated_on}\n" in out
    table = load_manifest().by_role("embedder").match
    assert table is not None
    assert f"  match 0.4621 at FAR 1e-05: {table.calibrated_on} ({table.date}) · selected\n" in out
    assert ["ok"] * 4 == [line.split()[-1] for line in out.splitlines() if line[0] != " "]


def test_models_verify_names_the_one_with_a_changed_byte(
    site: Config, tmp_path: Path, settle: Callable[[Config], None], run: Run
) -> None:
    copied = replace(site, data=tmp_path / "copied")
    shutil.copytree(site.models, copied.models)
    altered = bytearray((copied.models / "sface-2021dec.onnx").read_bytes())
    altered[len(altered) // 2] ^= 1
    (copied.models / "sface-2021dec.onnx").write_bytes(altered)
    settle(copied)

    code, out, _ = run("models", "verify")
    states = {line.split()[0]: line.split(None, 2)[2] for line in out.splitlines()}
    assert 1 == code
    assert "sface-2021dec.onnx is not the file that was installed" in states.pop("sface-2021dec")
    assert {"yunet-2023mar", "face-landmarker-1", "canonical-face-1"} == set(states)
    assert {"ok"} == set(states.values())


def test_models_verify_on_an_empty_folder_names_every_model(
    site: Config, tmp_path: Path, settle: Callable[[Config], None], run: Run
) -> None:
    (tmp_path / "empty").mkdir()
    settle(replace(site, data=tmp_path / "empty"))

    code, out, _ = run("models", "verify")
    assert 1 == code
    assert 4 == out.count("is not installed")


def test_clip_info_describes_a_good_clip(clips: Path, run: Run) -> None:
    code, out, err = run("clip", "info", clips / "live-first.rgbd")

    assert (0, "") == (code, err)
    assert out.startswith("live-first.rgbd: ")
    assert " frames 640x480 at " in out


def test_clip_info_refuses_a_damaged_clip(clips: Path, tmp_path: Path, refusal: Refusal) -> None:
    data = bytearray((clips / "nobody.rgbd").read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "damaged.rgbd").write_bytes(data)
    (tmp_path / "cut.rgbd").write_bytes(data[:-1000])

    assert refusal("clip", "info", tmp_path / "damaged.rgbd")
    assert "cut.rgbd" in refusal("clip", "info", tmp_path / "cut.rgbd")
    assert "missing.rgbd" in refusal("clip", "info", tmp_path / "missing.rgbd")


def test_a_request_file_is_refused_before_a_missing_daemon_is(
    at_home: Config, refusal: Refusal
) -> None:
    request = at_home.data / "request.json"
    request.write_bytes(his_call(FIRST))

    said = refusal("verify", "--request", request, "--port", free_port())
    assert "no daemon answers" in said
