"""What lies under the device key opens with nothing else, and the key is made once."""

from __future__ import annotations

import os
import random
import stat
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yibao_face.daemon.gallery.dpapi import DpapiWrap
from yibao_face.daemon.gallery.vault import Vault, VaultError, open_vault

SECRET = "张三 320101194202156744".encode()
SHARED = Vault(bytes(range(32)), bytes(range(32, 64)))


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """A vault with a key of its own."""
    return open_vault(tmp_path / "device.key")


@dataclass(frozen=True, slots=True)
class MirrorWrap:
    """Stores the key backwards: shows whether both ways are taken."""

    def wrap(self, key: bytes) -> bytes:
        return key[::-1]

    def unwrap(self, stored: bytes) -> bytes:
        return stored[::-1]


@settings(deadline=None)
@given(data=st.binary(max_size=2000), label=st.text(st.characters(codec="utf-8"), max_size=50))
def test_what_was_sealed_opens_again(data: bytes, label: str) -> None:
    sealed = SHARED.seal(data, label)

    assert data == SHARED.open(sealed, label)


def test_sealing_hides_the_data_and_never_repeats_itself(vault: Vault) -> None:
    once, again = vault.seal(SECRET, "person/a"), vault.seal(SECRET, "person/a")

    assert once != again
    assert SECRET not in once
    assert SECRET[:6] not in once


def test_another_label_does_not_open(vault: Vault) -> None:
    sealed = vault.seal(SECRET, "person/a")

    with pytest.raises(VaultError, match="person/b"):
        vault.open(sealed, "person/b")


def test_another_key_does_not_open(vault: Vault, tmp_path: Path) -> None:
    sealed = vault.seal(SECRET, "person/a")
    other = open_vault(tmp_path / "other.key")

    with pytest.raises(VaultError):
        other.open(sealed, "person/a")


def test_no_single_byte_can_be_changed(vault: Vault) -> None:
    sealed = vault.seal(SECRET, "person/a")
    bits = random.Random(20261122)  # noqa: S311  # a repeatable sample, no secret

    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 1 << bits.randrange(8)
        with pytest.raises(VaultError):
            vault.open(bytes(changed), "person/a")


def test_no_byte_can_be_cut_or_added(vault: Vault) -> None:
    sealed = vault.seal(SECRET, "person/a")

    for length in range(len(sealed)):
        with pytest.raises(VaultError):
            vault.open(sealed[:length], "person/a")
    with pytest.raises(VaultError):
        vault.open(sealed + b"\x00", "person/a")


def test_the_same_key_file_opens_what_it_sealed_before(tmp_path: Path) -> None:
    sealed = open_vault(tmp_path / "device.key").seal(SECRET, "person/a")

    assert SECRET == open_vault(tmp_path / "device.key").open(sealed, "person/a")


@pytest.mark.skipif(sys.platform == "win32", reason="file modes are POSIX; there DPAPI guards")
def test_the_key_file_is_its_owners_alone(tmp_path: Path) -> None:
    open_vault(tmp_path / "deep" / "device.key")

    [made] = (tmp_path / "deep").iterdir()
    assert "device.key" == made.name
    assert 0o600 == stat.S_IMODE(made.stat().st_mode)


@pytest.mark.skipif(sys.platform == "win32", reason="file modes are POSIX; there DPAPI guards")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_key_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    open_vault(tmp_path / "device.key")
    (tmp_path / "device.key").chmod(mode)

    with pytest.raises(VaultError, match="chmod 600"):
        open_vault(tmp_path / "device.key")


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_key_of_another_length_is_refused_and_kept(tmp_path: Path, length: int) -> None:
    key_file = tmp_path / "device.key"
    key_file.write_bytes(bytes(length))
    key_file.chmod(0o600)

    with pytest.raises(VaultError, match=f"{length} bytes"):
        open_vault(key_file, MirrorWrap())
    assert bytes(length) == key_file.read_bytes()


def test_a_folder_in_place_of_the_key_is_a_vault_error(tmp_path: Path) -> None:
    (tmp_path / "device.key").mkdir(mode=0o700)

    with pytest.raises(VaultError, match=r"device\.key"):
        open_vault(tmp_path / "device.key")


def test_a_key_folder_that_cannot_be_made_is_a_vault_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(VaultError, match=r"device\.key"):
        open_vault(tmp_path / "file" / "device.key")


def test_openers_racing_make_one_key(tmp_path: Path) -> None:
    openers = 8
    for race in range(10):
        key_file = tmp_path / f"{race}.key"
        start = threading.Barrier(openers)

        def opened(_n: int, key_file: Path = key_file, start: threading.Barrier = start) -> str:
            start.wait()
            return open_vault(key_file).digest("id", "1")

        with ThreadPoolExecutor(openers) as pool:
            digests = set(pool.map(opened, range(openers)))

        assert 1 == len(digests)
        assert [] == list(tmp_path.glob("*.part"))


def test_what_a_killed_start_left_does_not_stop_the_next_one(tmp_path: Path) -> None:
    # Process ids come round again: in a container the daemon's is always the same.
    left = tmp_path / f"device.{os.getpid()}.part"
    left.write_bytes(b"half a key")

    vault = open_vault(tmp_path / "device.key")
    assert vault == open_vault(tmp_path / "device.key")


def test_a_digest_is_stable_and_its_own_per_number_kind_and_key(
    vault: Vault, tmp_path: Path
) -> None:
    digest = vault.digest("id", "320101194202156744")
    other_key = open_vault(tmp_path / "other.key")

    assert digest == open_vault(tmp_path / "device.key").digest("id", "320101194202156744")
    assert digest != vault.digest("psn", "320101194202156744")
    assert digest != vault.digest("id", "32010119420215674X")
    assert digest != other_key.digest("id", "320101194202156744")
    assert "320101194202156744" not in digest


def test_a_vault_shows_no_key_material() -> None:
    shown = f"{SHARED!r} {SHARED!s} {[SHARED]}"

    for key in (SHARED._data_key, SHARED._digest_key):
        assert key.hex() not in shown
        assert repr(key)[2:-1] not in shown
    assert "_key" not in shown


def test_the_device_key_itself_neither_seals_nor_digests(tmp_path: Path) -> None:
    vault = open_vault(tmp_path / "device.key", MirrorWrap())
    key = (tmp_path / "device.key").read_bytes()

    assert 3 == len({key[::-1], vault._data_key, vault._digest_key})


def test_the_wrap_is_undone_on_the_next_opening(tmp_path: Path) -> None:
    sealed = open_vault(tmp_path / "device.key", MirrorWrap()).seal(SECRET, "person/a")

    assert SECRET == open_vault(tmp_path / "device.key", MirrorWrap()).open(sealed, "person/a")


@pytest.mark.skipif(sys.platform == "win32", reason="there it protects")
def test_windows_protection_is_an_os_error_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Windows only"):
        DpapiWrap().wrap(bytes(32))
    with pytest.raises(OSError, match="Windows only"):
        DpapiWrap().unwrap(bytes(32))
    with pytest.raises(VaultError, match=r"device\.key"):
        open_vault(tmp_path / "device.key", DpapiWrap())
    assert [] == list(tmp_path.iterdir())
