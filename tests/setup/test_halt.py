"""A setup stops the real daemon: asked first, an encounter finished or cancelled, nothing lost."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness import FIRST, his_call, put_before_camera, wait_for

from yibao_face.daemon.config import Config
from yibao_face.daemon.demo.child import Child, child_daemon
from yibao_face.daemon.door.client import ClientError
from yibao_face.daemon.door.stop import EXIT_AGAIN
from yibao_face.daemon.setup.halt import Halted, Patience, halt

ASKED = Halted(1, asked=True, ended=0)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation whose program is a Python of its own: others run the usual one."""
    app = tmp_path / "root" / "app-1.0.0"
    (app / "bin").mkdir(parents=True)
    program = app / "bin" / "python"
    shutil.copyfile(Path(sys.executable).resolve(), program)
    program.chmod(0o755)
    (app / "pyvenv.cfg").write_text(f"home = {sys.base_prefix}/bin\n", "utf-8")
    (app / "lib").symlink_to(Path(sys.prefix) / "lib")
    monkeypatch.setattr(sys, "executable", str(program))
    return tmp_path / "root"


class Call:
    """A HIS that waits for its answer."""

    def __init__(self, daemon: Child) -> None:
        self.answer: dict[str, Any] = {}
        self.thread = threading.Thread(target=self._ask, args=(daemon,))
        self.thread.start()
        wait_for(lambda: daemon.caller.look().get("encounter"))

    def _ask(self, daemon: Child) -> None:
        self.answer = daemon.caller.authenticate(his_call(FIRST))


@contextmanager
def served(config: Config) -> Generator[tuple[Child, Config], None, None]:
    """A daemon, and the configuration with the port it has."""
    with child_daemon(config) as daemon:
        yield daemon, replace(config, door=replace(config.door, port=daemon.caller.port))


def test_for_another_version_it_ends_so_that_it_is_started_again(cast: Config) -> None:
    with served(cast) as (daemon, _config):
        daemon.caller.stop(again=True)
        assert EXIT_AGAIN == daemon.process.wait(20)


def test_an_encounter_under_way_is_finished_first(cast: Config, clips: Path, root: Path) -> None:
    put_before_camera(cast, clips, "live-first")
    with served(cast) as (daemon, config):
        call = Call(daemon)
        assert ASKED == halt(root, config)
        call.thread.join(10)

    assert 1 == call.answer["code"]


def test_one_that_does_not_end_is_cancelled(cast: Config, clips: Path, root: Path) -> None:
    put_before_camera(cast, clips, "nobody")
    with served(cast) as (daemon, config):
        call = Call(daemon)
        assert ASKED == halt(root, config, patience=Patience(finish_s=0.2))
        call.thread.join(10)

    assert (0, "核验服务正在停止，请稍后重试") == (call.answer["code"], call.answer["msg"])


def test_who_does_not_know_the_token_stops_nothing(cast: Config, root: Path) -> None:
    with served(cast) as (daemon, _config):
        stranger = type(daemon.caller)(daemon.caller.host, daemon.caller.port, "wrong")
        with pytest.raises(ClientError, match="401"):
            stranger.stop(again=False)
        assert "ok" == daemon.caller.health()["status"]
        assert 1 == halt(root, None).ended
