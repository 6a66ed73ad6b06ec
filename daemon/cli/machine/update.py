"""``yibao-face update``: take in a new version, switch to it, go back. For an administrator."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from yibao_face.daemon.agent.waiting import MANIFEST
from yibao_face.daemon.cli.common import CliError, Commands, command, say
from yibao_face.daemon.config import ConfigError
from yibao_face.daemon.inbox.kind.kept import UPDATE
from yibao_face.daemon.trust.configuration import keys_path
from yibao_face.daemon.trust.document import DocumentError, load_keys, open_document
from yibao_face.installer.update.fault import InUseError, UpdateError
from yibao_face.installer.update.place import Place
from yibao_face.installer.update.release import Order, order_of
from yibao_face.installer.update.site import Site, default_root, on_sticks, read_site

if TYPE_CHECKING:
    from yibao_face.installer.update.updater import Updater

NO_ROOT = "没有厂商根证书，只能用安装包更新 / no vendor root: updates by package only"


def add(commands: Commands) -> None:
    """Register the command and its actions."""
    parser = command(commands, "update", "new versions of the program / 程序更新")
    parser.add_argument(
        "--root", type=Path, default=None, help="where the versions live / 安装目录"
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    def action(
        name: str, help_: str, run: Callable[[argparse.Namespace], None]
    ) -> argparse.ArgumentParser:
        one = actions.add_parser(name, help=help_)
        one.set_defaults(run=partial(_told, run))
        return one

    wheres = (
        action("check", "is there a newer version / 检查更新", _check),
        action("take", "verify, unpack and test it / 导入并自检", _take),
    )
    for one in wheres:
        one.add_argument("file", nargs="?", metavar="FILE", help="update file, folder or address")
    wheres[1].add_argument("--again", action="store_true", help="though it failed here before")
    action("apply", "switch to what was taken in, watch it / 切换并观察", _apply)
    action("run", "take and apply what the centre wants; for a timer / 定时更新", _run)
    action("status", "versions here / 查看版本", _status)
    action("rollback", "back to the version before / 退回上一版本", _rollback)
    resume = action("resume", "finish or undo what was cut off / 断电后恢复", _resume)
    action("adopt", "a package lays another version / 安装包换版本前", _adopt)
    resume.add_argument("--no-restart", action="store_true", help="the caller starts the program")


def _told(run: Callable[[argparse.Namespace], None], given: argparse.Namespace) -> int:
    try:
        run(given)
    except UpdateError as exc:
        raise CliError(f"{exc.told} / {exc}") from exc
    return 0


def _check(given: argparse.Namespace) -> None:
    updater = _updater(given)
    where, order = _where(given, updater.site)
    release = updater.check(where, order)
    if release is None:
        say(f"已是最新版本 / {updater.switch.current()} is the newest")
        return
    size = release.size_bytes >> 20
    say(f"有新版本 {release.version}（{size} MB）/ it can be taken in: yibao-face update take")


def _take(given: argparse.Namespace) -> None:
    updater = _updater(given)
    where, order = _where(given, updater.site)
    release = updater.take(where, order, again=given.again)
    say(f"{release.version} 已导入并通过自检 / waits; to switch: yibao-face update apply")


def _apply(given: argparse.Namespace) -> None:
    version = _updater(given).apply()
    say(f"已更新到 {version} / {version} runs and did well")


def _run(given: argparse.Namespace) -> None:
    updater = _updater(given)
    updater.resume()
    waits, order = updater.state().waiting, _staged(updater.site)
    if not waits or (order is not None and str(order.version) != waits):
        where = _offered(updater, order)
        if not where:
            say("没有可用的更新 / nothing is offered")
            return
        if updater.check(where, order) is None:
            say(f"已是最新版本 / {updater.switch.current()} is the newest")
            return
        updater.take(where, order)
    _apply(given)


def _offered(updater: Updater, order: Order | None) -> str:
    """Where a timer looks: as ``_where``, else on what is plugged in, which may be of any age."""
    source = _source(updater.site, order)
    if source:
        return source
    for stick in reversed(on_sticks(updater.site)):
        try:
            if updater.check(stick, order) is not None:
                return stick
        except UpdateError as exc:
            say(f"{Path(stick).name}：{exc.told} / {exc}")
    return ""


def _status(given: argparse.Namespace) -> None:
    updater = _updater(given)
    state, running = updater.state(), updater.switch.current()
    say(f"运行 / runs: {running}")
    if not updater.place.trust.is_file():
        say(NO_ROOT)
    say(f"待切换 / waits: {state.waiting or '-'}")
    say(f"可退回 / kept to go back to: {state.previous or '-'}")
    if state.target:
        say(f"切换中断，下次启动退回 / cut off, will be undone: {state.target}")
    for version, reason in sorted(state.failed.items()):
        say(f"不再自动尝试 / not tried again: {version}: {reason}")


def _rollback(given: argparse.Namespace) -> None:
    version = _updater(given).roll_back()
    say(f"已退回 {version} / {version} runs again")


def _adopt(given: argparse.Namespace) -> None:
    updater = _updater(given)
    updater.adopt()
    say(f"可退回 / kept to go back to: {updater.state().previous}")


def _resume(given: argparse.Namespace) -> None:
    try:
        found = _updater(given).resume(restart=not given.no_restart)
    except InUseError:
        # The one that holds the lock is at work: the launcher need not wait for it.
        say("更新正在进行 / an update is under way")
        return
    say(f"{found.value} / 已检查")


def _updater(given: argparse.Namespace) -> Updater:
    # The framework's library is loaded by this command only.
    try:
        from yibao_face.installer.update.swap.hands import hands_of  # noqa: PLC0415
        from yibao_face.installer.update.swap.switch import switch_of  # noqa: PLC0415
        from yibao_face.installer.update.updater import Updater  # noqa: PLC0415
    except ModuleNotFoundError as exc:
        said = f"本程序不带更新功能，请用安装包更新 / {exc.name} is not installed: no updates here"
        raise CliError(said) from exc

    place = Place(given.root or default_root())
    site = read_site(place.own / "update.toml")
    return Updater(place, site, switch_of(place.root, site.switch), hands_of(site, place.scratch))


def _where(given: argparse.Namespace, site: Site) -> tuple[str, Order | None]:
    """What was named by hand, else what the centre wants, else the site's own mirror."""
    if given.file is not None:
        return given.file, None
    order = _staged(site)
    where = _source(site, order)
    if not where:
        raise CliError("没有可用的更新来源，请指定更新文件 / name an update file")
    return where, order


def _source(site: Site, order: Order | None) -> str:
    return (order.mirror if order else "") or site.mirror


def _staged(site: Site) -> Order | None:
    """The manifest the centre laid down, if it is genuine; ``CliError`` where it is not."""
    path = site.data / MANIFEST
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise CliError(f"{path.name} cannot be read: {exc.strerror}") from exc
    try:
        keys = load_keys(keys_path(site.data))
        return order_of(open_document(data, UPDATE, keys).payload)
    except (DocumentError, ConfigError) as exc:
        raise CliError(f"{path.name}: {exc}") from exc
