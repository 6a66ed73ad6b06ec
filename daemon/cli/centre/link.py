"""``yibao-face link``: bind this machine to the centre, see how it stands, send on its own."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from yibao_face.daemon.cli.common import CliError, Commands, command, config_of, read_file, say
from yibao_face.daemon.clock import moment
from yibao_face.daemon.config import Config
from yibao_face.daemon.life.notify import ALIVE, READY, notify
from yibao_face.daemon.link.clock import CentreClock
from yibao_face.daemon.link.keys import link_secret, public_keys
from yibao_face.daemon.link.link import NONE, link_view, parts_of
from yibao_face.daemon.wiring import clock_path, desk_of, vault_of
from yibao_face.sync.uplink.api import Place, State, Status, place_of
from yibao_face.sync.uplink.identity.enrol import Application, enrol, renew
from yibao_face.sync.uplink.identity.identity import Identity, IdentityFolder, read_ca
from yibao_face.sync.uplink.uplink import Parts, Uplink, standing_of
from yibao_face.sync.uplink.wire.client import Client

_LOOK_S = 0.2
# So often systemd hears that it lives: every five seconds.
_LOOKS_TOLD = 25


def add(commands: Commands) -> None:
    """Register the command and its actions."""
    parser = command(commands, "link", "this machine and its centre / 与中心的连接")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    binding = actions.add_parser("enrol", help="bind this machine by a one-time code / 绑定本机")
    url = "https://host:51519 (default: centre.url) / 中心地址"
    binding.add_argument("--url", metavar="URL", help=url)
    ca = "the centre's ca.pem / 中心证书"
    binding.add_argument("--ca", required=True, type=Path, metavar="FILE", help=ca)
    binding.add_argument("--code", required=True, help="from the centre's operator / 绑定码")
    device = "refuse a code for another machine / 核对设备号"
    binding.add_argument("--device", default="", metavar="ID", help=device)
    binding.set_defaults(run=_enrol)
    telling = actions.add_parser("status", help="online? what waits? / 查看连接")
    telling.add_argument("--json", action="store_true", help="as JSON / 输出 JSON")
    telling.set_defaults(run=_status)
    renewing = actions.add_parser("renew", help="a new key and certificate now / 更换证书")
    renewing.set_defaults(run=_renew)
    _add_run(actions)


def _add_run(actions: Commands) -> None:
    running = actions.add_parser("run", help="send, without a daemon / 独立上传服务")
    how = running.add_mutually_exclusive_group()
    how.add_argument("--once", action="store_true", help="one batch, then end / 只传一批")
    how.add_argument("--drain", action="store_true", help="until all is sent / 传完为止")
    running.add_argument("--verbose", action="store_true", help="log every step / 详细日志")
    running.set_defaults(run=_run)


def _enrol(given: argparse.Namespace) -> int:
    config = config_of(given)
    url = given.url or config.centre.url
    if not url:
        raise CliError("where is the centre? --url https://host:51519 / 请指定中心地址")
    enrol_with(config, url, given.ca, given.code, given.device)
    return 0


def enrol_with(config: Config, url: str, ca: Path, code: str, device: str = "") -> None:
    """Bind this machine to the centre at ``url``, by its one-time ``code``, and tell about it."""
    place, vault = place_of(url), vault_of(config)
    folder = IdentityFolder(config.data / "link", link_secret(vault))
    wanted = Application(read_file(ca), code, public_keys(vault), device)
    with _client(place, folder, read_ca(wanted.ca_pem), known=False) as client:
        identity = enrol(folder, client, wanted)
    say(f"已绑定 / bound: {_told(identity)}")
    if config.desk.institution not in ("", identity.institution):
        here = f"{config.desk.institution}, desk.institution"
        say(f"注意：配置中的机构不同 / mind: another institution is configured: {here}")
    if config.centre.url != place.url:
        say(f'请在 config.toml 中设置 / now set in config.toml: [centre] url = "{place.url}"')


def _renew(given: argparse.Namespace) -> int:
    config = _with_centre(config_of(given))
    vault = vault_of(config)
    folder = IdentityFolder(config.data / "link", link_secret(vault))
    identity = folder.load()
    if identity is None:
        raise CliError("未绑定，请先运行 / not bound, first run: yibao-face link enrol")
    place = place_of(config.centre.url)
    with _client(place, folder, identity.ca_pem, known=True) as client:
        younger = renew(folder, client, identity, public_keys(vault))
    say(f"已更换证书 / renewed: {_told(younger)}")
    return 0


def _status(given: argparse.Namespace) -> int:
    config = config_of(given)
    status = None
    if config.centre.url:
        with _parts(config) as parts:
            status = standing_of(parts)
    if given.json:
        say(json.dumps(link_view(status), ensure_ascii=False))
        return 0
    for line in _lines(config, status):
        say(line)
    return 0


def _run(given: argparse.Namespace) -> int:
    level = logging.DEBUG if given.verbose else logging.INFO
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    with _parts(_with_centre(config_of(given))) as parts, _ended_by_signals(stop):
        uplink = Uplink(parts)
        if given.once:
            _tell_end(uplink.once())
            return 0
        if given.drain:
            _refuse_unready(standing_of(parts))
        uplink.start()
        notify(READY)
        try:
            _until(uplink, stop, drain=given.drain)
            status = uplink.status()
        finally:
            uplink.stop()
        if given.drain:
            _tell_end(status)
    return 0


def _until(uplink: Uplink, stop: threading.Event, *, drain: bool) -> None:
    looks = 0
    while not stop.wait(_LOOK_S):
        looks += 1
        if looks % _LOOKS_TOLD == 0 and uplink.lives:
            notify(ALIVE)
        if not drain:
            continue
        if uplink.drained:
            return
        status = uplink.status()
        if status.state in (State.REFUSED, State.UNBOUND):
            _refuse_unready(status)


def _refuse_unready(status: Status) -> None:
    """What waiting will not mend, as the one line the user reads."""
    if status.state is State.UNBOUND:
        raise CliError("未绑定，请先运行 / not bound, first run: yibao-face link enrol")
    if status.state is State.REFUSED:
        raise CliError(f"中心拒绝 / the centre refuses this machine: {status.reason}")


def _tell_end(status: Status) -> None:
    _refuse_unready(status)
    if status.state is State.STANDBY:
        raise CliError("另一进程正在上传 / another process of this machine sends")
    say(f"待上传 / waiting {status.waiting} · 失败 / dead {status.dead}")


@contextmanager
def _parts(config: Config) -> Generator[Parts, None, None]:
    """What a sender without a daemon is made of."""
    with desk_of(config) as desk:
        clock = CentreClock(desk.ledger.clock.unix_ms, kept=clock_path(config))
        parts = parts_of(config, desk, clock)
        if parts is None:
            raise CliError("no centre is configured / 未配置中心")
        yield parts


@contextmanager
def _client(
    place: Place, folder: IdentityFolder, ca_pem: bytes, *, known: bool
) -> Generator[Client, None, None]:
    client = Client(place, folder.context(ca_pem, known=known))
    try:
        yield client
    finally:
        client.close()


@contextmanager
def _ended_by_signals(stop: threading.Event) -> Generator[None, None, None]:
    """SIGINT and SIGTERM end it in order: what is leased is given back."""

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    kept = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _with_centre(config: Config) -> Config:
    if not config.centre.url:
        raise CliError('未配置中心 / no centre is configured: [centre] url = "https://host:51519"')
    return config


def _lines(config: Config, status: Status | None) -> list[str]:
    if status is None:
        return [_STATES[NONE]]
    reason = f" ({_REASONS.get(status.reason, status.reason)})" if status.reason else ""
    lines = [f"{_STATES[status.state.value]}{reason} · {config.centre.url}"]
    if status.device:
        lines.append(f"设备 / device {status.device} · 机构 / institution {status.institution}")
        lines.append(f"证书有效期至 / certificate until {_when(status.not_after_ms)}")
    lines.append(f"待上传 / waiting {status.waiting} · 失败 / dead {status.dead}")
    if status.oldest_waiting_ms:
        lines.append(f"最早待上传 / oldest waiting: {_when(status.oldest_waiting_ms)}")
    if status.last_answer_ms:
        lines.append(f"最近应答 / last answer: {_when(status.last_answer_ms)}")
    if status.offset_ms is not None:
        word = " 相差过大，请校准时间 / too far apart: set the clock" if status.skewed else ""
        lines.append(f"时钟差 / clock offset: {status.offset_ms / 1000:+.1f} s{word}")
    return lines


def _told(identity: Identity) -> str:
    whom = f"{identity.device} @ {identity.institution}"
    return f"{whom}, 有效期至 / until {_when(identity.not_after_ms)}"


def _when(at_ms: int) -> str:
    return moment(at_ms).isoformat(timespec="seconds")


_STATES = {
    NONE: "未配置中心，本机独立工作 / no centre is configured, works locally",
    "unbound": "未绑定，本机独立工作 / not bound, works locally",
    "starting": "正在连接 / connecting",
    "online": "在线 / online",
    "offline": "离线，记录保存在本机 / offline, records are kept here",
    "refused": "被中心拒绝，本机独立工作 / refused by the centre, works locally",
    "standby": "由另一进程上传 / another process sends",
}
_REASONS = {
    "no-answer": "中心无应答 / no answer",
    "not-running": "上传服务未运行 / nothing sends now",
    "expired": "证书已过期，请重新绑定 / certificate expired: enrol again",
    "revoked": "证书已吊销，请联系中心 / certificate revoked",
    "unknown-certificate": "中心不认识本机证书，请重新绑定 / certificate unknown: enrol again",
    "no-certificate": "未出示证书，请重新绑定 / no certificate: enrol again",
    "no-device": "证书无效，请重新绑定 / certificate names no device: enrol again",
    "server-certificate": "中心身份无法确认，请核对地址、ca.pem和时钟"
    " / not this centre: check address, ca.pem and clock",
    "identity": "本机证书损坏，请重新绑定 / identity damaged: enrol again",
    "wrong-device": "记录属于其他设备 / records of another device",
    "wrong-institution": "机构不符 / another institution",
    "store": "本机或中心存储故障 / a store failed",
    "busy": "中心繁忙 / the centre is busy",
    "too-often": "请求过于频繁 / too many requests",
}
