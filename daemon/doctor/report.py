"""What was found, for people and for programs. Nobody's name, number or home folder is in it."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections import Counter
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from yibao_face.daemon.clock import moment
from yibao_face.daemon.doctor.check import Level, Result
from yibao_face.daemon.doctor.subject import Subject
from yibao_face.daemon.life.redact import clean

SCHEMA = 1
# Of the command: nothing fails; something does. Warnings fail with --strict only.
WELL, ILL = 0, 3
# What an installer leaves, below the data folder.
KEPT = Path("logs") / "install-report.json"
_MARKS = {Level.OK: "正常", Level.WARN: "注意", Level.FAIL: "故障", Level.SKIP: "略过"}
GROUPS = {
    "machine": "电脑 machine",
    "folder": "数据目录 data folder",
    "setting": "配置 configuration",
    "service": "服务 service",
    "camera": "摄像头 camera",
    "model": "算法模型 models",
    "record": "记录 records",
    "centre": "中心 centre",
    "library": "动态库 native library",
    "lan": "局域网 LAN mode",
    "desktop": "界面与启动 desktop",
    "release": "安装包 release",
}
_USER = re.compile(r"(?i)([\\/](?:users|home)[\\/])[^\\/\s\"]+")


def exit_code(results: Iterable[Result], *, strict: bool = False) -> int:
    """0: a counter works; 3: it does not. ``strict``: a warning counts as well."""
    bad = {Level.FAIL, Level.WARN} if strict else {Level.FAIL}
    return ILL if any(result.finding.level in bad for result in results) else WELL


def lines(result: Result) -> list[str]:
    """One check for a person: a line, and where something is wrong why and what to do."""
    check, finding = result.check, result.finding
    told = anonymous(finding.measured)
    head = f"[{_MARKS[finding.level]}] {check.title} {check.english}"
    if finding.level is Level.SKIP:
        return [f"{head}：{anonymous(finding.cause)}"]
    found = [f"{head}：{told}" if told else head]
    if finding.cause:
        found += [
            f"       原因：{anonymous(finding.cause)}",
            f"       处理：{anonymous(finding.fix)}",
        ]
    return found


def summary(results: Iterable[Result]) -> str:
    """How many of each."""
    counts = _counts(results)
    told = "，".join(f"{_MARKS[level]} {counts[level.value]}" for level in Level)
    ending = "可以使用" if not counts["fail"] else "有故障，请按“处理”逐项解决后重新体检"
    return f"{told}。{ending}"


def unseen(results: Iterable[Result]) -> list[str]:
    """What was not looked at, and why, in one place: a report is no better than that."""
    left = [result for result in results if result.finding.level is Level.SKIP]
    if not left:
        return []
    told = [f"  {one.check.title}：{anonymous(one.finding.cause)}" for one in left]
    return [f"没有看的 not looked at（{len(left)} 项）", *told]


def keep_report(path: Path, text: str) -> None:
    """Write ``text`` in one step, owned as the data folder is; ``OSError``.

    An installer runs as administrator: a folder of its own would keep the daemon from its log.
    """
    made = not path.parent.is_dir()
    path.parent.mkdir(mode=0o700, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(text, "utf-8")
    if sys.platform != "win32" and os.geteuid() == 0:
        owner = path.parent.parent.stat()
        for one in (part, *([path.parent] if made else [])):
            os.chown(one, owner.st_uid, owner.st_gid)
    part.replace(path)


def as_json(subject: Subject, results: list[Result], *, strict: bool = False) -> dict[str, Any]:
    """As ``docs/doctor.schema.json`` says."""
    return {
        "schema": SCHEMA,
        "at": moment(subject.now_ms).isoformat(timespec="seconds"),
        "version": version("yibao-face"),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "quick": subject.quick,
        "exit": exit_code(results, strict=strict),
        "summary": _counts(results),
        "checks": [_row(result) for result in results],
    }


def as_text(subject: Subject, results: list[Result]) -> str:
    """The report file."""
    head = f"医保实人认证 体检报告 doctor {version('yibao-face')}"
    at = f"{moment(subject.now_ms):%Y-%m-%d %H:%M:%S} {platform.system()} {platform.release()}"
    body: list[str] = []
    group = ""
    for result in results:
        if result.check.group != group:
            group = result.check.group
            body += ["", f"== {GROUPS[group]}"]
        body += lines(result)
    note = "本报告不含姓名、证件号码和照片 / names nobody"
    return "\n".join([head, at, *body, "", *unseen(results), summary(results), note, ""])


def anonymous(text: str) -> str:
    """Without long numbers, keys, logins, and the name of whose home folder it is."""
    home = str(Path.home())
    if len(home) > 3:
        text = text.replace(home, "~")
    return clean(_USER.sub(r"\1…", text))


def _row(result: Result) -> dict[str, Any]:
    check, finding = result.check, result.finding
    return {
        "id": check.id,
        "group": check.group,
        "title": check.title,
        "title_en": check.english,
        "level": finding.level.value,
        "measured": anonymous(finding.measured),
        "cause": anonymous(finding.cause),
        "fix": anonymous(finding.fix),
        "took_ms": result.took_ms,
    }


def _counts(results: Iterable[Result]) -> dict[str, int]:
    counted = Counter(result.finding.level.value for result in results)
    return {level.value: counted[level.value] for level in Level}
