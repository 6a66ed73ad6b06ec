"""An answer that left is on disk: after kill -9, and never where the disk is full."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from harness import FIRST, his_call, put_before_camera

from yibao_face.daemon.config import Config
from yibao_face.daemon.demo.child import child_daemon
from yibao_face.daemon.wiring import outbox_path
from yibao_face.models.liveness.gate import load_gates


def stored(config: Config) -> list[tuple[str, int, str]]:
    with closing(sqlite3.connect(outbox_path(config))) as db:
        rows = db.execute("SELECT certificate_no, code, cause FROM record ORDER BY id")
        return [(str(r[0]), int(r[1]), str(r[2])) for r in rows]


def test_kill_9_right_after_an_answer_loses_no_result(cast: Config, clips: Path) -> None:
    put_before_camera(cast, clips, "live-first")
    told: list[str] = []
    for _ in range(3):
        with child_daemon(cast) as daemon:
            answer = daemon.caller.authenticate(his_call(FIRST))
            daemon.process.kill()
            daemon.process.wait(10)
        told.append(answer["cp_no"])

    assert all(told)
    assert [(cp_no, 1, "matched-self") for cp_no in told] == stored(cast)


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit exists on Linux only")
def test_a_full_disk_refuses_and_the_daemon_serves_on_when_there_is_room(
    cast: Config, clips: Path
) -> None:
    import resource  # noqa: PLC0415  # there is none on Windows

    put_before_camera(cast, clips, "live-first")
    with child_daemon(cast) as daemon:
        before = daemon.caller.authenticate(his_call(FIRST))
        # No file may grow from here on: what a full disk looks like to the store.
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        full = daemon.caller.authenticate(his_call(FIRST))
        no_limit = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, no_limit)
        after = daemon.caller.authenticate(his_call(FIRST))

    assert [1, 0, 1] == [answer["code"] for answer in (before, full, after)]
    assert ("结果无法保存，请检查磁盘空间后重试", "") == (full["msg"], full["cp_no"])
    assert [before["cp_no"], after["cp_no"]] == [cp_no for cp_no, _, _ in stored(cast)]


def test_the_record_holds_provenance_and_no_person_in_clear(cast: Config, clips: Path) -> None:
    put_before_camera(cast, clips, "live-first")
    with child_daemon(cast) as daemon:
        daemon.caller.authenticate(his_call(FIRST, name="张三丰"))
        daemon.process.terminate()
        assert 0 == daemon.process.wait(15)
    with closing(sqlite3.connect(outbox_path(cast))) as db:
        db.row_factory = sqlite3.Row
        row = dict(db.execute("SELECT * FROM record").fetchone())
    everything = b"".join(
        path.read_bytes()
        for path in cast.data.iterdir()
        if path.is_file() and path.suffix in (".db", ".log", ".db-wal")
    )

    assert {"yunet-2023mar", "sface-2021dec"} <= json.loads(row["models"]).keys()
    assert load_gates().version == json.loads(row["thresholds"])["liveness"]
    assert 64 == len(row["evidence_sha256"]) == len(row["request_sha256"])
    assert 0.5 < json.loads(row["scores"])["similarity"] <= 1.0
    assert 1 == row["demo"]
    for secret in (FIRST, "张三丰", "演示经办人"):
        assert secret.encode() not in everything
