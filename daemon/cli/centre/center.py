"""``yibao-face center``: set up and run the central service, bind machines, revoke them."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

from yibao_face.daemon.cli.centre import office
from yibao_face.daemon.cli.common import CliError, Commands, command, read_file, say
from yibao_face.daemon.door.server import stop_on_signals
from yibao_face.daemon.trust.document import Document, DocumentError, load_keys, open_document
from yibao_face.sync.center.api import DEVICE_ID, INSTITUTION, CenterError, unix_ms

if TYPE_CHECKING:
    from yibao_face.sync.center.center import Center

_PORT = 51519
_HOUR_MS = 3600 * 1000
_DB = "YIBAO_FACE_CENTER_DB"
_Run = Callable[[argparse.Namespace], int]


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


def _action(
    actions: Commands, name: str, help_: str, run: _Run, *, db: bool = False
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=help_)
    parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="数据目录")
    if db:
        told = f"postgresql://… (default: {_DB}, else SQLite in DIR)"
        parser.add_argument("--db", default=os.environ.get(_DB), metavar="URL", help=told)
    parser.set_defaults(run=_one_line(run))
    return parser


def _one_line(run: _Run) -> _Run:
    """What the centre refuses as the one line the operator reads."""

    @wraps(run)
    def told(given: argparse.Namespace) -> int:
        try:
            return run(given)
        except CenterError as exc:
            raise CliError(str(exc)) from exc
        except ModuleNotFoundError as exc:
            # Imported where needed: no machine at a counter has the packages of the database.
            told = f"package {exc.name} is missing: install requirements/center.lock"
            raise CliError(told) from exc

    return told


def _init(given: argparse.Namespace) -> int:
    from yibao_face.sync.center.device.authority import make_authority  # noqa: PLC0415  # see ``_one_line``

    hosts = given.name or ["localhost", "127.0.0.1"]
    make_authority(given.data, hosts)
    say(f"centre for {', '.join(hosts)}; devices need ca.pem, keep ca-key.pem secret")
    return 0


def _serve(given: argparse.Namespace) -> int:
    from yibao_face.sync.center.http.server import serve  # noqa: PLC0415  # see ``_one_line``

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")

    async def run(center: Center) -> None:
        stop = asyncio.Event()
        stop_on_signals(stop)

        def ready(port: int) -> None:
            say(f"ready https://{given.host}:{port}")

        async with office.serving(given, center, stop):
            await serve(center, given.host, given.port, ready, stop, share=given.share_port)

    with _open(given) as center:
        asyncio.run(run(center))
    return 0


def _code(given: argparse.Namespace) -> int:
    if not DEVICE_ID.fullmatch(given.device) or not INSTITUTION.fullmatch(given.institution):
        raise CliError("device: letters, digits and ._- only; institution: letters and digits")
    with _open(given) as center:
        from yibao_face.sync.center.device.identity import new_code  # noqa: PLC0415  # see ``_one_line``

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
    from yibao_face.sync.center.store.documents import Letter  # noqa: PLC0415  # see ``_one_line``

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


def _open(given: argparse.Namespace) -> Center:
    from yibao_face.sync.center.center import open_center  # noqa: PLC0415  # see ``_one_line``

    return open_center(given.data, given.db)
