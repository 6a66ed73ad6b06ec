"""``yibao-face center``: set up and run the central service, bind machines, revoke them."""

from __future__ import annotations

import argparse
import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from yibao_face.daemon.cli.centre import office, upkeep, writer
from yibao_face.daemon.cli.centre.seal import add_actions
from yibao_face.daemon.cli.centre.service import EVIDENCE, add_log, add_metrics, log_lines, watched
from yibao_face.daemon.cli.centre.service import action as _action
from yibao_face.daemon.cli.centre.service import opened as _open
from yibao_face.daemon.cli.common import CliError, Commands, command, read_file, say
from yibao_face.daemon.door.server import stop_on_signals
from yibao_face.daemon.trust.document import Document, DocumentError, load_keys, open_document
from yibao_face.sync.api import DEVICE_ID, INSTITUTION
from yibao_face.sync.center.api import CenterError, Limits, unix_ms
from yibao_face.sync.center.log import warning

if TYPE_CHECKING:
    from yibao_face.sync.center.center import Center

_PORT = 51519
_HOUR_MS = 3600 * 1000
# Counters are busy then; the rest of the day is cut into so many slots.
_PEAK, _SLOTS = "08:00-11:30,14:00-17:00", 24


def add(commands: Commands) -> None:
    """Register the command and its actions."""
    parser = command(commands, "center", "the central service / 中心端服务")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    setting = _action(
        actions, "init", "set up a data folder with its certificates / 初始化", _init
    )
    setting.add_argument(
        "--name", action="append", metavar="HOST", help="name or address devices call / 主机名"
    )
    serving = _action(actions, "serve", "take in records / 启动", _serve, db=True)
    serving.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="listen here")
    serving.add_argument("--port", type=int, default=_PORT, help="0 = any free one")
    serving.add_argument("--share-port", action="store_true", help="one of several processes")
    _serving(serving)
    office.add_serving(serving)
    office.add(actions, _action)
    making = _action(
        actions, "code", "one-time code that binds a machine / 绑定码", _code, db=True
    )
    making.add_argument("--institution", required=True, metavar="CODE", help="定点医药机构编号")
    making.add_argument("--device", required=True, metavar="ID", help="name of the machine / 设备")
    making.add_argument("--hours", type=int, default=24, choices=range(1, 721), metavar="1..720")
    making.add_argument("--replace", action="store_true", help="revoke its old certificate / 更换")
    ending = _action(actions, "revoke", "shut a machine out at once / 吊销", _revoke, db=True)
    ending.add_argument("--device", required=True, metavar="ID", help="name of the machine / 设备")
    sending = _action(
        actions, "publish", "a signed document for devices / 下发", _publish, db=True
    )
    sending.add_argument("file", type=Path, metavar="FILE", help="as signed, e.g. a policy")
    sending.add_argument("--kind", required=True, help="what it must be, e.g. policy")
    sending.add_argument("--to", default="*", metavar="TARGET", help="institution or device:ID")
    add_actions(actions)
    upkeep.add(actions)
    writer.add(actions)


def _serving(parser: argparse.ArgumentParser) -> None:
    """What else can be said about the service."""
    add_log(parser)
    add_metrics(parser)
    told = "evidence of all machines together, Mbit/s (default 100) / 证据总带宽"
    parser.add_argument("--evidence-mbit", type=float, default=100.0, metavar="N", help=told)
    told = f"hours without evidence, default {_PEAK} / 证据避让时段"
    parser.add_argument("--evidence-closed", default=_PEAK, metavar="HOURS", help=told)
    told = f"s3://bucket?endpoint=… or a folder (default: {EVIDENCE}, else DIR/evidence)"
    where = os.environ.get(EVIDENCE)
    parser.add_argument("--evidence", default=where, metavar="PLACE", help=told)
    writer.add_bus(parser)


def _init(given: argparse.Namespace) -> int:
    from yibao_face.sync.center.device.authority import make_authority  # noqa: PLC0415  # see ``service``

    hosts = given.name or ["localhost", "127.0.0.1"]
    make_authority(given.data, hosts)
    say(f"centre for {', '.join(hosts)}; devices need ca.pem, keep ca-key.pem secret")
    return 0


def _serve(given: argparse.Namespace) -> int:
    from yibao_face.sync.center.center import open_center  # noqa: PLC0415  # see ``service``
    from yibao_face.sync.center.http.metrics import part_of  # noqa: PLC0415  # see ``service``
    from yibao_face.sync.center.http.server import serve  # noqa: PLC0415  # see ``service``

    log_lines(given)

    async def run(center: Center) -> None:
        stop = asyncio.Event()
        stop_on_signals(stop)

        def ready(port: int) -> None:
            say(f"ready https://{given.host}:{port}")

        async with AsyncExitStack() as stack:
            await stack.enter_async_context(watched(given, part_of(center)))
            await stack.enter_async_context(office.serving(given, center, stop))
            await serve(center, given.host, given.port, ready, stop, share=given.share_port)

    bus = writer.bus_at(given.bus) if given.bus else None
    limits, place = _limits(given), given.evidence
    with open_center(given.data, given.db, limits, evidence=place, bus=bus) as center:
        _tell_evidence(center)
        asyncio.run(run(center))
    return 0


def _tell_evidence(center: Center) -> None:
    """A store that is down or wrong keeps nobody from taking results in; but it is told."""
    try:
        center.evidence.blob.check()
    except CenterError as exc:
        warning("evidence", reason=str(exc))


def _limits(given: argparse.Namespace) -> Limits:
    from yibao_face.sync.center.ingest.slot import parse_hours  # noqa: PLC0415  # see ``service``

    if not 0 < given.evidence_mbit <= 1_000_000:
        raise CliError("--evidence-mbit is a rate above 0")
    return Limits(
        evidence_bytes_per_s=int(given.evidence_mbit * 1e6 / 8),
        evidence_slots=_SLOTS,
        evidence_closed=parse_hours(given.evidence_closed),
    )


def _code(given: argparse.Namespace) -> int:
    if not DEVICE_ID.fullmatch(given.device) or not INSTITUTION.fullmatch(given.institution):
        raise CliError("device: letters, digits and ._- only; institution: letters and digits")
    with _open(given) as center:
        from yibao_face.sync.center.device.identity import new_code  # noqa: PLC0415  # see ``service``

        code, now_ms = new_code(), unix_ms()
        until_ms = now_ms + given.hours * _HOUR_MS
        whom = (given.device, given.institution)
        center.devices.add_code(code, *whom, until_ms, now_ms, replace=given.replace)
    say(code)
    return 0


def _revoke(given: argparse.Namespace) -> int:
    with _open(given) as center:
        count = center.devices.revoke(given.device, "operator", unix_ms())
    if not count:
        raise CliError("this device has no certificate to revoke")
    say(f"revoked {count} certificate(s)")
    return 0


def _publish(given: argparse.Namespace) -> int:
    from yibao_face.sync.center.store.documents import Letter  # noqa: PLC0415  # see ``service``

    data = read_file(given.file)
    document = _genuine(given, data)
    with _open(given) as center:
        letter = Letter(given.kind, "", given.to, document.version, data.decode())
        center.documents.publish(letter, unix_ms())
    say(f"published {given.kind} version {document.version} to {given.to}")
    return 0


def _genuine(given: argparse.Namespace, data: bytes) -> Document:
    """The document, if a key in ``centre-keys.json`` of the data folder has signed it."""
    try:
        return open_document(data, given.kind, load_keys(given.data / "centre-keys.json"))
    except DocumentError as exc:
        raise CliError(f"{given.file.name}: {exc}") from exc
