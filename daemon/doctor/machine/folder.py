"""The data folder: its rights, its room, its key, and what piles up in it."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from yibao_face.daemon.clock import moment
from yibao_face.daemon.config import Config
from yibao_face.daemon.doctor.check import Check, Finding, doubt, fault, passed_over, well
from yibao_face.daemon.doctor.subject import Subject
from yibao_face.daemon.gallery.vault import VaultError
from yibao_face.daemon.life.crash import crashes
from yibao_face.daemon.life.life import crash_folder, log_folder
from yibao_face.daemon.life.log import FILE_BYTES, FILES
from yibao_face.daemon.wiring import vault_of

GROUP = "folder"
# Below the first a day's records and evidence may not fit.
LEAST_FREE_BYTES = 512 * 1024 * 1024
_ROOMY_BYTES = 4 * LEAST_FREE_BYTES
_MB = 1024 * 1024
_DAY_S = 86_400
_RECENT_DAYS = 7


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of the disk a folder is on."""

    free: int
    total: int

    @property
    def enough(self) -> bool:
        """Whether a day's records and evidence fit."""
        return self.free >= LEAST_FREE_BYTES


def room(folder: Path) -> Room:
    """Of the disk ``folder`` is on, or will be; ``OSError``."""
    usage = shutil.disk_usage(_there(folder))
    return Room(usage.free, usage.total)


def judged(found: Room) -> Finding:
    """What so much room means."""
    told = f"剩余 {found.free / 1e9:.1f} GB"
    if not found.enough:
        cause = "磁盘快满了，核验结果可能无法保存"
        return fault(told, cause, "请清理磁盘，至少留出2 GB")
    if found.free < _ROOMY_BYTES:
        return doubt(told, "磁盘空间偏少", "请清理磁盘，至少留出2 GB")
    return well(told)


def disk(subject: Subject) -> Finding:
    """Room of the disk."""
    return judged(room(subject.config.data))


def data_folder(subject: Subject) -> Finding:
    """Written to as the daemon does; and by nobody else."""
    folder = subject.config.data
    if not folder.is_dir():
        cause = "数据目录不存在"
        return fault("无", cause, "请重新运行安装程序，或手工建立该目录并授权给服务账号")
    probe = folder / f".doctor-{os.getpid()}"
    try:
        with probe.open("xb") as file:
            file.write(b"0")
            file.flush()
            os.fsync(file.fileno())
    except OSError as exc:
        cause = "数据目录不能写入，核验结果无法保存"
        return fault(exc.strerror or "", cause, "请检查目录权限和磁盘，授权给服务账号后重试")
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)
    if subject.machine.system != "win32" and folder.stat().st_mode & 0o002:
        cause = "任何账号都能改动数据目录"
        return fault(_mode(folder), cause, f"请执行 chmod o-w {folder}")
    return well("可读写")


def device_key(subject: Subject) -> Finding:
    """The key everything is sealed under: its own format and rights are told by opening it."""
    try:
        vault = subject.vault()
    except VaultError:
        fix = "请执行 chmod 600 device.key；若从别处拷贝而来，请从备份恢复原文件，不要删除"
        return fault("不可用", "设备密钥打不开，人脸库和记录无法读取", fix)
    if vault is None:
        return passed_over("服务还没有启动过，第一次启动时生成")
    return well("完好")


def key_protection(subject: Subject) -> Finding:
    """Whether this machine keeps a device key and opens with it: tried on one thrown away."""
    try:
        with tempfile.TemporaryDirectory(prefix="yibao-face-") as held:
            trial = replace(Config(Path(held)), crypto=subject.config.crypto)
            sealed = vault_of(trial).seal(b"tried", "doctor")
            vault_of(trial).open(sealed, "doctor")
    except (VaultError, OSError) as exc:
        cause = "本机不能保存设备密钥，服务无法启动"
        fix = "请检查系统盘空间和临时目录权限；Windows请用平时登录的账号运行，再重新安装（修复）"
        return fault(type(exc).__name__, cause, fix)
    return well("可以存取")


def logs(subject: Subject) -> Finding:
    """Our own log is bounded; what else lies there is not."""
    folder = log_folder(subject.config.data)
    if not folder.is_dir():
        return passed_over("还没有日志")
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    told = f"{size / _MB:.1f} MB"
    if size > 2 * FILES * FILE_BYTES:
        cause = "日志目录过大，里面有不属于本程序的文件"
        return doubt(told, cause, "请把logs目录里不是yibao-face开头的文件移走")
    return well(told)


def recent_crashes(subject: Subject) -> Finding:
    """What crashed in the last days, and where."""
    first_s = subject.now_ms / 1000 - _RECENT_DAYS * _DAY_S
    recent = [
        file
        for file in crashes(crash_folder(subject.config.data))
        if file.stat().st_mtime >= first_s
    ]
    if not recent:
        return well("近7天没有")
    last = recent[-1]
    at = moment(round(last.stat().st_mtime * 1000))
    told = f"近7天 {len(recent)} 次，最近 {at:%m-%d %H:%M} {_error(last)}"
    cause = "程序意外退出过，已自动重新启动"
    return doubt(told, cause, "请把data目录下crash里的文件交给工程师（不含个人信息）")


def _error(file: Path) -> str:
    try:
        body = json.loads(file.read_text("utf-8"))
        return f"{body['process']}: {body['error']}"[:80]
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _there(folder: Path) -> Path:
    return next((at for at in (folder, *folder.parents) if at.is_dir()), folder)


def _mode(path: Path) -> str:
    return f"{path.stat().st_mode & 0o777:o}"


CHECKS = (
    Check("data-folder", GROUP, "数据目录权限", "data folder", data_folder),
    Check("disk", GROUP, "磁盘空间", "free disk", disk),
    Check("device-key", GROUP, "设备密钥", "device key", device_key),
    Check("key-protection", GROUP, "密钥保护", "key protection", key_protection, quick=True),
    Check("logs", GROUP, "日志大小", "log folder size", logs),
    Check("crashes", GROUP, "意外退出", "crash files", recent_crashes),
)
