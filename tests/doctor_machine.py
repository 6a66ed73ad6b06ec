"""What is done to the machine and its folders."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from pathlib import Path

from doctor_bed import Bench
from doctor_case import (
    FAIL,
    OK,
    SKIP,
    WARN,
    case,
    listed,
    machine,
    put,
    quiet,
)

from yibao_face.daemon.life.crash import CrashFolder
from yibao_face.daemon.wiring import (
    vault_of,
)

for word in ("cpu", "memory", "system", "kernel", "architecture", "encoding", "clock"):
    listed(word, OK, "", quiet)
listed("cpu", FAIL, "SSE4.2", put("proc/cpuinfo", "flags\t: fpu\n"))
listed("cpu", WARN, "AVX2", put("proc/cpuinfo", "flags\t: fpu sse4_2\n"))
listed("cpu", SKIP, "没有这些指令", put("proc/cpuinfo", "Features\t: fp asimd\n"))
listed("memory", FAIL, "2 GB", put("proc/meminfo", "MemTotal: 1000000 kB\nMemAvailable: 9 kB\n"))
listed(
    "memory", WARN, "偏少", put("proc/meminfo", "MemTotal: 9000000 kB\nMemAvailable: 9000 kB\n")
)
listed("system", FAIL, "2.28", machine(glibc=(2, 27)))
listed("system", SKIP, "C库", machine(glibc=()))
listed("system", FAIL, "1809", machine(system="win32", windows_build=17134))
listed("system", OK, "17763", machine(system="win32", windows_build=17763))
listed("kernel", WARN, "4.14", machine(kernel=(3, 10, 0)))
listed("architecture", FAIL, "32位", machine(bits=32))
listed("architecture", WARN, "安装包", machine(architecture="loongarch64"))
listed("encoding", WARN, "乱码", machine(encoding="ascii"))
listed("clock-sync", WARN, "校时", quiet)
listed("clock-sync", OK, "systemd", put("run/systemd/timesync/synchronized"))
listed("clock-sync", OK, "chrony", put("run/chrony/chronyd.pid", "1"))


@case("clock", FAIL, "明显不对")
def _lost_battery(bench: Bench) -> None:
    bench.now_ms = 1_000_000_000_000


for word in ("data-folder", "disk", "crashes", "key-protection", "storage"):
    listed(word, OK, "", quiet)
for word in ("device-key", "logs", "records", "queue", "evidence", "gallery", "record-clock"):
    listed(word, SKIP, "", quiet)


@case("data-folder", FAIL, "不存在")
def _no_folder(bench: Bench) -> None:
    shutil.rmtree(bench.data)


@case("data-folder", FAIL, "不能写入")
def _read_only(bench: Bench) -> None:
    # What even an administrator cannot write to.
    bench.config = replace(bench.config, data=Path("/proc/self"))


@case("data-folder", FAIL, "任何账号")
def _open_folder(bench: Bench) -> None:
    bench.data.chmod(0o777)


@case("device-key", OK, "完好")
def _key(bench: Bench) -> None:
    vault_of(bench.config)


@case("device-key", FAIL, "打不开")
def _open_key(bench: Bench) -> None:
    vault_of(bench.config)
    (bench.data / "device.key").chmod(0o644)


@case("device-key", FAIL, "打不开")
def _cut_key(bench: Bench) -> None:
    (bench.data / "device.key").write_bytes(b"short")
    (bench.data / "device.key").chmod(0o600)


@case("logs", OK, "MB")
def _logs(bench: Bench) -> None:
    (bench.data / "logs").mkdir()
    (bench.data / "logs" / "yibao-face.log").write_text("a line", "utf-8")


@case("logs", WARN, "过大")
def _large_logs(bench: Bench) -> None:
    (bench.data / "logs").mkdir()
    with (bench.data / "logs" / "other.log").open("wb") as file:
        file.truncate(200 * 1024 * 1024)


@case("crashes", WARN, "1 次")
def _crashed(bench: Bench) -> None:
    CrashFolder(bench.data / "crash", "serve").keep("fault", "Segmentation fault", [])
    bench.now_ms = time.time_ns() // 1_000_000


@case("crashes", OK, "没有")
def _crashed_long_ago(bench: Bench) -> None:
    CrashFolder(bench.data / "crash", "serve").keep("fault", "Segmentation fault", [])
    bench.now_ms = time.time_ns() // 1_000_000 + 30 * 86_400_000
