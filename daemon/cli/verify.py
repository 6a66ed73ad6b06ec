"""``yibao-face verify``: ask the running daemon as a HIS would."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from yibao_face.daemon.cli.common import CliError, Commands, command, config_of, read_file, say
from yibao_face.daemon.clock import Clock
from yibao_face.daemon.door.client import caller_of, sample_request


def add(commands: Commands) -> None:
    """Register the command."""
    parser = command(commands, "verify", "one HIS call to the running daemon / 发起一次核验")
    parser.add_argument("--id", metavar="NUMBER", help="id number / 证件号码")
    parser.add_argument("--name", default="", help="name / 姓名")
    parser.add_argument("--request", type=Path, metavar="FILE", help="send this file as it is")
    parser.add_argument("--port", type=int, help="instead of the configured port")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Print the answer; exit code 0 when the HIS may go on, 1 when not."""
    if bool(given.id) == bool(given.request):
        raise CliError("verify wants either --id (with --name) or --request")
    if given.id and not given.name:
        raise CliError("verify wants --name beside --id: a call without a name is refused")
    if given.request:
        body = read_file(given.request)
    else:
        request = sample_request(given.id, given.name, Clock(), 1)
        body = json.dumps(request, ensure_ascii=False).encode()
    answer = caller_of(config_of(given), given.port).authenticate(body)
    say(json.dumps(answer, ensure_ascii=False))
    return 0 if answer.get("code") in (1, 2) else 1
