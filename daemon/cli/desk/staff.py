"""``yibao-face staff``: who may use the console; the first manager is made here."""

from __future__ import annotations

import argparse
import getpass
import sys

from yibao_face.daemon.cli.common import CliError, Commands, command, config_of, say
from yibao_face.daemon.clock import Clock, moment
from yibao_face.daemon.config import Config
from yibao_face.daemon.console.access.role import Role
from yibao_face.daemon.console.access.staff import GivenPin, StaffBook, StaffError, check_pin
from yibao_face.daemon.console.console import staff_book
from yibao_face.daemon.gallery.gallery import Numbers
from yibao_face.daemon.wiring import gallery_of, vault_of


def add(commands: Commands) -> None:
    """Register the command and its actions."""
    parser = command(commands, "staff", "accounts of the console / 控制台账号")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    adding = actions.add_parser("add", help="a new account, PIN asked for / 新建账号")
    adding.add_argument("number", metavar="NUMBER", help="staff number / 工号")
    adding.add_argument("--name", required=True, help="name / 姓名")
    adding.add_argument("--role", required=True, choices=list(Role), help="岗位")
    adding.add_argument("--id", default="", metavar="NUMBER", help="enrolled: may log in by face")
    adding.set_defaults(run=_add)
    listing = actions.add_parser("ls", help="every account / 账号列表")
    listing.set_defaults(run=_ls)
    pin = actions.add_parser("pin", help="another PIN, ends a lock / 重设密码")
    pin.add_argument("number", metavar="NUMBER")
    pin.set_defaults(run=_pin)
    removing = actions.add_parser("remove", help="end an account / 删除账号")
    removing.add_argument("number", metavar="NUMBER")
    removing.set_defaults(run=_remove)


def _add(given: argparse.Namespace) -> int:
    config = config_of(given)
    person = _face(config, given.id.strip().upper())
    try:
        pin, book = _asked_pin(), _book(config)
        # Who makes the first account makes his own.
        if book.all():
            pin = GivenPin(pin)
        book.add(given.number, given.name.strip(), Role(given.role), pin, person)
    except StaffError as exc:
        raise CliError(str(exc)) from exc
    say(f"账号已建 / account made: {given.number} ({given.role})")
    return 0


def _ls(given: argparse.Namespace) -> int:
    for one in _book(config_of(given)).all():
        seen = (
            moment(one.last_login_ms).isoformat(timespec="minutes") if one.last_login_ms else "-"
        )
        face = "face" if one.person else "-"
        say(f"{one.number}  {one.name}  {one.role.value}  {face}  {seen}")
    return 0


def _pin(given: argparse.Namespace) -> int:
    try:
        _book(config_of(given)).set_pin(given.number, GivenPin(_asked_pin()))
    except StaffError as exc:
        raise CliError(str(exc)) from exc
    say("密码已重设，登录后须修改 / PIN set, to be changed at the next login")
    return 0


def _remove(given: argparse.Namespace) -> int:
    try:
        _book(config_of(given)).remove(given.number)
    except StaffError as exc:
        raise CliError(str(exc)) from exc
    say("账号已删除 / account removed")
    return 0


def _asked_pin() -> str:
    """From the keyboard, unseen, twice; a script writes it on one line of standard input."""
    if not sys.stdin.isatty():
        pin = sys.stdin.readline().strip()
        check_pin(pin)
        return pin
    pin = getpass.getpass("密码 / PIN (6-12 digits): ")
    check_pin(pin)
    if getpass.getpass("再输一次 / once more: ") != pin:
        raise CliError("两次输入的密码不一致 / the two PINs differ")
    return pin


def _face(config: Config, id_number: str) -> str:
    if not id_number:
        return ""
    found = gallery_of(config).find(Numbers(id_number))
    if found is None:
        raise CliError("this person is not enrolled: person add first")
    return found


def _book(config: Config) -> StaffBook:
    return staff_book(config, vault_of(config), Clock())
