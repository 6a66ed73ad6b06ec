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
from yibao_face.daemon.cli.machine.library import settings_of
from yibao_face.daemon.codes import ERRORS
from yibao_face.daemon.config import Config, ConfigError, default_home, load_site
from yibao_face.daemon.doctor.check import Level
from yibao_face.daemon.doctor.doctor import examine
from yibao_face.daemon.doctor.report import WELL, exit_code, lines
from yibao_face.daemon.doctor.subject import subject_of
from yibao_face.daemon.door.client import Caller, ClientError
from yibao_face.daemon.setup.answer import AnswerError, lacking, plain, read_answer
from yibao_face.daemon.setup.file import SetupError, keep_answer, write_answer
from yibao_face.daemon.setup.halt import halt
from yibao_face.daemon.setup.registry import register, register_version
from yibao_face.daemon.setup.updater import previous, settle, task
from yibao_face.installer.update.fault import UpdateError
from yibao_face.installer.update.site import default_root
from yibao_face.installer.update.swap.switch import Pointer
from yibao_face.sync.uplink.api import UplinkError

# As sysexits.h has it: the answer file is wrong.
USAGE, TAKEN = 64, 2
# Ours answers at once.
_HEALTH_S = 2.0
_UNBOUND: tuple[type[Exception], ...] = (CliError, ConfigError, UplinkError, OSError, *ERRORS)


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
    binding = actions.add_parser("enrol", help="bind to the centre it names / 绑定中心")
    binding.add_argument("file", type=Path, metavar="FILE", help="INI, section [install]")
    binding.set_defaults(run=_enrol)
    trying = actions.add_parser("test", help="does this copy work here? / 自检")
    trying.set_defaults(run=_test)
    trusting = actions.add_parser("library", help="let the library trust this / 登记动态库")
    trusting.set_defaults(run=_library)
    _add_switching(actions)


def _add_switching(actions: Commands) -> None:
    halting = actions.add_parser("halt", help="end what runs below a folder / 停止程序")
    halting.add_argument("folder", type=Path)
    halting.set_defaults(run=_halt)
    again = actions.add_parser("restart", help="start what is named now / 重新启动")
    again.set_defaults(run=_restart)
    told = "which version a setup put in place / 登记更新"
    settling = actions.add_parser("updater", help=told)
    settling.add_argument("folder", type=Path)
    settling.add_argument("--before", default="", metavar="VERSION", help="that ran before it")
    settling.add_argument("--task", type=Path, metavar="FILE", help="write the hourly task here")
    settling.set_defaults(run=_updater)
    older = actions.add_parser("previous", help="the version kept to go back to / 上一版本")
    older.add_argument("folder", type=Path)
    older.set_defaults(run=_previous)


def _check(given: argparse.Namespace) -> int:
    try:
        answer = read_answer(given.file)
    except AnswerError as exc:
        say(str(exc))
        return USAGE
    if missing := lacking(answer):
        say(missing)
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
        keep_answer(file.with_name("installed-answer.ini"), answer)
    except (AnswerError, SetupError) as exc:
        raise CliError(str(exc)) from exc
    say(f"{file}: {'written / 已写入' if changed else 'unchanged / 未改动'}")
    return 0


def _enrol(given: argparse.Namespace) -> int:
    """A centre out of reach keeps nobody from installing: told, and bound later by hand."""
    try:
        answer = read_answer(given.file)
    except AnswerError as exc:
        raise CliError(str(exc)) from exc
    if not answer.enrol_code:
        say("未要求绑定 / not asked for")
        return 0
    url, ca = answer.centre_url, Path(answer.ca_file)
    try:
        enrol_with(load_site(given.config), url, ca, answer.enrol_code)
    except _UNBOUND as exc:
        again = f'yibao-face link enrol --url {url} --ca "{ca}" --code 绑定码'
        raise CliError(f"未绑定中心 / not bound: {exc}; 之后可运行 / later: {again}") from exc
    return 0


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
    done = halt(given.folder, _site_or_none(given))
    if not done.found:
        say("没有在运行的程序 / none ran")
        return 0
    how = "已通知 / asked" if done.asked else "未应答 / did not answer"
    say(f"已停止 / stopped: {done.found} ({how}), 强制结束 / ended: {done.ended}")
    return 0


def _restart(given: argparse.Namespace) -> int:
    root = default_root()
    done = halt(root, _site_or_none(given), again=True)
    say(f"重新启动 / started anew: {done.found}, 强制结束 / ended: {done.ended}")
    try:
        register_version(str(Pointer(root).current()))
    except (SetupError, UpdateError) as exc:
        # What is shown in a list; what runs is right.
        say(str(exc))
    return 0


def _site_or_none(given: argparse.Namespace) -> Config | None:
    """A daemon whose configuration cannot be read cannot be asked, but must end all the same."""
    try:
        return load_site(given.config)
    except ConfigError:
        return None


def _updater(given: argparse.Namespace) -> int:
    try:
        kept = settle(given.folder, load_site(given.config), given.before)
        if given.task is not None:
            given.task.write_text(task(given.folder), "utf-16", newline="\r\n")
    except (SetupError, OSError) as exc:
        raise CliError(str(exc)) from exc
    say(f"可退回 / kept to go back to: {kept}")
    return 0


def _previous(given: argparse.Namespace) -> int:
    try:
        say(str(previous(given.folder)))
    except SetupError as exc:
        raise CliError(str(exc)) from exc
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
