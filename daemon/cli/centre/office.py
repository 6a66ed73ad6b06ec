"""The office of the centre: its listener beside ``center serve``, its users, its log."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from yibao_face.daemon.cli.centre.policy import signer_of_file
from yibao_face.daemon.cli.common import CliError, Commands, say
from yibao_face.daemon.trust.document import sign_document
from yibao_face.daemon.trust.sealed import seal_payload
from yibao_face.sync.center.api import unix_ms
from yibao_face.sync.center.office.door.permission import Role

if TYPE_CHECKING:
    from yibao_face.sync.center.center import Center
    from yibao_face.sync.center.office.office import Sign

_PORT = 51520
_ADD = Callable[..., argparse.ArgumentParser]


def add_serving(serving: argparse.ArgumentParser) -> None:
    """The options of ``center serve`` that open the office."""
    told = f"where operators and regulators sign in, e.g. {_PORT}; off without it"
    serving.add_argument("--office-port", type=int, metavar="PORT", help=told)
    serving.add_argument("--office-host", default="127.0.0.1", metavar="ADDRESS")
    told = "sign reviews, rosters and round tasks with this seed; off without it"
    serving.add_argument("--sign-key", type=Path, metavar="SEEDFILE", help=told)


def add(actions: Commands, action: _ADD) -> None:
    """Register ``center user`` and ``center office``."""
    user = actions.add_parser("user", help="who signs in at the office / 用户")
    adding = action(
        user.add_subparsers(required=True, metavar="ACTION"),
        "add",
        "a user, e.g. the first administrator / 新增用户",
        _add_user,
        db=True,
    )
    adding.add_argument("--name", required=True, help="login name / 登录名")
    adding.add_argument("--display", metavar="NAME", help="as others see it / 姓名")
    adding.add_argument("--role", default="admin", choices=[role.value for role in Role])
    adding.add_argument("--scope", default="*", help="*, region:CODE or institution:CODE")
    office = actions.add_parser("office", help="the log of the office / 管理日志")
    log = office.add_subparsers(required=True, metavar="ACTION")
    audit = log.add_parser("audit", help="who did what / 审计")
    action(
        audit.add_subparsers(required=True, metavar="ACTION"),
        "verify",
        "is every entry as it was written? / 核对",
        _verify,
        db=True,
    )


@asynccontextmanager
async def serving(
    given: argparse.Namespace, center: Center, stop: asyncio.Event
) -> AsyncGenerator[None, None]:
    """The office beside what is served in the block, where a port was given."""
    if given.office_port is None:
        yield
        return
    # Imported where needed: no machine at a counter has the packages of the centre.
    from yibao_face.sync.center.office.door.server import serve_office  # noqa: PLC0415
    from yibao_face.sync.center.office.office import open_office  # noqa: PLC0415

    opened = open_office(center, _sign(given), seal_payload)
    up = asyncio.Event()

    def ready(port: int) -> None:
        say(f"office https://{given.office_host}:{port}")
        up.set()

    where = (given.office_host, given.office_port)
    running = asyncio.create_task(serve_office(opened, where, ready, stop))
    waiting = asyncio.create_task(up.wait())
    await asyncio.wait((running, waiting), return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if running.done():
        await running
    try:
        yield
    finally:
        stop.set()
        await running


def _sign(given: argparse.Namespace) -> Sign | None:
    if given.sign_key is None:
        return None
    signer = signer_of_file(given.sign_key)
    return lambda kind, version, payload: sign_document(kind, version, payload, signer)


def _add_user(given: argparse.Namespace) -> int:
    from yibao_face.sync.center.center import open_center  # noqa: PLC0415  # see ``serving``
    from yibao_face.sync.center.office.office import open_office  # noqa: PLC0415
    from yibao_face.sync.center.office.people.first import add_first  # noqa: PLC0415

    password = f"{secrets.token_urlsafe(12)}-aZ9"
    with open_center(given.data, given.db) as center:
        office = open_office(center)
        whom = (given.name, given.display or given.name, password)
        add_first(office, whom, (given.role, given.scope), _source(), unix_ms())
    say(password)
    return 0


def _verify(given: argparse.Namespace) -> int:
    from yibao_face.sync.center.center import open_center  # noqa: PLC0415  # see ``serving``
    from yibao_face.sync.center.office.office import open_office  # noqa: PLC0415
    from yibao_face.sync.center.office.people.audit import verify  # noqa: PLC0415

    with open_center(given.data, given.db) as center:
        office = open_office(center)
        with office.reading() as db:
            report = verify(db, office.secrets)
    if report.broken_at is not None:
        raise CliError(f"the log was altered: entry {report.broken_at} does not fit")
    say(f"whole: {report.entries} entries")
    return 0


def _source() -> str:
    return f"console:{os.environ.get('USER', '')}"[:64]
