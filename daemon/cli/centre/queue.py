"""``yibao-face queue``: what waits for the centre, is it whole, and ways past a network."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from yibao_face.daemon.cli.common import CliError, Commands, command, config_of, read_file, say
from yibao_face.daemon.clock import Clock, moment
from yibao_face.daemon.config import Config
from yibao_face.daemon.core.decision import refused
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.scene.event import Kind
from yibao_face.daemon.inbox.kind.receipt import RECEIPT, receipt_of
from yibao_face.daemon.inbox.kind.revoked import RevocationList
from yibao_face.daemon.ledger import Entry
from yibao_face.daemon.trust.document import load_keys, open_document
from yibao_face.daemon.trust.revocation import TrustedKeys
from yibao_face.daemon.trust.signature import Signer, check_of
from yibao_face.daemon.wiring import centre_keys_path, desk_of, outbox_path, signer_of, vault_of
from yibao_face.sync.api import StoreError
from yibao_face.sync.outbox import Outbox
from yibao_face.sync.stick import export
from yibao_face.sync.store.repair import Key, Repaired, repair
from yibao_face.sync.store.verify import Finding, Gap, verify


def add(commands: Commands) -> None:
    """Register the command and its actions."""
    parser = command(commands, "queue", "records on their way to the centre / 上传队列")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("ls", help="how many wait, which are dead / 查看队列")
    listing.add_argument("--json", action="store_true", help="as JSON / 输出 JSON")
    listing.set_defaults(run=_ls)
    checking = actions.add_parser("verify", help="was anything changed or lost? / 校验完整性")
    checking.add_argument("--json", action="store_true", help="as JSON / 输出 JSON")
    checking.set_defaults(run=_verify)
    mending = actions.add_parser("repair", help="save what can be read / 修复损坏的队列")
    known = "last number the centre has, where the file tells nothing / 中心已收到的最大序号"
    mending.add_argument("--known-last", type=_number, default=0, metavar="N", help=known)
    mending.set_defaults(run=_repair)
    retrying = actions.add_parser("retry", help="let dead ones wait again / 重新上传失败记录")
    retrying.add_argument("id", nargs="*", metavar="ID", help="default: all / 默认全部")
    retrying.set_defaults(run=_retry)
    exporting = actions.add_parser("export", help="a signed file for a USB stick / 导出到U盘")
    exporting.add_argument("-o", "--out", required=True, type=Path, metavar="FILE")
    exporting.set_defaults(run=_export)
    importing = actions.add_parser("import", help="the centre's signed receipt / 导入中心回执")
    importing.add_argument("file", type=Path, metavar="FILE", help="receipt / 回执文件")
    importing.set_defaults(run=_import)


def _ls(given: argparse.Namespace) -> int:
    with _outbox(config_of(given)) as outbox:
        counts, dead = outbox.delivery.counts(), outbox.delivery.dead()
    if given.json:
        say(json.dumps({**asdict(counts), "dead_records": [asdict(one) for one in dead]}))
        return 0
    waiting = f"待上传 / waiting {counts.waiting}"
    say(f"{waiting} · 已上传 / sent {counts.sent} · 失败 / dead {counts.dead}")
    if counts.oldest_waiting_ms:
        say(f"最早待上传 / oldest waiting: {_when(counts.oldest_waiting_ms)}")
    for one in dead:
        say(f"失败 / dead #{one.seq} {one.id} {one.kind} {_when(one.at_unix_ms)}: {one.error}")
    return 0


def _verify(given: argparse.Namespace) -> int:
    config = config_of(given)
    report = verify(_existing(config), check_of(_signer(config)))
    if given.json:
        body = {"ok": report.ok, "records": report.records, "last": report.last}
        gaps = [[gap.first, gap.last] for gap in report.gaps]
        findings = [asdict(finding) for finding in report.findings]
        say(json.dumps({**body, "signed": report.signed, "gaps": gaps, "findings": findings}))
        return 0 if report.ok else 1
    for gap in report.gaps:
        say(_told_gap(gap))
    for finding in report.findings:
        say(_told_finding(finding))
    word = "完好 / whole" if report.ok else "不完好 / NOT whole"
    say(f"{word}: {report.records} 条 / records, 签名至 / signed to #{report.signed}")
    return 0 if report.ok else 1


def _repair(given: argparse.Namespace) -> int:
    config = config_of(given)
    path, signer = _existing(config), _signer(config)
    key = Key(signer.sign, check_of(signer))
    done = repair(path, key, Clock().unix_ms(), given.known_last)
    _tell_centre(config, done)
    say(f"已修复 / repaired: {done.records} 条 / records; 原文件 / broken file: {done.kept.name}")
    for first, last in done.lost:
        say(f"丢失 / lost: #{first}–#{last}")
    if done.resent:
        say(f"将重新上传 / will be sent once more: {done.resent}")
    return 0


def _tell_centre(config: Config, done: Repaired) -> None:
    """A repair is on record, as is everything else that happens."""
    detail = {"what": "queue-repair", "lost": [list(run) for run in done.lost]}
    entry = Entry(Kind.ALARM, refused(Cause.RECORDED), detail=detail)
    with desk_of(config) as desk:
        desk.ledger.write(desk.ledger.new_id(), entry)


def _retry(given: argparse.Namespace) -> int:
    with _outbox(config_of(given)) as outbox:
        revived = outbox.delivery.revive(given.id or None)
    if given.id and revived < len(set(given.id)):
        raise CliError(
            f"{len(set(given.id)) - revived} of these are not dead records / 并非失败记录"
        )
    say(f"重新排队 / waiting again: {revived}")
    return 0


def _export(given: argparse.Namespace) -> int:
    config = config_of(given)
    with _outbox(config) as outbox:
        signer = _signer(config)
        header = export(
            outbox.delivery, given.out, signer.key_id, signer.sign, outbox.file.algorithm
        )
    say(f"已导出 / exported: {header.count} 条 / records, #{header.first}–#{header.last}")
    return 0


def _import(given: argparse.Namespace) -> int:
    config = config_of(given)
    known, data = load_keys(centre_keys_path(config)), read_file(given.file)
    with _outbox(config) as outbox:
        document = open_document(data, RECEIPT, TrustedKeys(known, RevocationList(outbox).keys))
        receipt = receipt_of(document.payload, document.version, _signer(config).key_id)
        done = outbox.delivery.receive(receipt, Clock().unix_ms())
    say(f"已确认 / acknowledged: {done} · 中心拒收 / refused: {len(receipt.refused)}")
    return 0


def _outbox(config: Config) -> Outbox:
    return Outbox(_existing(config))


def _existing(config: Config) -> Path:
    """A look at the queue of a wrong folder shall not make one there."""
    path = outbox_path(config)
    if not path.exists():
        raise StoreError(f"no {path.name} in this data folder / 数据目录中没有记录")
    return path


def _signer(config: Config) -> Signer:
    return signer_of(vault_of(config))


def _told_gap(gap: Gap) -> str:
    told = f"#{gap.first}–#{gap.last}, {_when(gap.at_ms)}"
    return f"已声明的丢失 / loss that was told: {told}: {gap.reason}"


def _told_finding(finding: Finding) -> str:
    place = f"第 {finding.seq} 条 / record {finding.seq}" if finding.seq else "文件 / file"
    return f"{place}: {_WORDS[finding.what]} / {finding.told}"


def _when(at_ms: int) -> str:
    return moment(at_ms).isoformat(timespec="seconds")


def _number(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError(text)
    return value


_WORDS = {
    "file": "文件损坏",
    "changed": "内容被改动",
    "missing": "缺失",
    "head": "签名不符",
    "cut": "尾部被截断",
    "gap": "丢失声明无效",
    "state": "上传状态不一致",
}
