"""LAN mode: whether it listens where it was told, for whom, and who may read their secrets."""

from __future__ import annotations

import socket

import psutil

from yibao_face.daemon.doctor.check import Check, Finding, doubt, fault, passed_over, well
from yibao_face.daemon.doctor.subject import Subject
from yibao_face.daemon.gallery.vault import VaultError
from yibao_face.daemon.wiring import caller_book_of

GROUP = "lan"
_OFF = "没有启用局域网模式，只有本机可以调用"
_EVERYWHERE = "0.0.0.0"  # noqa: S104  # as a site may have written it


def listening(subject: Subject) -> Finding:
    """Its address is one of this machine's, and the daemon that runs listens there."""
    lan = subject.config.lan
    if not lan.enabled:
        return passed_over(_OFF)
    told = f"{lan.host}:{lan.port}"
    if lan.host != _EVERYWHERE and not _is_ours(lan.host):
        cause = "局域网地址不是本机的地址，其他电脑无法调用"
        return fault(told, cause, "请把[lan]的host改成本机的固定IP，并在路由器上固定该地址")
    running = (subject.health or {}).get("lan")
    if running is not None and not running["listening"]:
        cause = "核验服务没有在局域网地址上监听，端口可能被占用"
        return fault(told, cause, "请关闭占用端口的程序，或改[lan]的port后重启服务、重新配对")
    if lan.host == _EVERYWHERE:
        cause = "局域网端口开在本机的所有网卡上"
        return doubt(told, cause, "请把[lan]的host改成内网网卡的IP")
    return well(told)


def _is_ours(host: str) -> bool:
    if host.startswith("127."):
        return True
    every = psutil.net_if_addrs().values()
    return any(
        one.address == host for each in every for one in each if one.family == socket.AF_INET
    )


def callers(subject: Subject) -> Finding:
    """Somebody may call; the list is ours, and nobody else reads it."""
    if not subject.config.lan.enabled:
        return passed_over(_OFF)
    file = subject.config.data / "lan-callers"
    if (
        subject.machine.system != "win32"
        and file.is_file()
        and (mode := file.stat().st_mode & 0o777) & 0o077
    ):
        cause = "其他账号也能读取配对名单"
        return fault(f"{mode:o}", cause, f"请执行 chmod 600 {file}，并给各电脑重新配对")
    try:
        vault = subject.vault()
        known = () if vault is None else caller_book_of(subject.config, vault).all()
    except VaultError:
        fix = "请从备份恢复lan-callers，或删除它后重新配对各电脑"
        return fault("不可用", "配对名单打不开，其他电脑都不能调用", fix)
    if not known:
        fix = "请执行 yibao-face lan add 名称 --address 地址，把得到的一行填入该电脑的安装程序"
        return doubt("0 台", "局域网模式已启用，但没有登记任何电脑", fix)
    return well(f"{len(known)} 台")


CHECKS = (
    Check("lan", GROUP, "局域网监听", "LAN mode listens", listening),
    Check("lan-callers", GROUP, "局域网配对", "LAN mode callers", callers),
)
