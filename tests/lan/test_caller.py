"""Who may call: sealed at rest, each with a secret of its own, out as soon as taken off."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.daemon.gallery.vault import VaultError, open_vault
from yibao_face.daemon.lan.caller import CallerBook, CallerError, Roster, network_of
from yibao_face.installer.update.swap import lock

DAY = "2026-11-27"


@pytest.fixture
def book(tmp_path: Path) -> CallerBook:
    return CallerBook(tmp_path / "lan-callers", open_vault(tmp_path / "device.key"))


def test_a_caller_is_kept_with_its_secret_and_addresses(book: CallerBook) -> None:
    made = book.add(" 收费一号窗 ", ("192.168.1.0/24", "10.0.0.7"), DAY)

    assert (made,) == book.all()
    assert ("收费一号窗", DAY, 16, 32) == (made.name, made.added, len(made.id), len(made.secret))
    assert made.may_be_at(IPv4Address("192.168.1.77"))
    assert made.may_be_at(IPv4Address("10.0.0.7"))
    assert not made.may_be_at(IPv4Address("10.0.0.8"))


def test_no_two_are_alike(book: CallerBook) -> None:
    made = [book.add(f"窗口{n}", ("10.0.0.7",), DAY) for n in range(5)]

    assert 5 == len({one.id for one in made}) == len({one.secret for one in made})


def test_at_rest_it_is_sealed_and_the_owners_alone(book: CallerBook) -> None:
    made = book.add("收费一号窗", ("10.0.0.7",), DAY)
    data = book.path.read_bytes()

    for said in (made.secret, made.secret.hex().encode(), made.id.encode(), "收费".encode()):
        assert said not in data
    assert made.secret.hex() not in repr(made)
    if sys.platform != "win32":
        assert 0o600 == book.path.stat().st_mode & 0o777


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="made by root")
def test_what_root_adds_is_the_daemons(book: CallerBook) -> None:
    os.chown(book.path.parent, 12_345, 12_345)
    book.add("收费一号窗", ("10.0.0.7",), DAY)

    assert 12_345 == book.path.stat().st_uid


@pytest.mark.parametrize("by", ["id", "name"])
def test_one_is_removed_by_id_or_name(book: CallerBook, by: str) -> None:
    made, other = (book.add(name, ("10.0.0.7",), DAY) for name in ("一号", "二号"))
    book.remove(getattr(made, by))

    assert (other,) == book.all()
    with pytest.raises(CallerError, match="没有"):
        book.remove(made.id)


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        ("", ("10.0.0.7",)),
        ("x" * 41, ("10.0.0.7",)),
        ("a\nb", ("10.0.0.7",)),
        ("a", ()),
        ("a", ("0.0.0.0/0",)),
        ("a", ("10.0.0.0/8",)),
        ("a", ("10.0.0.7/24",)),
        ("a", ("his.local",)),
        ("a", ("fd00::1",)),
        ("a", ("",)),
        ("已有", ("10.0.0.7",)),
    ],
)
def test_what_cannot_be_a_caller_is_refused(
    book: CallerBook, name: str, addresses: tuple[str, ...]
) -> None:
    kept = book.add("已有", ("10.0.0.7",), DAY)
    with pytest.raises(CallerError):
        book.add(name, addresses, DAY)
    assert (kept,) == book.all()


@given(st.text())
def test_any_address_is_one_or_refused(text: str) -> None:
    try:
        assert network_of(text).prefixlen >= 16
    except CallerError:
        return


def test_two_commands_at_once_do_not_lose_one(book: CallerBook) -> None:
    held = lock.take(book.path.with_suffix(".lock"), 0o600)
    assert held is not None
    with held, pytest.raises(CallerError, match="另一个"):
        book.add("一号", ("10.0.0.7",), DAY)
    book.add("一号", ("10.0.0.7",), DAY)


@pytest.mark.parametrize("damage", [b"", b"Y2", b"word" * 30])
def test_a_damaged_list_opens_for_nobody(book: CallerBook, damage: bytes) -> None:
    made = book.add("一号", ("10.0.0.7",), DAY)
    roster = Roster(book)
    assert {made.id: made} == roster.callers()
    book.path.write_bytes(damage)

    for _ in range(2):
        with pytest.raises(VaultError):
            roster.callers()


def test_a_list_of_another_machine_opens_for_nobody(book: CallerBook, tmp_path: Path) -> None:
    book.add("一号", ("10.0.0.7",), DAY)
    stolen = CallerBook(book.path, open_vault(tmp_path / "other" / "device.key"))

    with pytest.raises(VaultError):
        stolen.all()


def test_the_daemon_sees_a_change_at_once(book: CallerBook) -> None:
    roster = Roster(book)
    assert {} == roster.callers()
    made = book.add("一号", ("10.0.0.7",), DAY)
    assert {made.id: made} == roster.callers()
    book.remove(made.id)
    assert {} == roster.callers()


@pytest.mark.parametrize("name", ["local", " LOCAL "])
def test_nobody_is_named_as_records_name_this_machine(book: CallerBook, name: str) -> None:
    with pytest.raises(CallerError, match="换名"):
        book.add(name, ("10.0.0.7",), DAY)

    assert () == book.all()


def test_a_caller_of_an_old_list_is_not_recorded_as_this_machine(book: CallerBook) -> None:
    made = book.add("收费一号窗", ("10.0.0.7",), DAY)

    assert "收费一号窗" == made.recorded
    assert made.id == replace(made, name="Local").recorded
