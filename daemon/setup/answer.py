"""The answer file of an unattended installation: INI, one section ``[install]``, the same keys on
Windows and Linux. What is wrong is told by key, and nothing of the machine is touched.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path, PureWindowsPath
from typing import cast

from yibao_face.daemon.section import LanConfig
from yibao_face.daemon.wire.origin import origin_of
from yibao_face.sync.uplink.api import UplinkError, place_of

SECTION = "install"
# 定点医药机构编号: H (hospital) or P (pharmacy), six digits of the region, five of its own.
ORG_CODE = re.compile(r"[HP][0-9]{11}")
LIBRARIES = ("x86-stdcall", "x86-cdecl", "x64")
_MOST_BYTES = 65_536
_YES, _NO = ("yes", "true", "on", "1", "是"), ("no", "false", "off", "0", "否")


class AnswerError(Exception):
    """The answer file cannot be used; the message names the key and what it must be like."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the engineer decided. Empty: not asked for; of a switch: as in a usual counter.

    ``camera``: ``camera.uri`` or ``auto``. ``his_folder``: where the HIS program lies, which gets
    the library ``his_library``. ``browser_policy``: pages of a HIS in a browser, which may call.
    ``user``: whose session serves (Linux). ``lan``: other machines call this one, at ``lan_host``
    and ``lan_port``; ``firewall``: that port is opened.
    """

    org_code: str
    centre_url: str = ""
    enrol_code: str = ""
    ca_file: str = ""
    camera: str = ""
    lan: bool = False
    lan_host: str = ""
    lan_port: int = LanConfig().port
    autostart: bool = True
    firewall: bool = False
    his_folder: str = ""
    his_library: str = "x86-stdcall"
    browser_policy: tuple[str, ...] = ()
    user: str = ""


def read_answer(path: Path) -> Answer:
    """The answers in ``path``; raises ``AnswerError``."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as exc:
        raise AnswerError(
            f"应答文件无法读取 / {path.name} cannot be read: {exc.strerror}"
        ) from exc
    if len(data) > _MOST_BYTES:
        raise AnswerError(f"应答文件过大 / {path.name} is over {_MOST_BYTES} bytes")
    answer = parse_answer(_text_of(data))
    # Beside it on the stick, whatever letter that has here.
    ca = answer.ca_file and str(path.absolute().parent / answer.ca_file)
    return replace(answer, ca_file=ca)


def lacking(answer: Answer) -> str:
    """What ``answer`` names and is not there, with its key; empty: all is."""
    if answer.ca_file and not Path(answer.ca_file).is_file():
        return f"ca_file: 找不到中心证书 / no such file: {answer.ca_file}"
    if answer.his_folder and not Path(answer.his_folder).is_dir():
        return f"his_folder: 找不到HIS文件夹 / no such folder: {answer.his_folder}"
    return ""


def parse_answer(text: str) -> Answer:
    """The answers in the INI ``text``; raises ``AnswerError``."""
    parser = configparser.ConfigParser(
        interpolation=None, delimiters=("=",), comment_prefixes=("#", ";"), default_section=""
    )
    try:
        parser.read_string(text)
    except configparser.Error as exc:
        line = str(exc).splitlines()[0]
        raise AnswerError(f"应答文件格式有误 / not an INI file: {line}") from exc
    if parser.sections() != [SECTION]:
        raise AnswerError(f"应答文件应只有 [{SECTION}] 一节 / one section [{SECTION}] is needed")
    given = {key: value.strip() for key, value in parser[SECTION].items()}
    unknown = sorted(set(given) - {field.name for field in fields(Answer)})
    if unknown:
        raise AnswerError(f"应答文件有未知项 / unknown key: {unknown[0]}")
    return _checked(given)


def plain(answer: Answer) -> str:
    """``answer`` as INI for the installer's own script: switches 1 or 0, pages between blanks."""
    lines = [f"[{SECTION}]"]
    for field in fields(answer):
        value = getattr(answer, field.name)
        if isinstance(value, bool):
            value = int(value)
        elif isinstance(value, tuple):
            value = " ".join(cast("tuple[str, ...]", value))
        lines.append(f"{field.name}={value}")
    return "\r\n".join([*lines, ""])


def _text_of(data: bytes) -> str:
    """Notepad wrote it: UTF-8, UTF-16 with its mark, or the old code page of China."""
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for coding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            return data.decode(coding)
        except UnicodeDecodeError:
            continue
    raise AnswerError("应答文件编码无法识别，请另存为 UTF-8 / save the answer file as UTF-8")


def _checked(given: Mapping[str, str]) -> Answer:
    values: dict[str, str | bool | int | tuple[str, ...]] = {}
    for key, value in given.items():
        rule = _RULES.get(key)
        values[key] = value if rule is None else rule(key, value)
        if not value.isprintable():
            raise AnswerError(f"{key}: 含有不可见字符 / has unprintable characters")
    if not given.get("org_code"):
        raise AnswerError("org_code: 缺少定点医药机构编号 / the institution's code is missing")
    answer = Answer(**values)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # each by its own rule
    if answer.enrol_code and not (answer.centre_url and answer.ca_file):
        told = "enrol_code: 绑定还需要 centre_url 和 ca_file"
        raise AnswerError(f"{told} / needs centre_url and ca_file beside it")
    if answer.lan and not answer.lan_host:
        raise AnswerError("lan_host: 启用 lan 须填写本机IP / lan needs an address of this machine")
    if answer.firewall and not answer.lan:
        # An open port would promise what is not there.
        raise AnswerError("firewall: 只与 lan = yes 一起使用 / only together with lan = yes")
    return answer


def _org_code(key: str, value: str) -> str:
    if value and not ORG_CODE.fullmatch(value):
        told = "定点医药机构编号应为 H 或 P 加 11 位数字"
        raise AnswerError(f"{key}: {told} / must be H or P and 11 digits")
    return value


def _centre(key: str, value: str) -> str:
    try:
        return value and place_of(value).url
    except UplinkError as exc:
        told = f"{key}: 中心地址应如 https://host:51519 / must be like that"
        raise AnswerError(told) from exc


def _switch(key: str, value: str) -> bool:
    word = value.lower()
    if word not in _YES + _NO:
        raise AnswerError(f"{key}: 应为 yes 或 no / must be yes or no")
    return word in _YES


def _address(key: str, value: str) -> str:
    try:
        return value and str(IPv4Address(value))
    except AddressValueError as exc:
        raise AnswerError(f"{key}: 应为本机IP，如 192.168.1.9 / must be like that") from exc


def _port(key: str, value: str) -> int:
    if not value:
        return LanConfig().port
    if not (value.isascii() and value.isdecimal() and 0 < int(value[:6]) < 65_536):
        raise AnswerError(f"{key}: 应为 1..65535 / must be 1..65535")
    return int(value)


def _folder(key: str, value: str) -> str:
    if value and not (PureWindowsPath(value).is_absolute() or value.startswith("/")):
        raise AnswerError(f"{key}: 应为完整路径 / must be a whole path")
    return value


def _library(key: str, value: str) -> str:
    if value not in LIBRARIES:
        raise AnswerError(f"{key}: 应为 / must be one of {', '.join(LIBRARIES)}")
    return value


def _pages(key: str, value: str) -> tuple[str, ...]:
    pages = tuple(value.replace(",", " ").split())
    for page in pages:
        if origin_of(page) != page:
            told = f"{key}: 网页来源应如 https://his.example:8443"
            raise AnswerError(f"{told} / lower case, no path, no default port")
    return pages


_RULES: dict[str, Callable[[str, str], str | bool | int | tuple[str, ...]]] = {
    "org_code": _org_code,
    "centre_url": _centre,
    "lan": _switch,
    "lan_host": _address,
    "lan_port": _port,
    "autostart": _switch,
    "firewall": _switch,
    "his_folder": _folder,
    "his_library": _library,
    "browser_policy": _pages,
}
