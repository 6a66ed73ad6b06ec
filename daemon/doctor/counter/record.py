"""The record log, what waits to be sent, the evidence, the gallery: read, never written."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

from yibao_face.daemon.config import Config
from yibao_face.daemon.core.decision import refused
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.scene.event import Kind
from yibao_face.daemon.doctor.check import Check, Finding, doubt, fault, passed_over, well
from yibao_face.daemon.doctor.subject import Subject
from yibao_face.daemon.gallery.file import GalleryError
from yibao_face.daemon.gallery.keeper import MB
from yibao_face.daemon.gallery.vault import VaultError
from yibao_face.daemon.ledger import Entry
from yibao_face.daemon.trust.signature import check_of
from yibao_face.daemon.wiring import desk_of, outbox_path, signer_of, vault_of
from yibao_face.sync.api import StoreError
from yibao_face.sync.store.verify import opened, verify

GROUP = "record"
_NONE = "还没有记录"
_HOUR_MS = 3_600_000
_WAIT_MS, _LONG_WAIT_MS = 24 * _HOUR_MS, 72 * _HOUR_MS
# Looked through within the seconds somebody waits.
MOST_BYTES = 64 * MB
_FULL, _CROWDED = 1.0, 0.9
_BACK = 120_000
_AGAIN = "请检查系统盘空间和临时目录权限，再用原安装包重新安装（修复）"
_REPAIR = "请勿删除文件；执行 yibao-face queue verify 查看，再联系工程师用 queue repair 处理"


def chain(subject: Subject) -> Finding:
    """Whether every record is as it was written."""
    path = outbox_path(subject.config)
    if not path.is_file():
        return passed_over(_NONE)
    if path.stat().st_size > MOST_BYTES:
        return passed_over("记录较多，没有逐条核对；请执行 yibao-face queue verify")
    vault = subject.vault()
    if vault is None:
        return fault("无密钥", "有记录却没有设备密钥，记录无法核对", "请从备份恢复device.key")
    try:
        report = verify(path, check_of(signer_of(vault)))
    except StoreError:
        return fault("打不开", "记录文件打不开", _REPAIR)
    if not report.ok:
        first = report.findings[0]
        return fault(f"第{first.seq}条", f"记录不完好（第{first.seq}条起）", _REPAIR)
    return well(f"{report.records} 条完好，签名至第 {report.signed} 条")


def storage(subject: Subject) -> Finding:
    """Whether a record can be written here at all: one that is thrown away, read again."""
    try:
        with tempfile.TemporaryDirectory(prefix="yibao-face-") as held:
            trial = replace(Config(Path(held)), crypto=subject.config.crypto)
            with desk_of(trial) as desk:
                entry = Entry(Kind.ALARM, refused(Cause.RECORDED))
                desk.ledger.write(desk.ledger.new_id(), entry)
                desk.gallery.count()
            report = verify(outbox_path(trial), check_of(signer_of(vault_of(trial))))
    except (StoreError, GalleryError, VaultError, OSError) as exc:
        cause = "本机不能写入核验记录，服务无法启动"
        return fault(type(exc).__name__, cause, f"{_AGAIN}；仍不行请把体检报告交给工程师")
    if not report.ok or report.records != 1:
        return fault("不一致", "试写的记录读出来不一样", f"{_AGAIN}；仍不行请更换硬盘")
    return well(f"SQLite {sqlite3.sqlite_version}")


def queue(subject: Subject) -> Finding:
    """What waits for the centre, since when, and what it refused."""
    with _reading(subject) as db:
        if db is None:
            return passed_over(_NONE)
        states = dict(db.execute("SELECT state, count(*) FROM delivery GROUP BY state").fetchall())
        waiting, dead = (int(states.get(name, 0)) for name in (b"waiting", b"dead"))
        oldest_ms = db.execute(
            "SELECT min(at_unix_ms) FROM record JOIN delivery USING (seq) WHERE state = 'waiting'"
        ).fetchone()[0]
    told = f"待送 {waiting}，中心退回 {dead}"
    if dead:
        cause = f"有{dead}条记录被中心退回"
        return fault(told, cause, "请执行 yibao-face queue ls 查看原因，处理后 queue retry")
    if not subject.config.centre.url:
        return well(f"{told}（未连接中心，留在本机）")
    age_ms = subject.now_ms - oldest_ms if oldest_ms else 0
    if age_ms > _WAIT_MS:
        told = f"{told}，最早 {age_ms // _HOUR_MS} 小时前"
        cause, fix = (
            "记录积压，没有送到中心",
            "请检查到中心的网络；长期断网请用U盘导出 queue export",
        )
        return (fault if age_ms > _LONG_WAIT_MS else doubt)(told, cause, fix)
    return well(told)


def evidence(subject: Subject) -> Finding:
    """How full the room for pictures is, and what had to go unsent."""
    with _reading(subject) as db:
        if db is None:
            return passed_over(_NONE)
        there = db.execute(
            "SELECT coalesce(sum(size_bytes), 0) FROM evidence WHERE state <> 'dropped'"
        ).fetchone()[0]
        waiting = db.execute(
            "SELECT coalesce(sum(size_bytes), 0) FROM evidence WHERE state = 'waiting'"
        ).fetchone()[0]
    quota = subject.config.evidence.quota_mb * MB
    told = f"{there / MB:.0f}/{quota // MB} MB，待送 {waiting / MB:.0f} MB"
    if waiting >= _CROWDED * quota:
        cause = "待送的照片快占满配额，最不重要的将被删除"
        return doubt(told, cause, "请恢复到中心的网络，或调大[evidence]的quota_mb")
    return well(told)


def gallery(subject: Subject) -> Finding:
    """Whether the gallery opens; how many are in it."""
    path = subject.config.data / "gallery.db"
    if not path.is_file():
        return passed_over("还没有登记人脸")
    try:
        with contextlib.closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        ) as db:
            sound = db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
            count = db.execute("SELECT count(*) FROM person").fetchone()[0]
    except sqlite3.Error:
        sound, count = False, 0
    if not sound:
        return fault(
            "打不开", "人脸库损坏，无法核验", "请从备份恢复gallery.db，或联系工程师；不要删除"
        )
    return well(f"{count} 人")


def clock(subject: Subject) -> Finding:
    """Whether the clock reads earlier than what is on record."""
    with _reading(subject) as db:
        if db is None:
            return passed_over(_NONE)
        last_ms = db.execute("SELECT max(at_unix_ms) FROM record").fetchone()[0] or 0
    if subject.now_ms < last_ms - _BACK:
        back_h = (last_ms - subject.now_ms) / _HOUR_MS
        cause = "电脑时间早于已有记录，签到和结算会被拒绝"
        return fault(f"早 {back_h:.1f} 小时", cause, "请校准电脑时间后重试")
    return well("不早于记录")


@contextlib.contextmanager
def _reading(subject: Subject) -> Generator[sqlite3.Connection | None, None, None]:
    """The record file, ``None`` before the first record; ``StoreError``, ``sqlite3.Error``."""
    path = outbox_path(subject.config)
    if not path.is_file():
        yield None
        return
    with contextlib.closing(opened(path)) as db:
        yield db


CHECKS = (
    Check("storage", GROUP, "记录试写", "a record is written", storage, quick=True, limit_s=30),
    Check("records", GROUP, "记录完好", "record log", chain, limit_s=30),
    Check("record-clock", GROUP, "时间与记录", "clock and records", clock),
    Check("queue", GROUP, "上传队列", "queue", queue),
    Check("evidence", GROUP, "照片配额", "evidence quota", evidence),
    Check("gallery", GROUP, "人脸库", "gallery", gallery),
)
