"""What is done to records, centre, library, desktop, accounts."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import time
import wave
from collections.abc import Generator

from doctor_bed import Bench
from doctor_case import (
    FAIL,
    OK,
    SKIP,
    WARN,
    Breaks,
    case,
    listed,
    put,
    quiet,
    setting,
)
from harness import sign_policy

from yibao_face.daemon.clock import Clock
from yibao_face.daemon.console.access.role import Role
from yibao_face.daemon.console.access.staff import StaffBook
from yibao_face.daemon.core.decision import refused
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.scene.event import Kind
from yibao_face.daemon.ledger import Entry
from yibao_face.daemon.wiring import (
    centre_keys_path,
    desk_of,
    outbox_path,
    policies_of,
    reply_signer_of,
    vault_of,
)
from yibao_face.sync.uplink.identity.file import replace_secret


@case("records", OK, "2 条完好")
@case("queue", OK, "待送 2")
@case("evidence", OK, "MB")
@case("record-clock", OK, "不早于")
def _records(bench: Bench) -> None:
    with desk_of(bench.config) as desk:
        for n in range(2):
            entry = Entry(Kind.SETTLEMENT, refused(Cause.OTHER_PERSON), "H1", "p" * 64, f"D{n}")
            desk.ledger.write(desk.ledger.new_id(), entry)


@contextlib.contextmanager
def tampering(bench: Bench) -> Generator[sqlite3.Connection, None, None]:
    _records(bench)
    with contextlib.closing(sqlite3.connect(outbox_path(bench.config))) as db:
        triggers = db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            db.execute(f"DROP TRIGGER {name}")
        yield db
        db.commit()


@case("records", FAIL, "第1条")
def _altered(bench: Bench) -> None:
    with tampering(bench) as db:
        db.execute("UPDATE record SET cause = 'matched-self' WHERE seq = 1")


@case("records", FAIL, "打不开")
@case("queue", FAIL, "没有完成")
def _no_database(bench: Bench) -> None:
    vault_of(bench.config)
    with contextlib.closing(sqlite3.connect(outbox_path(bench.config))) as db:
        db.execute("PRAGMA user_version = 9999")


@case("records", FAIL, "没有设备密钥")
def _lost_key(bench: Bench) -> None:
    _records(bench)
    (bench.data / "device.key").unlink()


@case("queue", FAIL, "退回")
def _dead(bench: Bench) -> None:
    with tampering(bench) as db:
        db.execute("UPDATE delivery SET state = 'dead' WHERE seq = 1")


def stale(hours: int) -> Breaks:
    def make(bench: Bench) -> None:
        bench.set("centre", url="https://10.0.0.1:51519")
        _records(bench)
        bench.now_ms = time.time_ns() // 1_000_000 + hours * 3_600_000

    return make


listed("queue", OK, "待送 2", stale(1))
listed("queue", WARN, "积压", stale(30))
listed("queue", FAIL, "积压", stale(100))


@case("evidence", WARN, "配额")
def _crowded(bench: Bench) -> None:
    bench.set("evidence", quota_mb=1)
    with tampering(bench) as db:
        db.execute(
            "INSERT INTO evidence (name, size_bytes, lane, state, record_id, at_ms)"
            " VALUES (?, 1000000, 'attack', 'waiting', '', 1)",
            ("a" * 64,),
        )


@case("record-clock", FAIL, "早于已有记录")
def _set_back(bench: Bench) -> None:
    _records(bench)
    bench.now_ms = time.time_ns() // 1_000_000 - 9 * 3_600_000


@case("gallery", OK, "0 人")
def _gallery(bench: Bench) -> None:
    with desk_of(bench.config) as desk:
        desk.gallery.count()


@case("gallery", FAIL, "损坏")
def _no_gallery(bench: Bench) -> None:
    (bench.data / "gallery.db").write_bytes(b"not a database" * 100)


for word in ("centre-identity", "centre-certificate", "centre-reach", "centre-keys", "policy"):
    listed(word, SKIP, "", quiet)
listed("centre-clock", SKIP, "没有配置中心", quiet)
AWAY = {"url": "https://127.0.0.1:1"}
listed("centre-identity", WARN, "没有注册", setting("centre", **AWAY))
listed("centre-reach", WARN, "连不上", setting("centre", **AWAY))
listed("centre-reach", WARN, "找不到", setting("centre", url="https://no-such-host.invalid:1"))
listed("centre-keys", WARN, "没有中心公钥", setting("centre", **AWAY))
listed("centre-clock", SKIP, "没有与中心通信", setting("centre", **AWAY))


def heard(offset_ms: int) -> Breaks:
    def make(bench: Bench) -> None:
        bench.set("centre", **AWAY)
        body = f'{{"state": "online", "offset_ms": {offset_ms}}}'
        replace_secret(bench.data / "link" / "status.json", body.encode())

    return make


listed("centre-clock", OK, "+2 秒", heard(2000))
listed("centre-clock", FAIL, "5分钟", heard(-900_000))


@case("centre-identity", FAIL, "不能使用")
def _open_identity(bench: Bench) -> None:
    bench.set("centre", **AWAY)
    vault_of(bench.config)
    replace_secret(bench.data / "link" / "identity.pem", b"x")
    (bench.data / "link" / "identity.pem").chmod(0o644)


@case("policy", OK, "第 3 版")
@case("centre-keys", OK, "1 个")
def _policy(bench: Bench) -> None:
    sign_policy(bench.config, 3, [])
    with desk_of(bench.config) as desk:
        assert policies_of(bench.config, desk).current() is not None


@case("policy", FAIL, "签名无效")
def _altered_policy(bench: Bench) -> None:
    _policy(bench)
    accepted = bench.data / "policy.accepted.json"
    accepted.write_bytes(accepted.read_bytes().replace(b"3", b"4"))


@case("centre-keys", FAIL, "损坏")
def _no_keys(bench: Bench) -> None:
    centre_keys_path(bench.config).write_text("{", "utf-8")


listed("library-files", SKIP, "--his", quiet)
listed("library-setting", SKIP, "没有安装", quiet)


def library(content: bytes, known: bytes | None) -> Breaks:
    def make(bench: Bench) -> None:
        bench.put("his/bin/HisCallFace.dll", content)
        bench.his = (bench.root / "his",)
        if known is not None:
            sums = f"{hashlib.sha256(known).hexdigest()}  x64/HisCallFace.dll\n"
            bench.put("bundle/shim/SHA256SUMS", sums)

    return make


DLL = b"MZ" + "FileVersion\0\0001.2.3\0".encode("utf-16-le")
listed("library-files", OK, "HisCallFace.dll 1.2.3 ", library(DLL, DLL))
listed("library-files", WARN, "不是本版本", library(DLL + b"x", DLL))
listed("library-files", WARN, "没有可核对", library(DLL, None))


@case("library-files", OK, "HisCallFace.dll 1.2.3 ")
def _beside_the_versions(bench: Bench) -> None:
    library(DLL, None)(bench)
    bench.put("shim/x64/HisCallFace.dll", DLL)


@case("library-files", OK, "libHisCallFace.so")
def _installed(bench: Bench) -> None:
    """As the package for Linux lays them, without being told where."""
    bench.put("his/libHisCallFace.so", b"\x7fELF")
    bench.put("bundle/lib/libHisCallFace.so", b"\x7fELF")
    bench.put("etc/yibao-face/his-folder", f"{bench.root / 'his'}\n")


@case("library-files", FAIL, "没有HisCallFace")
@case("library-setting", FAIL, "没有设置")
def _bare_his(bench: Bench) -> None:
    bench.put("his/other.dll")
    bench.his = (bench.root / "his",)


def told(**changed: str) -> Breaks:
    def make(bench: Bench) -> None:
        key = reply_signer_of(vault_of(bench.config)).public_key().hex()
        lines = {
            "daemon": f"127.0.0.1:{bench.config.door.port}",
            "key": key,
            "verify": "on",
            **changed,
        }
        text = "".join(f"{name} = {value}\n" for name, value in lines.items())
        bench.put("etc/yibao-face/library.conf", f"# ours\n{text}")

    return make


listed("library-setting", OK, "验签", told())
listed("library-setting", FAIL, "关闭应答验签", told(verify="off"))
listed("library-setting", FAIL, "端口不是", told(daemon="127.0.0.1:9"))
listed("library-setting", FAIL, "公钥不是本机", told(key="00" * 32))
listed("fonts", WARN, "方块", quiet)
listed("fonts", OK, "wqy", put("usr/share/fonts/truetype/wqy-microhei.ttc"))
listed("fonts", OK, "Noto", put("home/.local/share/fonts/NotoSansCJK-Regular.ttc"))
listed("fonts", WARN, "方块", put("usr/share/fonts/DejaVuSans.ttf"))
listed("voice", WARN, "不出声", quiet)
listed("voice", SKIP, "关闭", setting("ui", volume=0))
listed("autostart", WARN, "自动启动", quiet)
UNIT, ENTRY = "lib/systemd/system/yibao-face.service", "etc/xdg/autostart/yibao-face.desktop"
WANTED = "etc/systemd/system/multi-user.target.wants/yibao-face.service"
listed("autostart", OK, "service", put(WANTED))
listed("autostart", OK, "desktop", put(ENTRY))
listed("autostart", WARN, "自动启动", put(f"usr/{UNIT}"))


def serves(mode: str, *files: str) -> Breaks:
    def make(bench: Bench) -> None:
        for file in (f"usr/{UNIT}", ENTRY, *files):
            bench.put(file)
        bench.put("etc/yibao-face/mode", f"{mode}\n")

    return make


listed("autostart", OK, "desktop", serves("session"))
listed("autostart", OK, "service", serves("service", WANTED))
listed("autostart", WARN, "自动启动", serves("service"))
listed("autostart", WARN, "自动启动", serves("no"))
listed("service", WARN, "没有运行", quiet)
listed("papers", FAIL, "组件清单", quiet)
listed("papers", FAIL, "许可证", put("bundle/sbom.json", '{"components": [1]}'))
listed("antivirus", OK, "未发现", quiet)


@case("papers", OK, "2 个组件")
def _papers(bench: Bench) -> None:
    bench.put("bundle/sbom.json", '{"components": [1, 2]}')
    bench.put("bundle/licences/numpy/LICENSE", "BSD")


listed("updates", SKIP, "厂商根证书", quiet)
listed("updates", OK, "没有", put("update/root.json", "{}"))
listed("updates", WARN, "0.2.0", put("update/state.json", '{"waiting": "0.2.0"}'))
listed("updates", WARN, "退回", put("update/state.json", '{"failed": {"0.2.0": "selftest"}}'))
listed("updates", FAIL, "损坏", put("update/state.json", "{"))


@case("voice", OK, "1 个")
def _voice(bench: Bench) -> None:
    (bench.data / "voice").mkdir()
    with wave.open(str(bench.data / "voice" / "no-face.wav"), "wb") as sound:
        sound.setparams((1, 2, 22050, 0, "NONE", ""))
        sound.writeframes(bytes(100))


@case("voice", WARN, "损坏")
def _broken_voice(bench: Bench) -> None:
    _voice(bench)
    (bench.data / "voice" / "broken.wav").write_bytes(b"RIFF")


listed("staff", WARN, "没有管理员", quiet)
listed("staff", SKIP, "关闭", setting("console", enabled=False))


def account(role: Role, number: str, pin: str) -> Breaks:
    def make(bench: Bench) -> None:
        book = StaffBook(bench.data / "staff.db", vault_of(bench.config), Clock())
        book.add(number, "赵", role, pin)

    return make


listed("staff", OK, "1 个账号", account(Role.MANAGER, "9001", "739155"))
listed("staff", WARN, "没有管理员", account(Role.CLERK, "9001", "739155"))
listed("staff", FAIL, "就是工号", account(Role.MANAGER, "739155", "739155"))
listed("staff", FAIL, "常见数字", account(Role.MANAGER, "9001", "112233"))


@case("staff", FAIL, "打不开")
def _no_book(bench: Bench) -> None:
    (bench.data / "staff.db").write_bytes(b"not a database" * 100)
