"""``yibao-face lan``: which other machines may call this one, and what they are told for it."""

from __future__ import annotations

import argparse

from yibao_face.daemon.cli.common import CliError, Commands, command, config_of, say
from yibao_face.daemon.cli.machine.library import registry_text, setting_text
from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config
from yibao_face.daemon.lan.caller import Caller, CallerBook, CallerError
from yibao_face.daemon.wiring import caller_book_of, reply_signer_of, vault_of

# One word for the setup of the other machine; lines for its library.conf; a .reg file.
FORMS = ("pair", "conf", "registry")
_ANY = "0.0.0.0"  # noqa: S104  # as a site may have written it


def add(commands: Commands) -> None:
    """Register the command and its actions."""
    parser = command(commands, "lan", "machines that call over the network / 局域网调用")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    adding = actions.add_parser("add", help="let one call; its secret is shown once / 登记一台")
    adding.add_argument("name", metavar="NAME", help="what you call it / 名称，如收费一号窗")
    told = "where it calls from, may be repeated / 它的地址，如192.168.1.20或192.168.1.0/24"
    adding.add_argument(
        "--address", action="append", required=True, metavar="IP[/BITS]", help=told
    )
    told = "address of this machine it calls (default: lan.host) / 本机地址"
    adding.add_argument("--host", metavar="IP", help=told)
    told = "for its setup, its library.conf, or a .reg file (default: pair)"
    adding.add_argument("--form", choices=FORMS, default=FORMS[0], help=told)
    adding.set_defaults(run=_add)
    listing = actions.add_parser("list", help="every one that may call / 已登记的电脑")
    listing.set_defaults(run=_list)
    removing = actions.add_parser("remove", help="out at once / 取消登记，立即生效")
    removing.add_argument("which", metavar="NAME|ID")
    removing.set_defaults(run=_remove)


def _add(given: argparse.Namespace) -> int:
    config = config_of(given)
    host = given.host or config.lan.host
    if host in ("", _ANY):
        told = (
            "本机地址未知，请加 --host 或填写[lan] host / name this machine's address with --host"
        )
        raise CliError(told)
    if config.lan.port == 0:
        raise CliError("lan.port = 0: 请先写明端口 / write a port into the configuration first")
    try:
        made = _book(config).add(given.name, tuple(given.address), f"{Clock().today()}")
    except CallerError as exc:
        raise CliError(str(exc)) from exc
    say(f"{_MARKS[given.form]}{made.name}: 密钥只显示这一次 / the secret is shown this once")
    if not config.lan.enabled:
        say(f"{_MARKS[given.form]}局域网模式未启用 / off until [lan] enabled = true")
    say(shown(settings_of(config, host, made), given.form))
    return 0


# What starts a line that is no setting.
_MARKS = {"pair": "# ", "conf": "# ", "registry": "; "}


def settings_of(config: Config, host: str, caller: Caller) -> dict[str, str]:
    """Name and value of each, as the library on the other machine reads them."""
    return {
        "daemon": f"{host}:{config.lan.port}",
        "key": reply_signer_of(vault_of(config)).public_key().hex(),
        "verify": "on",
        "caller": caller.id,
        "secret": caller.secret.hex(),
    }


def shown(settings: dict[str, str], form: str) -> str:
    """``settings`` for whoever takes them."""
    if form == "pair":
        return ",".join(settings[name] for name in ("daemon", "key", "caller", "secret"))
    return registry_text(settings) if form == "registry" else setting_text(settings)


def _list(given: argparse.Namespace) -> int:
    for one in _book(config_of(given)).all():
        networks = ",".join(map(str, one.networks))
        say(f"{one.id}  {one.name}  {networks}  {one.added}")
    return 0


def _remove(given: argparse.Namespace) -> int:
    try:
        gone = _book(config_of(given)).remove(given.which)
    except CallerError as exc:
        raise CliError(str(exc)) from exc
    say(f"已取消登记 / removed: {gone.name} ({gone.id})")
    return 0


def _book(config: Config) -> CallerBook:
    return caller_book_of(config, vault_of(config))
