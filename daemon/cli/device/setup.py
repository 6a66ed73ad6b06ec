"""``yibao-face setup``: what an installer asks of the program it installs.

``check`` ends with 64 for an answer file that is wrong, and 2 where another program has the port.
"""

from __future__ import annotations

import argparse
import json
import socket
from importlib.metadata import version
from pathlib import Path

from yibao_face.daemon.cli.centre.link import enrol_with
from yibao_face.daemon.cli.common import CliError, Commands, command, config_of, say
from yibao_face.daemon.cli.library import settings_of
from yibao_face.daemon.config import default_home, load_site
from yibao_face.daemon.doctor.check import Level
from yibao_face.daemon.doctor.doctor import examine
from yibao_face.daemon.doctor.report import WELL, exit_code, lines
from yibao_face.daemon.doctor.subject import subject_of
from yibao_face.daemon.door.client import Caller, ClientError
from yibao_face.daemon.setup.answer import Answer, AnswerError, plain, read_answer
from yibao_face.daemon.setup.file import SetupError, write_answer
from yibao_face.daemon.setup.halt import halt
from yibao_face.daemon.setup.registry import register

# As sysexits.h has it: the answer file is wrong.
USAGE, TAKEN = 64, 2
# Ours answers at once.
_HEALTH_S = 2.0


def add(commands: Commands) -> None:
    """Register the command and its actions."""
    parser = command(commands, "setup", "for the installer / 供安装程序使用")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    checking = actions.add_parser("check", help="is the answer file right? / 检查应答文件")
    checking.add_argument("file", type=Path, metavar="FILE", help="INI, section [install]")
    told = "write what was understood here, for the installer's script"
    checking.add_argument("--plain", type=Path, metavar="FILE", help=told)
    checking.set_defaults(run=_check)
    writing = actions.add_parser("apply", help="write it into the configuration / 写入配置")
    writing.add_argument("file", type=Path, metavar="FILE", help="INI, section [install]")
    writing.set_defaults(run=_apply)
    trying = actions.add_parser("test", help="does this copy work here? / 自检")
    trying.set_defaults(run=_test)
    trusting = actions.add_parser("library", help="let the library trust this / 登记动态库")
    trusting.set_defaults(run=_library)
    halting = actions.add_parser("halt", help="end what runs below a folder / 停止程序")
    halting.add_argument("folder", type=Path)
    halting.set_defaults(run=_halt)


def _check(given: argparse.Namespace) -> int:
    try:
        answer = read_answer(given.file)
    except AnswerError as exc:
        say(str(exc))
        return USAGE
    if given.plain is not None:
        # With its mark: the installer's script reads no other INI beyond ASCII.
        given.plain.write_text(plain(answer), "utf-16", newline="")
    door = load_site(given.config).door
    if is_taken(door.host, door.port):
        say(f"端口 {door.port} 被其他程序占用 / port {door.port} is taken by another program")
        return TAKEN
    say("ok")
    return 0


def _apply(given: argparse.Namespace) -> int:
    try:
        answer = read_answer(given.file)
        file = given.config or default_home() / "config.toml"
        changed = write_answer(file, answer)
    except (AnswerError, SetupError) as exc:
        raise CliError(str(exc)) from exc
    say(f"{file}: {'written / 已写入' if changed else 'unchanged / 未改动'}")
    _enrol(given, answer)
    return 0


def _enrol(given: argparse.Namespace, answer: Answer) -> None:
    """Bind this machine if asked to; a centre out of reach keeps nobody from installing."""
    if not answer.enrol_code:
        return
    try:
        enrol_with(
            load_site(given.config), answer.centre_url, Path(answer.ca_file), answer.enrol_code
        )
    except Exception as exc:  # noqa: BLE001  # told, and bound later by hand
        say(f"未绑定中心 / not bound to the centre: {exc}")


def _test(given: argparse.Namespace) -> int:
    """``doctor --selftest`` in one line, as the installer's script holds no more."""
    results = examine(subject_of(given.config, quick=True))
    code = exit_code(results)
    wrong = [line for one in results if one.finding.level is Level.FAIL for line in lines(one)]
    told = {"ok": code == WELL, "version": version("yibao-face"), "wrong": wrong}
    say(json.dumps(told, ensure_ascii=False))
    return code


def _library(given: argparse.Namespace) -> int:
    try:
        say(f"{register(settings_of(config_of(given)))} values written / 已登记")
    except SetupError as exc:
        raise CliError(str(exc)) from exc
    return 0


def _halt(given: argparse.Namespace) -> int:
    say(f"ended / 已停止: {halt(given.folder)}")
    return 0


def is_taken(host: str, port: int) -> bool:
    """Whether a program other than ours listens there."""
    with socket.socket() as sock:
        sock.settimeout(1.0)
        if sock.connect_ex((host, port)) != 0:
            return False
    try:
        return Caller(host, port).health(_HEALTH_S).get("status") != "ok"
    except ClientError:
        return True
