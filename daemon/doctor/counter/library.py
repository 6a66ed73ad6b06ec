"""The native library in the folders of the HIS, and what it was told of this daemon."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from yibao_face.daemon.doctor.check import Check, Finding, doubt, fault, passed_over, well
from yibao_face.daemon.doctor.machine.registry import MACHINE, values
from yibao_face.daemon.doctor.subject import Subject
from yibao_face.daemon.wiring import reply_signer_of

GROUP = "library"
NAMES = ("hiscallface.dll", "libhiscallface.so")
_DEPTH = 3
_MOST_BYTES = 1024 * 1024
_SUMS = re.compile(r"([0-9a-f]{64})\s+\*?(\S+)")
_VERSION = "FileVersion".encode("utf-16-le")
_INSTALLED = r"SOFTWARE\yibao-face"
_REGISTRY = rf"{_INSTALLED}\library"
_AGAIN = "请重新运行安装程序并选择HIS目录，或执行 yibao-face library config 写入设置"


def files(subject: Subject) -> Finding:
    """Which library lies there: by its hash one of ours, by its version this one."""
    folders = _his_folders(subject)
    if not folders:
        return passed_over("没有指明HIS目录，可加 --his 目录")
    found = [file for folder in folders for file in _libraries(folder)]
    if not found:
        cause = "HIS目录里没有HisCallFace动态库，HIS无法用动态库调用"
        return fault(
            "0 个", cause, "请把与HIS位数相同的HisCallFace.dll放进HIS目录；只用HTTP接口可忽略"
        )
    known = _known(subject)
    told = "、".join(f"{file.name} {version_of(file)} {_digest(file)[:12]}" for file in found)
    strange = [file for file in found if known and _digest(file) not in known]
    if strange:
        cause = "HIS目录里的动态库不是本版本的原文件"
        return doubt(told, cause, "请用安装目录shim下的文件替换；HIS运行时需先关闭HIS")
    if not known:
        return doubt(told, "没有可核对的动态库原文件", "请用正式安装包安装后再核对")
    return well(told)


def _his_folders(subject: Subject) -> tuple[Path, ...]:
    """Those that were named, else the one the installer laid the library into."""
    if subject.his:
        return subject.his
    if subject.machine.system == "win32":
        named = values(MACHINE, _INSTALLED).get("HisFolder", "")
    else:
        try:
            named = (subject.places.etc / "yibao-face" / "his-folder").read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            named = ""
    return (Path(named),) if named else ()


def _libraries(folder: Path) -> Iterator[Path]:
    """Also a few folders down; links of a junction are not followed for ever."""
    level = [folder]
    for _ in range(_DEPTH):
        below: list[Path] = []
        for at in level:
            try:
                entries = sorted(at.iterdir())
            except OSError:
                continue
            yield from (one for one in entries if _is_library(one.name) and one.is_file())
            below += [one for one in entries if one.is_dir() and not one.is_symlink()]
        level = below


def _known(subject: Subject) -> set[str]:
    """Hashes of the libraries that came with this program: told, in it, or beside its versions."""
    bundle = subject.places.bundle
    if bundle is None:
        return set()
    try:
        told = (bundle / "shim" / "SHA256SUMS").read_text("ascii", "replace")
    except OSError:
        told = ""
    sums = {m[1] for m in map(_SUMS.match, told.splitlines()) if m and _is_library(m[2])}
    places = (bundle / "lib", bundle / "shim", bundle.parent / "shim")
    return sums | {_digest(file) for place in places for file in _libraries(place)}


def _is_library(name: str) -> bool:
    return Path(name).name.lower() in NAMES


def _digest(file: Path) -> str:
    with file.open("rb") as source:
        return hashlib.sha256(source.read(_MOST_BYTES)).hexdigest()


def version_of(file: Path) -> str:
    """``FileVersion`` of a Windows library; empty where it has none."""
    data = file.read_bytes()[:_MOST_BYTES]
    at = data.find(_VERSION)
    if at < 0:
        return ""
    text = data[at + len(_VERSION) : at + len(_VERSION) + 64].decode("utf-16-le", "replace")
    found = re.match(r"\0*([0-9.]{1,20})", text)
    return found[1] if found else ""


def setting(subject: Subject) -> Finding:
    """What the library was told: this port, this key, and to verify."""
    told = _settings(subject)
    if told is None:
        if not subject.his:
            return passed_over("没有安装动态库设置；只用HTTP接口不需要")
        return fault("无", "动态库没有设置，所有调用都会返回0", _AGAIN)
    if told.get("verify", "on") != "on":
        cause = "动态库已关闭应答验签，任何程序都能冒充核验服务"
        return fault("verify = off", cause, _AGAIN)
    port = subject.config.door.port
    if told.get("daemon", "").rpartition(":")[2] != str(port):
        return fault(told.get("daemon", ""), f"动态库里的端口不是{port}，HIS会调用失败", _AGAIN)
    vault = subject.vault()
    if vault is not None and told.get("key") != reply_signer_of(vault).public_key().hex():
        return fault("key", "动态库里的公钥不是本机的，HIS会一直得到0", _AGAIN)
    return well(f"{told['daemon']}，验签")


def _settings(subject: Subject) -> dict[str, str] | None:
    if subject.machine.system == "win32":
        return values(MACHINE, _REGISTRY) or None
    try:
        text = (subject.places.etc / "yibao-face" / "library.conf").read_text("ascii", "replace")
    except OSError:
        return None
    lines = [
        line.partition("=") for line in text.splitlines() if not line.lstrip().startswith("#")
    ]
    return {name.strip(): value.strip() for name, mark, value in lines if mark}


CHECKS = (
    Check("library-files", GROUP, "动态库文件", "library in HIS folders", files),
    Check("library-setting", GROUP, "动态库设置", "settings of the library", setting),
)
