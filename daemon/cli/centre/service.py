"""What the actions of ``yibao-face center`` share: options, one-line errors, the centre."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

from yibao_face.daemon.cli.common import CliError, Commands, say
from yibao_face.sync.center.api import CenterError
from yibao_face.sync.center.log import JsonLines

if TYPE_CHECKING:
    from yibao_face.sync.center.center import Center
    from yibao_face.sync.center.http.metrics import Part

_DB = "YIBAO_FACE_CENTER_DB"
EVIDENCE = "YIBAO_FACE_CENTER_EVIDENCE"
Run = Callable[[argparse.Namespace], int]


def action(
    actions: Commands, name: str, help_: str, run: Run, *, db: bool = False
) -> argparse.ArgumentParser:
    """An action on a data folder; ``db``: and on its database."""
    parser = actions.add_parser(name, help=help_)
    parser.add_argument("--data", required=True, type=Path, metavar="DIR", help="数据目录")
    if db:
        told = f"postgresql://… (default: {_DB}, else SQLite in DIR)"
        parser.add_argument("--db", default=os.environ.get(_DB), metavar="URL", help=told)
    parser.set_defaults(run=_one_line(run))
    return parser


def opened(given: argparse.Namespace) -> Center:
    """The centre of the data folder; close it."""
    from yibao_face.sync.center.center import open_center  # noqa: PLC0415  # see ``_one_line``

    return open_center(given.data, given.db)


def add_log(parser: argparse.ArgumentParser) -> None:
    """How what runs for long writes its log."""
    parser.add_argument("--log-json", action="store_true", help="log lines as JSON / 日志为 JSON")


def log_lines(given: argparse.Namespace) -> None:
    """Write the log to the standard error, as ``add_log`` lets somebody choose."""
    handler = logging.StreamHandler()
    plain = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    handler.setFormatter(JsonLines() if given.log_json else plain)
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def add_metrics(parser: argparse.ArgumentParser) -> None:
    """Where what runs for long tells how it is."""
    told = "metrics and health on 127.0.0.1 (default: none) / 监控端口"
    parser.add_argument("--metrics-port", type=int, metavar="PORT", help=told)


@asynccontextmanager
async def watched(given: argparse.Namespace, part: Part) -> AsyncGenerator[None, None]:
    """Metrics of ``part`` on the port asked for, if one was, meanwhile; ``CenterError``."""
    from yibao_face.sync.center.http.metrics import metrics_site  # noqa: PLC0415  # see ``_one_line``

    if given.metrics_port is None:
        yield
        return
    async with metrics_site(part, given.metrics_port) as port:
        say(f"metrics http://127.0.0.1:{port}/metrics")
        yield


def _one_line(run: Run) -> Run:
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
