"""``yibao-face center``: what is done beside the running service."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from yibao_face.daemon.cli.centre.policy import signer_of_file
from yibao_face.daemon.cli.centre.service import EVIDENCE, action, opened
from yibao_face.daemon.cli.common import CliError, Commands, read_file, say
from yibao_face.daemon.inbox.kind.receipt import RECEIPT
from yibao_face.daemon.trust.document import DocumentError, sign_document
from yibao_face.daemon.trust.policy import replace_file
from yibao_face.sync.center.api import unix_ms

if TYPE_CHECKING:
    from yibao_face.sync.center.upkeep.audit import Finding
    from yibao_face.sync.center.upkeep.seal import Secret
    from yibao_face.sync.center.upkeep.stick import Haul

_KEY_BYTES = 32


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
    _add_backup(actions)


def _add_backup(actions: Commands) -> None:
    keeping = action(actions, "backup", "the whole centre, encrypted / 备份", _backup, db=True)
    keeping.add_argument("--to", required=True, type=Path, metavar="FILE", help="new / 新文件")
    keeping.add_argument("--evidence", action="store_true", help="with its files / 含证据文件")
    told = f"where they lie, as `serve --evidence` (default: {EVIDENCE}, else DIR/evidence)"
    where = os.environ.get(EVIDENCE)
    keeping.add_argument("--evidence-place", default=where, metavar="PLACE", help=told)
    restoring = action(actions, "restore", "into an empty place / 恢复", _restore, db=True)
    restoring.add_argument("--from", required=True, type=Path, metavar="FILE", dest="source")
    for parser in (keeping, restoring):
        told = "file whose first line is the passphrase (default: asked for) / 口令文件"
        parser.add_argument("--passphrase-file", type=Path, metavar="FILE", help=told)
        told = "file of 64 hex digits instead of a passphrase / 密钥文件"
        parser.add_argument("--key-file", type=Path, metavar="FILE", help=told)


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


def _backup(given: argparse.Namespace) -> int:
    from yibao_face.sync.center.upkeep.backup import back_up_center  # noqa: PLC0415  # see ``service``

    what = (given.data, given.db, given.to, _secret(given, twice=True), unix_ms())
    kept = back_up_center(*what, evidence=given.evidence, place=given.evidence_place)
    say(
        f"已备份并核对 / backed up and read back: {kept.parts} 个文件 / files, {kept.size_bytes} B"
    )
    return 0


def _restore(given: argparse.Namespace) -> int:
    from yibao_face.sync.center.upkeep.backup import restore_center  # noqa: PLC0415  # see ``service``

    kept = restore_center(given.source, _secret(given), given.data, given.db)
    say(f"已恢复 / restored: {kept.parts} 个文件 / files, {kept.manifest.engine}")
    if not kept.manifest.evidence:
        say("证据文件未包含，清单见 / without evidence files, listed in evidence-listing.jsonl")
    return 0


def _secret(given: argparse.Namespace, *, twice: bool = False) -> Secret:
    """What the operator opens the backup with, from a file or asked for."""
    from yibao_face.sync.center.upkeep.seal import (  # noqa: PLC0415  # see ``service``
        MIN_PASSPHRASE_CHARS,
        KeyFile,
        Passphrase,
    )

    if given.key_file:
        return KeyFile(_hex_key(given.key_file))
    if given.passphrase_file:
        text = read_file(given.passphrase_file).decode("utf-8-sig", "replace")
        sentence = text.splitlines()[0] if text else ""
    else:
        sentence = _asked("口令 / passphrase: ")
        if twice and sentence != _asked("再次输入 / again: "):
            raise CliError("the passphrases differ / 两次输入不一致")
    if len(sentence) < MIN_PASSPHRASE_CHARS:
        raise CliError(f"a passphrase has at least {MIN_PASSPHRASE_CHARS} characters / 口令太短")
    return Passphrase(sentence)


def _asked(prompt: str) -> str:
    if not sys.stdin.isatty():
        raise CliError("give --passphrase-file or --key-file / 请指定口令文件或密钥文件")
    return getpass.getpass(prompt)


def _hex_key(path: Path) -> bytes:
    try:
        key = bytes.fromhex(read_file(path).decode("ascii").strip())
    except ValueError as exc:
        raise CliError(f"{path.name} does not hold 64 hex digits") from exc
    if len(key) != _KEY_BYTES:
        raise CliError(f"{path.name} does not hold 64 hex digits")
    return key


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
    if report.erased:
        say(f"其中已删除个人信息 / of these with a person erased: {report.erased}")
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
    signer = signer_of_file(given.key)
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
    left = f"未收 / not taken {len(haul.refused)}"
    say(f"{haul.device}: 新收 / new {new} · 已有 / known {dup} · {left}")
    for id_, reason in haul.refused[:20]:
        say(f"未收 / not taken {id_}: {reason}")


_WORDS = {
    "changed": "内容被改动",
    "missing": "记录被删除",
    "unlinked": "链条不符",
    "head": "与设备签名不符",
    "state": "状态不一致",
}
