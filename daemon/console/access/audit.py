"""Whether the console's accounts are worth their PINs: somebody may act, nobody by guessing."""

from __future__ import annotations

import hmac
import sqlite3
from contextlib import closing
from itertools import chain

from yibao_face.daemon.console.access.role import Role
from yibao_face.daemon.console.access.staff import tried
from yibao_face.daemon.doctor.check import Check, Finding, doubt, fault, passed_over, well
from yibao_face.daemon.doctor.subject import Subject

# What the rules let by and everybody tries: each costs a hash, so there are few.
_COMMON = ("112233", "123123", "121212", "147258", "520131", "20262026")
_MOST_ACCOUNTS = 50


def accounts(subject: Subject) -> Finding:
    """Accounts by number, and those whose PIN is their number or one of the common ones."""
    if not subject.config.console.enabled:
        return passed_over("控制台已在配置中关闭")
    path = subject.config.data / "staff.db"
    if not path.is_file():
        return _nobody()
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as db:
            rows = db.execute("SELECT number, role, salt, pin FROM staff").fetchall()
    except sqlite3.Error:
        return fault("打不开", "账号文件打不开", "请从备份恢复staff.db，或联系工程师")
    if not any(role == Role.MANAGER.value for _, role, _, _ in rows):
        return _nobody()
    weak = sum(1 for number, _, salt, pin in rows[:_MOST_ACCOUNTS] if _guessed(number, salt, pin))
    if weak:
        cause = f"有{weak}个账号的密码就是工号或常见数字"
        return fault(f"{len(rows)} 个账号", cause, "请执行 yibao-face staff pin 工号 重设密码")
    return well(f"{len(rows)} 个账号")


def _nobody() -> Finding:
    cause = "控制台没有管理员账号，没有人能登录"
    fix = "请执行 yibao-face staff add 工号 --name 姓名 --role manager"
    return doubt("0 个管理员", cause, fix)


def _guessed(number: str, salt: bytes, pin: bytes) -> bool:
    own = [number] if number.isdecimal() else []
    return any(hmac.compare_digest(tried(guess, salt), pin) for guess in chain(own, _COMMON))


CHECKS = (Check("staff", "service", "控制台账号", "accounts of the console", accounts),)
