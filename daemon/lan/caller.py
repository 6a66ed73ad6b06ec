"""Who may call over the network: each machine with an id, its addresses and a secret of its own.

One file, sealed with the device key; read again when it changes, so that who was removed is out
at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sys
from collections.abc import Generator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any, cast

from yibao_face.daemon.core.encounter import LOCAL
from yibao_face.daemon.gallery.vault import Vault, VaultError
from yibao_face.daemon.lan.exchange import ID_BYTES, SECRET_BYTES
from yibao_face.installer.update.swap import lock

_LABEL = "lan callers"
_MOST = 200
# Wider, an allow-list allows everybody.
_WIDEST = 16


class CallerError(Exception):
    """A caller cannot be added or removed; the message is one line, Chinese and English."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A machine with the library. ``id``: 16 hex digits. ``added``: a day, ``2026-11-27``."""

    id: str
    name: str
    networks: tuple[IPv4Network, ...]
    added: str
    secret: bytes = field(repr=False)

    @property
    def recorded(self) -> str:
        """How records name it: never as this machine itself, whatever an old list calls it."""
        return self.id if self.name.casefold() == LOCAL else self.name

    def may_be_at(self, address: IPv4Address) -> bool:
        """Whether it calls from there."""
        return any(address in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class CallerBook:
    """The callers of a data folder. ``CallerError``; ``VaultError`` where it does not open."""

    path: Path
    vault: Vault

    def all(self) -> tuple[Caller, ...]:
        """Every caller, in the order they were added."""
        try:
            sealed = self.path.read_bytes()
        except FileNotFoundError:
            return ()
        except OSError as exc:
            raise VaultError(f"{self.path.name} cannot be read: {exc.strerror}") from exc
        try:
            rows = json.loads(self.vault.open(sealed, _LABEL))
            return tuple(_caller(row) for row in rows)
        except (ValueError, TypeError, KeyError) as exc:
            raise VaultError(f"{self.path.name} is damaged") from exc

    def add(self, name: str, addresses: tuple[str, ...], day: str) -> Caller:
        """A new caller with a secret drawn for it."""
        name = name.strip()
        if not 1 <= len(name) <= 40 or not name.isprintable():
            raise CallerError("名称须为1到40个字 / a name has 1 to 40 characters")
        if name.casefold() == LOCAL:
            raise CallerError(
                f"记录以{LOCAL}指本机，请换名 / records mean this machine by {LOCAL}"
            )
        networks = tuple(network_of(text) for text in addresses)
        if not networks:
            raise CallerError("须指明地址 / an address is needed")
        with self._changing() as known:
            if any(one.name == name for one in known):
                raise CallerError(f"已有同名电脑 / there is one of this name: {name}")
            if len(known) >= _MOST:
                raise CallerError(f"最多{_MOST}台 / at most {_MOST}")
            id_, secret = secrets.token_hex(ID_BYTES), secrets.token_bytes(SECRET_BYTES)
            made = Caller(id_, name, networks, day, secret)
            self._write((*known, made))
        return made

    def remove(self, which: str) -> Caller:
        """End the caller with this id or name."""
        with self._changing() as known:
            found = next((one for one in known if which in (one.id, one.name)), None)
            if found is None:
                raise CallerError(f"没有这台电脑 / no such caller: {which}")
            self._write(tuple(one for one in known if one is not found))
        return found

    @contextlib.contextmanager
    def _changing(self) -> Generator[tuple[Caller, ...], None, None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            held = lock.take(self.path.with_suffix(".lock"), 0o600)
            if held is None:
                raise CallerError("另一个命令正在修改 / another command is changing it")
            with held:
                yield self.all()
        except OSError as exc:
            raise CallerError(f"无法写入 / cannot be written: {exc.strerror}") from exc

    def _write(self, callers: tuple[Caller, ...]) -> None:
        text = json.dumps([_row(one) for one in callers], ensure_ascii=False)
        part = self.path.with_suffix(".part")
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(self.vault.seal(text.encode(), _LABEL))
            file.flush()
            os.fsync(handle)
            _give(handle, self.path.parent)
        part.replace(self.path)


@dataclass(slots=True)
class Roster:
    """What the daemon knows of the book: read when the file is another one."""

    book: CallerBook
    _seen: object = None
    _callers: dict[str, Caller] = field(default_factory=dict[str, Caller])

    def callers(self) -> dict[str, Caller]:
        """By id; ``VaultError`` where the book does not open: then nobody may call."""
        try:
            found = self.book.path.stat()
            seen: object = (found.st_mtime_ns, found.st_ino, found.st_size)
        except OSError:
            seen = ()
        if seen != self._seen:
            self._seen, self._callers = None, {}
            self._callers = {one.id: one for one in self.book.all()}
            self._seen = seen
        return self._callers


def network_of(text: str) -> IPv4Network:
    """``192.168.1.0/24`` or one address; ``CallerError``."""
    try:
        network = IPv4Network(text.strip())
    except ValueError as exc:
        told = f"地址应如 192.168.1.0/24 或 192.168.1.20 / must be like that: {text}"
        raise CallerError(told) from exc
    if network.prefixlen < _WIDEST:
        raise CallerError(f"网段过大，最大/{_WIDEST} / wider than /{_WIDEST}: {text}")
    return network


def _row(one: Caller) -> dict[str, Any]:
    networks = [str(network) for network in one.networks]
    row = {"id": one.id, "name": one.name, "networks": networks, "added": one.added}
    return {**row, "secret": one.secret.hex()}


def _caller(row: Any) -> Caller:
    known = cast(dict[str, Any], row)
    networks = tuple(IPv4Network(text) for text in known["networks"])
    secret = bytes.fromhex(known["secret"])
    if len(secret) != SECRET_BYTES:
        raise ValueError("secret")
    return Caller(str(known["id"]), str(known["name"]), networks, str(known["added"]), secret)


if sys.platform == "win32":

    def _give(_handle: int, _folder: Path) -> None:
        """Who may use a file is inherited there."""

else:

    def _give(handle: int, folder: Path) -> None:
        """Of the folder's owner: a file of root's would shut the daemon out."""
        if os.geteuid() == 0:
            owner = folder.stat()
            os.fchown(handle, owner.st_uid, owner.st_gid)
