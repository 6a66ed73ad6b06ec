"""Accounts of the staff in one SQLite file: PINs as scrypt, names sealed, a lock after wrong ones.

The file is asked at every call, so that what another process changes holds at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import sqlite3
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from yibao_face.daemon.clock import Clock
from yibao_face.daemon.console.access.role import Role
from yibao_face.daemon.gallery.vault import Vault

_SCHEMA = """
CREATE TABLE IF NOT EXISTS staff (number TEXT PRIMARY KEY, name BLOB NOT NULL,
    role TEXT NOT NULL, salt BLOB NOT NULL, pin BLOB NOT NULL, person TEXT NOT NULL,
    failures INTEGER NOT NULL, locked_until_ms INTEGER NOT NULL,
    last_login_ms INTEGER NOT NULL, given INTEGER NOT NULL DEFAULT 0) STRICT
"""
# Files of before it was known who chose a PIN.
_GROWN = "ALTER TABLE staff ADD COLUMN given INTEGER NOT NULL DEFAULT 0"
# 16 MiB and 40 ms a try: who steals the file needs the device key's machine for years.
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**14, 8, 1
_SALT_BYTES = 16
MAX_FAILURES = 5
LOCK_MS = 15 * 60_000
_NUMBER = re.compile(r"[A-Za-z0-9_-]{1,30}")
_PIN = re.compile(r"[0-9]{6,12}")
_RUN = "01234567890123456789"
_COLUMNS = "number, name, role, person, locked_until_ms, last_login_ms, given"


class StaffError(Exception):
    """An account cannot be made, changed or used; the message is one Chinese sentence."""


class GivenPin(str):
    """A PIN chosen by somebody else than who will use it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Staff:
    """An account. ``person``: digest in the gallery, empty where no login by face is allowed.

    ``pin_given``: somebody else chose the PIN and knows it: it has to be changed first.
    """

    number: str
    name: str
    role: Role
    person: str
    locked_until_ms: int
    last_login_ms: int
    pin_given: bool


@dataclass(frozen=True, slots=True)
class StaffBook:
    """The accounts of a data folder. Raises ``StaffError`` for whatever cannot be done."""

    path: Path
    vault: Vault
    clock: Clock

    def add(self, number: str, name: str, role: Role, pin: str, person: str = "") -> None:
        """A new account. ``pin``: 6 to 12 digits, no run and no repetition."""
        if not _NUMBER.fullmatch(number):
            raise StaffError("工号须为1到30位字母或数字")
        if not 1 <= len(name) <= 30 or not name.isprintable():
            raise StaffError("姓名须为1到30个字")
        salt, hash_ = _hashed(pin)
        sealed = self.vault.seal(name.encode(), f"staff/{number}")
        with self._open() as db:
            try:
                row = (number, sealed, role.value, salt, hash_, person, 0, 0, 0, _is_given(pin))
                db.execute("INSERT INTO staff VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            except sqlite3.IntegrityError as exc:
                raise StaffError("该工号已有账号") from exc

    def all(self) -> list[Staff]:
        """Every account, by number."""
        with self._open() as db:
            rows = db.execute(f"SELECT {_COLUMNS} FROM staff ORDER BY number").fetchall()  # noqa: S608  # own names
        return [self._staff(row) for row in rows]

    def get(self, number: str) -> Staff | None:
        """The account with this number."""
        query = f"SELECT {_COLUMNS} FROM staff WHERE number = ?"  # noqa: S608  # own names
        with self._open() as db:
            row = db.execute(query, (number,)).fetchone()
        return self._staff(row) if row else None

    def set_pin(self, number: str, pin: str) -> None:
        """Another PIN; a lock ends."""
        salt, hash_ = _hashed(pin)
        statement = (
            "UPDATE staff SET salt = ?, pin = ?, given = ?, failures = 0, locked_until_ms = 0"
            " WHERE number = ?"
        )
        self._one(statement, (salt, hash_, _is_given(pin), number))

    def remove(self, number: str) -> None:
        """End an account; the last manager stays, or nobody could let anybody in."""
        with self._open() as db:
            managers = db.execute("SELECT number FROM staff WHERE role = ?", (Role.MANAGER,))
            if [str(row[0]) for row in managers] == [number]:
                raise StaffError("这是最后一位管理员，不能删除")
        self._one("DELETE FROM staff WHERE number = ?", (number,))

    def log_in(self, number: str, pin: str) -> Staff:
        """The account, where ``pin`` is its own; after five wrong ones it is locked a while."""
        query = "SELECT salt, pin, locked_until_ms FROM staff WHERE number = ?"
        now_ms = self.clock.unix_ms()
        with self._open() as db:
            row = db.execute(query, (number,)).fetchone()
        if row and now_ms < row[2]:
            raise StaffError("密码错误次数过多，账号已锁定，请15分钟后重试或请管理员重设密码")
        # Who has no account takes as long as who has one.
        salt, expected = (row[0], row[1]) if row else (bytes(_SALT_BYTES), b"")
        if not hmac.compare_digest(_scrypt(pin, salt), expected):
            self._failed(number, now_ms)
            raise StaffError("工号或密码不对，请重试")
        return self._logged_in(number)

    def log_in_person(self, person: str) -> Staff:
        """The account of a face that was recognised."""
        found = next((one for one in self.all() if person and one.person == person), None)
        if found is None:
            raise StaffError("没有与这张脸相符的账号，请用密码登录")
        return self._logged_in(found.number)

    def faces(self) -> frozenset[str]:
        """Digests of those who may log in by face."""
        return frozenset(one.person for one in self.all() if one.person)

    def _logged_in(self, number: str) -> Staff:
        statement = (
            "UPDATE staff SET failures = 0, locked_until_ms = 0, last_login_ms = ?"
            " WHERE number = ?"
        )
        self._one(statement, (self.clock.unix_ms(), number))
        found = self.get(number)
        if found is None:
            raise StaffError("没有这个账号")
        return found

    def _failed(self, number: str, now_ms: int) -> None:
        """Counted in the file: a restart gives nobody five more tries."""
        with self._open() as db:
            db.execute("UPDATE staff SET failures = failures + 1 WHERE number = ?", (number,))
            db.execute(
                "UPDATE staff SET failures = 0, locked_until_ms = ?"
                " WHERE number = ? AND failures >= ?",
                (now_ms + LOCK_MS, number, MAX_FAILURES),
            )

    def _one(self, statement: str, bound: tuple[object, ...]) -> None:
        with self._open() as db:
            if not db.execute(statement, bound).rowcount:
                raise StaffError("没有这个账号")

    def _staff(self, row: tuple[str, bytes, str, str, int, int, int]) -> Staff:
        number, sealed, role, person, locked_until_ms, last_login_ms, given = row
        name = self.vault.open(sealed, f"staff/{number}").decode()
        role_ = Role(role)
        return Staff(number, name, role_, person, locked_until_ms, last_login_ms, bool(given))

    @contextlib.contextmanager
    def _open(self) -> Generator[sqlite3.Connection, None, None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.closing(sqlite3.connect(self.path, timeout=5.0)) as db:
                os.chmod(self.path, 0o600)  # noqa: PTH101  # also right where it was there before
                with db:
                    db.execute(_SCHEMA)
                    if "given" not in {row[1] for row in db.execute("PRAGMA table_info(staff)")}:
                        db.execute(_GROWN)
                    yield db
        except (sqlite3.Error, OSError) as exc:
            raise StaffError("账号文件无法读取，请联系工程师") from exc


def check_pin(pin: str) -> None:
    """Raises ``StaffError`` for a PIN that is none, or that everybody tries first."""
    if not _PIN.fullmatch(pin):
        raise StaffError("密码须为6到12位数字")
    if len(set(pin)) < 3 or pin in _RUN or pin[::-1] in _RUN:
        raise StaffError("密码太简单，请不要用重复或连续的数字")


def _is_given(pin: str) -> bool:
    return isinstance(pin, GivenPin)


def tried(pin: str, salt: bytes) -> bytes:
    """What an account with this PIN and salt holds."""
    return _scrypt(pin, salt)


def _hashed(pin: str) -> tuple[bytes, bytes]:
    check_pin(pin)
    salt = os.urandom(_SALT_BYTES)
    return salt, _scrypt(pin, salt)


def _scrypt(pin: str, salt: bytes) -> bytes:
    data = pin.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(data, salt=salt, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P, dklen=32)
