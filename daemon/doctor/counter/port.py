"""The port HIS programs call: free, ours, or whose."""

from __future__ import annotations

import socket

import psutil

from yibao_face.daemon.doctor.check import Check, Finding, fault, passed_over, well
from yibao_face.daemon.doctor.subject import Subject

_PATIENCE_S = 2.0


def port(subject: Subject) -> Finding:
    """Asked by knocking, then by binding as the daemon would."""
    host, number = subject.config.door.host, subject.config.door.port
    if number == 0:
        return passed_over("配置为任意空闲端口")
    if subject.health is not None:
        return well(f"{number}：本服务正在使用")
    if _is_free(host, number):
        return well(f"{number}：空闲")
    told = f"{number}：{_holder(number) or '其他程序'}"
    cause = f"端口{number}被其他程序占用，HIS无法调用核验服务"
    return fault(told, cause, "请关闭该程序，或在[door]改port并通知HIS厂商、更新动态库配置")


def _is_free(host: str, number: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_connection((host, number), _PATIENCE_S):
            return False
    except OSError:
        pass
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        try:
            sock.bind((host, number))
        except OSError:
            return False
    return True


def _holder(number: int) -> str:
    """Name of the program that listens there, as far as this account may see."""
    try:
        for each in psutil.net_connections("tcp"):
            at = tuple(each.laddr)
            if each.status == psutil.CONN_LISTEN and each.pid and at[1:] == (number,):
                return str(psutil.Process(each.pid).name())
    except (psutil.Error, OSError):
        return ""
    return ""


CHECKS = (Check("port", "service", "服务端口", "port", port),)
