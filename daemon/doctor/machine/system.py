"""Processor, memory, system, clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import cv2
import psutil

from yibao_face.daemon.clock import moment
from yibao_face.daemon.doctor.check import Check, Finding, doubt, fault, passed_over, well
from yibao_face.daemon.doctor.subject import Subject

GROUP = "machine"
WINDOWS_BUILD = 17763  # 1809, LTSC 2019
GLIBC, KERNEL = (2, 28), (4, 14)
_LEAST_MB, _ROOMY_MB, _FREE_MB = 1900, 3800, 300
_CHINA_S = 8 * 3600
# No counter was in use before: a clock that says so lost its battery.
_FIRST_MS = round(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
# As OpenCV numbers them (core/cvdef.h).
_FEATURES = {"sse4_2": 7, "avx2": 11}
_SYNCED = ("systemd/timesync/synchronized", "chrony/chronyd.pid", "ntpd.pid")


def processor(subject: Subject) -> Finding:
    """SSE4.2 is needed, AVX2 is wanted."""
    flags = _flags(subject)
    if flags is None:
        return passed_over(f"{subject.machine.architecture} 处理器没有这些指令")
    told = "、".join(name for name in ("sse4_2", "avx2") if name in flags) or "无"
    if "sse4_2" not in flags:
        cause = "处理器没有SSE4.2指令，算法无法运行"
        return fault(told, cause, "请更换近十年内的电脑")
    if "avx2" not in flags:
        return doubt(told, "处理器没有AVX2指令，核验会变慢", "可以使用；若核验超过5秒请更换电脑")
    return well(told)


def _flags(subject: Subject) -> set[str] | None:
    if subject.machine.system == "win32":
        # Windows' own IsProcessorFeaturePresent knows these only since some version of 10: it
        # would call every processor under an older one too old.
        return {name for name, number in _FEATURES.items() if cv2.checkHardwareSupport(number)}
    try:
        text = (subject.places.proc / "cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return None
    lines = [line.partition(":")[2] for line in text.splitlines() if line.startswith("flags")]
    return set(lines[0].split()) if lines else None


def memory(subject: Subject) -> Finding:
    """Room for the networks beside a HIS."""
    total_mb, free_mb = _memory_mb(subject)
    told = f"共 {total_mb} MB，可用 {free_mb} MB"
    if total_mb < _LEAST_MB:
        return fault(told, "内存不足2 GB，服务可能无法启动", "请加装内存到4 GB以上")
    if total_mb < _ROOMY_MB or free_mb < _FREE_MB:
        return doubt(told, "内存偏少，核验会变慢", "请关闭不用的程序，或加装内存到4 GB以上")
    return well(told)


def _memory_mb(subject: Subject) -> tuple[int, int]:
    if subject.machine.system == "win32":
        found = psutil.virtual_memory()
        return int(found.total) >> 20, int(found.available) >> 20
    lines = (subject.places.proc / "meminfo").read_text("ascii").splitlines()
    kb = {line.partition(":")[0]: int(line.split()[1]) for line in lines if len(line.split()) > 1}
    return kb["MemTotal"] >> 10, kb["MemAvailable"] >> 10


def system(subject: Subject) -> Finding:
    """Windows 10 1809, or the C library the program was built for."""
    machine = subject.machine
    if machine.system == "win32":
        told = f"Windows build {machine.windows_build}"
        if machine.windows_build < WINDOWS_BUILD:
            cause = "Windows版本低于10 1809，核验服务不支持"
            return fault(told, cause, "请升级到Windows 10 1809或更新版本；旧电脑可只装动态库")
        return well(told)
    told = f"glibc {_dotted(machine.glibc)}"
    if not machine.glibc:
        return passed_over("无法得知系统C库版本")
    if machine.glibc < GLIBC:
        cause = f"系统C库低于{_dotted(GLIBC)}，程序无法运行"
        return fault(told, cause, "请升级操作系统，或向供应商索取适配的安装包")
    return well(told)


def kernel(subject: Subject) -> Finding:
    """The kernel cameras were tried with."""
    machine = subject.machine
    if machine.system == "win32":
        return passed_over("Windows没有单独的内核版本要求")
    told = _dotted(machine.kernel)
    if machine.kernel < KERNEL:
        cause = f"内核低于{_dotted(KERNEL)}，摄像头驱动未经验证"
        return doubt(told, cause, "请升级操作系统内核")
    return well(told)


def architecture(subject: Subject) -> Finding:
    """64 bits, and a processor the networks' engine is built for."""
    machine = subject.machine
    told = f"{machine.architecture} {machine.bits}位"
    if machine.bits != 64:
        return fault(told, "32位系统不能运行核验服务", "请改用64位系统；32位电脑可只装动态库")
    if machine.architecture.lower() not in ("x86_64", "amd64"):
        return doubt(told, "该处理器架构未随安装包验证", "请向供应商索取适配的安装包")
    return well(told)


def encoding(subject: Subject) -> Finding:
    """Whether Chinese file names and messages survive."""
    told = subject.machine.encoding
    try:
        "医保核验".encode(told)
    except (UnicodeEncodeError, LookupError):
        cause = "系统编码不支持中文，路径和提示可能乱码"
        return doubt(told, cause, "请把系统区域设为“中文(简体，中国)”，或设LANG=zh_CN.UTF-8")
    return well(told)


def zone(subject: Subject) -> Finding:
    """China's time: of people, not of records, which always carry it."""
    del subject
    offset_s = time.localtime().tm_gmtoff
    told = f"UTC{offset_s / 3600:+g}"
    if offset_s != _CHINA_S:
        cause = "电脑时区不是北京时间，屏幕时间会与记录不一致"
        return doubt(told, cause, "请在系统设置里把时区改为“北京，UTC+8”")
    return well(told)


def clock(subject: Subject) -> Finding:
    """A clock that lost its battery starts years ago."""
    now = moment(subject.now_ms)
    told = f"{now:%Y-%m-%d %H:%M}"
    if subject.now_ms < _FIRST_MS:
        return fault(told, "电脑时间明显不对", "请校准电脑时间；若关机后又错，请更换主板电池")
    return well(told)


def synchronised(subject: Subject) -> Finding:
    """Whether somebody keeps the clock right."""
    if subject.machine.system == "win32":
        state = _time_service()
        return well("W32Time") if state == "running" else _unsynced(f"W32Time {state}")
    keeper = next((at for at in _SYNCED if (subject.places.run / at).exists()), None)
    return _unsynced("无") if keeper is None else well(keeper.split("/", maxsplit=1)[0])


def _time_service() -> str:
    # Of Windows alone, and not in the types of the others.
    ask: Any = getattr(psutil, "win_service_get", None)
    try:
        return "unknown" if ask is None else str(ask("W32Time").status())
    except psutil.Error:
        return "none"


def _unsynced(told: str) -> Finding:
    cause = "没有发现自动校时，时间会慢慢走偏"
    return doubt(told, cause, "请启用系统的自动校时（NTP），内网可填院内时间服务器")


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))


CHECKS = (
    Check("cpu", GROUP, "处理器指令", "CPU features", processor, quick=True),
    Check("memory", GROUP, "内存", "memory", memory),
    Check("system", GROUP, "系统版本", "system version", system, quick=True),
    Check("kernel", GROUP, "内核版本", "kernel", kernel),
    Check("architecture", GROUP, "处理器架构", "architecture", architecture, quick=True),
    Check("encoding", GROUP, "系统编码", "encoding", encoding),
    Check("time-zone", GROUP, "时区", "time zone", zone),
    Check("clock", GROUP, "电脑时间", "clock", clock),
    Check("clock-sync", GROUP, "自动校时", "time synchronisation", synchronised),
)
