"""``yibao-face center``: what is done beside the running service."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from yibao_face.daemon.cli.centre.policy import seed_signer
from yibao_face.daemon.cli.centre.queue import RECEIPT
from yibao_face.daemon.cli.centre.service import action, opened
from yibao_face.daemon.cli.common import CliError, Commands, say
from yibao_face.daemon.trust.document import DocumentError, sign_document
from yibao_face.daemon.trust.policy import replace_file
from yibao_face.sync.center.api import unix_ms

if TYPE_CHECKING:
    from yibao_face.sync.center.upkeep.audit import Finding
    from yibao_face.sync.center.upkeep.stick import Haul


def add(actions: Commands) -> None:
    """Register the actions."""
    moving = action(
        actions, "migrate", "bring an older database up / 升级数据库", _migrate, db=True
    )
    moving.add_argument("--yes", action="store_true", help="a backup was made / 已备份")
    auditing = action(actions, "audit", "was any record changed? / 核验记录链", _audit, db=True)
    auditing.add_argument("--device", metavar="ID", help="this one only / 只核验该设备")
    auditing.add_argument("--json", action="store_true", help="as JSON / 输出 JSON")
    _add_stick(actions)


def _add_stick(actions: Commands) -> None:
    stick = actions.add_parser("stick", help="records that come on a USB stick / U盘记录")
    inner = stick.add_subparsers(required=True, metavar="ACTION")
    taking = action(inner, "take", "take in what `queue export` wrote / 导入", _take, db=True)
    taking.add_argument("file", type=Path, metavar="FILE", help="as exported / 导出文件")
    told = "take it in and sign what `queue import` reads / 签发回执"
    telling = action(inner, "receipt", told, _receipt, db=True)
    telling.add_argument("file", type=Path, metavar="FILE", help="as exported / 导出文件")
    telling.add_argument("--key", required=True, type=Path, metavar="SEEDFILE", help="private key")
    telling.add_argument("-o", "--out", required=True, type=Path, metavar="OUT")


def _migrate(given: argparse.Namespace) -> int:
    from yibao_face.sync.center.center import database_url  # noqa: PLC0415  # see ``service``
    from yibao_face.sync.center.store.database import Database  # noqa: PLC0415  # see ``service``
    from yibao_face.sync.center.store.steps import SCHEMA_VERSION  # noqa: PLC0415  # see ``service``

    if not given.yes:
        raise CliError("make a backup (`yibao-face center backup`), then say --yes / 请先备份")
    Database(database_url(given.data, given.db), migrate=True).close()
    say(f"the database has schema {SCHEMA_VERSION} / 数据库已升级")
    return 0


def _audit(given: argparse.Namespace) -> int:
    from yibao_face.sync.center.upkeep.audit import audit  # noqa: PLC0415  # see ``service``

    with opened(given) as center:
        report = audit(center, given.device)
    if given.json:
        say(json.dumps({"ok": report.ok, **asdict(report)}))
        return 0 if report.ok else 1
    for finding in report.findings:
        say(_told(finding))
    if report.found > len(report.findings):
        say(f"… {report.found - len(report.findings)} 处 / more")
    word = "完好 / whole" if report.ok else "不完好 / NOT whole"
    say(f"{word}: {report.records} 条 / records, {report.devices} 台 / devices")
    say(f"末端已签名 / signed heads: {report.signed} · 未到 / not come yet: {report.missing}")
    if report.known:
        say(f"到达时已告警 / alarmed when they came: {report.known}")
    return 0 if report.ok else 1


def _told(finding: Finding) -> str:
    place = f"{finding.device} 第 {finding.seq} 条 / record {finding.seq} {finding.id}".rstrip()
    return f"{place}: {_WORDS[finding.what]} / {finding.told}"


def _take(given: argparse.Namespace) -> int:
    _say_haul(_hauled(given))
    return 0


def _receipt(given: argparse.Namespace) -> int:
    signer = seed_signer(given.key)
    haul = _hauled(given)
    payload = json.dumps(haul.receipt(), separators=(",", ":"))
    try:
        # The time as version: a later receipt is newer, whatever was taken in meanwhile.
        data = sign_document(RECEIPT, unix_ms(), payload, signer)
        replace_file(given.out, data)
    except DocumentError as exc:
        raise CliError(f"{given.out.name}: {exc}") from exc
    except OSError as exc:
        raise CliError(f"{given.out.name} cannot be written: {exc.strerror}") from exc
    _say_haul(haul)
    say(f"回执已签发 / receipt signed with key {signer.key_id}: {given.out.name}")
    return 0


def _hauled(given: argparse.Namespace) -> Haul:
    from yibao_face.sync.center.upkeep.stick import take_stick  # noqa: PLC0415  # see ``service``

    with opened(given) as center:
        return take_stick(center, given.file)


def _say_haul(haul: Haul) -> None:
    new, dup = haul.counts["new"], haul.counts["dup"]
    say(
        f"{haul.device}: 新收 / new {new} · 已有 / known {dup} · 未收 / not taken {len(haul.refused)}"
    )
    for id_, reason in haul.refused[:20]:
        say(f"未收 / not taken {id_}: {reason}")


_WORDS = {
    "changed": "内容被改动",
    "missing": "记录被删除",
    "unlinked": "链条不符",
    "head": "与设备签名不符",
    "state": "状态不一致",
}
