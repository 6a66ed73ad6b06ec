"""The life of the real daemon, as a process of its own: how it starts, ends and is found dead."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from harness import FIRST, his_call, put_before_camera, wait_for

from yibao_face.daemon.config import Config
from yibao_face.daemon.demo.child import Child, child_daemon
from yibao_face.daemon.life.clock import JUMP_MS
from yibao_face.daemon.life.life import clock_file, crash_folder, log_folder
from yibao_face.daemon.life.log import FILE
from yibao_face.daemon.link.boot import boot_id
from yibao_face.daemon.wiring import outbox_path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
# From the signal to the end of the process, on a machine that does other things too.
STOP_S = 15.0


def rows(config: Config) -> list[tuple[str, int, str, str]]:
    with closing(sqlite3.connect(outbox_path(config))) as db:
        found = db.execute("SELECT kind, code, cause, detail FROM record ORDER BY id").fetchall()
    return [(str(r[0]), int(r[1]), str(r[2]), str(r[3])) for r in found]


class Call:
    """A HIS that waits for its answer while something else is done to the daemon."""

    def __init__(self, daemon: Child) -> None:
        self.answer: dict[str, Any] = {}
        self._thread = threading.Thread(target=self._ask, args=(daemon,))
        self._thread.start()

    def _ask(self, daemon: Child) -> None:
        self.answer = daemon.caller.authenticate(his_call(FIRST))

    def ended(self) -> dict[str, Any]:
        self._thread.join(30)
        return self.answer


def under_way(daemon: Child) -> Callable[[], bool]:
    return lambda: bool(daemon.caller.look().get("encounter"))


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_in_mid_encounter_refuses_on_record_and_ends_in_time(
    cast: Config, clips: Path, sent: signal.Signals
) -> None:
    put_before_camera(cast, clips, "nobody")
    with child_daemon(cast) as daemon:
        call = Call(daemon)
        wait_for(under_way(daemon))
        began_s = time.monotonic()
        daemon.process.send_signal(sent)
        code = daemon.process.wait(STOP_S)
        took_s = time.monotonic() - began_s
        answer = call.ended()

    assert (0, "核验服务正在停止，请稍后重试") == (answer["code"], answer["msg"])
    assert (0, True) == (code, took_s < STOP_S)
    assert [("settlement", 0, "stopping")] == [
        row[:3] for row in rows(cast) if row[0] == "settlement"
    ]
    assert not list(crash_folder(cast.data).iterdir())


def test_a_stop_after_the_answer_loses_nothing(cast: Config, clips: Path) -> None:
    put_before_camera(cast, clips, "live-first")
    with child_daemon(cast) as daemon:
        answer = daemon.caller.authenticate(his_call(FIRST))
        daemon.process.terminate()
        assert 0 == daemon.process.wait(STOP_S)

    assert 1 == answer["code"]
    assert [(1, "matched-self")] == [row[1:3] for row in rows(cast) if row[0] == "settlement"]


def test_the_manager_is_told_when_it_serves_lives_and_stops(
    cast: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "600000")
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        with child_daemon(cast) as daemon:
            said = [manager.recv(99).decode() for _ in range(3)]
            daemon.process.terminate()
            assert 0 == daemon.process.wait(STOP_S)

    assert {"READY=1", "WATCHDOG=1"} == set(said)


def test_a_crash_of_native_code_is_found_by_the_next_start(cast: Config) -> None:
    with child_daemon(cast) as daemon:
        os.kill(daemon.process.pid, signal.SIGSEGV)
        assert -signal.SIGSEGV == daemon.process.wait(STOP_S)
    with child_daemon(cast):
        [file] = crash_folder(cast.data).glob("*.json")

    found = json.loads(file.read_text("utf-8"))
    assert ("fault", "serve", "Segmentation fault") == (
        found["kind"],
        found["process"],
        found["error"],
    )


def test_the_log_is_on_disk_and_names_nobody(cast: Config, clips: Path) -> None:
    put_before_camera(cast, clips, "live-first")
    with child_daemon(cast, ("serve", "--demo", "--verbose")) as daemon:
        daemon.caller.authenticate(his_call(FIRST, name="张三丰"))
    said = (log_folder(cast.data) / FILE).read_text("utf-8")

    assert said
    assert [] == [word for word in (FIRST, "张三丰") if word in said]


def test_a_clock_set_while_the_service_was_down_is_on_record(cast: Config) -> None:
    seen = {"boot": boot_id(), "between_ms": 0, "at_ms": 0}
    with child_daemon(cast):
        noted = json.loads(clock_file(cast.data).read_text("utf-8"))
    assert seen["boot"] == noted["boot"]
    clock_file(cast.data).write_text(
        json.dumps({**noted, "between_ms": noted["between_ms"] + 2 * JUMP_MS}), "utf-8"
    )
    with child_daemon(cast):
        pass

    told = [json.loads(row[3]) for row in rows(cast) if row[0] == "alarm"]
    assert ["clock-set"] == [detail["what"] for detail in told]
    assert -2 * JUMP_MS // 1000 == pytest.approx(told[0]["by_s"], abs=2)
