"""Two suites, one key file: what was sealed under either opens under either, and nothing else."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from yibao_face.daemon.gallery.cipher import SM, STANDARD, Sm4Gcm
from yibao_face.daemon.gallery.vault import Vault, VaultError, create_once, open_vault

SECRET = "张三 320101194202156744".encode()
KEYS = (bytes(range(32)), bytes(range(32, 64)))
BOTH = {suite: Vault(*KEYS, _sm4_key=bytes(range(16)), suite=suite) for suite in (STANDARD, SM)}


def test_sm4_gcm_is_that_of_rfc_8998() -> None:
    key = bytes.fromhex("0123456789abcdeffedcba9876543210")
    nonce = bytes.fromhex("00001234567800000000abcd")
    label = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    plain = bytes.fromhex(
        "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd"
        "eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa"
    )
    expected = (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        "83de3541e4c2b58177e065a9bf7b62ec"
    )
    aead = Sm4Gcm(key)

    assert expected == aead.seal(nonce, plain, label).hex()
    assert plain == aead.open(nonce, bytes.fromhex(expected), label)


@settings(deadline=None)
@given(
    data=st.binary(max_size=500),
    label=st.text(st.characters(codec="utf-8"), max_size=20),
    seals=st.sampled_from([STANDARD, SM]),
    opens=st.sampled_from([STANDARD, SM]),
)
def test_a_switch_of_the_suite_leaves_all_data_readable(
    data: bytes, label: str, seals: str, opens: str
) -> None:
    assert data == BOTH[opens].open(BOTH[seals].seal(data, label), label)


def test_what_release_0_1_sealed_opens() -> None:
    nonce = os.urandom(12)
    old = b"Y1" + nonce + AESGCM(KEYS[0]).encrypt(nonce, SECRET, b"person/a")

    for vault in BOTH.values():
        assert SECRET == vault.open(old, "person/a")
        with pytest.raises(VaultError, match="person/b"):
            vault.open(old, "person/b")


@pytest.mark.parametrize("suite", BOTH)
def test_no_byte_can_be_changed_cut_or_added_and_no_label(suite: str) -> None:
    vault = BOTH[suite]
    sealed = vault.seal(SECRET, "a")
    for at in range(len(sealed)):
        changed = bytearray(sealed)
        changed[at] ^= 0x40
        for wrong in (bytes(changed), sealed[:at], sealed + sealed[:at] + b"\x00"):
            with pytest.raises(VaultError):
                vault.open(wrong, "a")
    with pytest.raises(VaultError):
        vault.open(sealed, "b")


def test_a_blob_of_one_suite_is_none_of_the_other() -> None:
    for mine, other in ((STANDARD, SM), (SM, STANDARD)):
        sealed, form = BOTH[mine].seal(SECRET, "a"), BOTH[other].seal(b"", "a")[:6]
        with pytest.raises(VaultError):
            BOTH[mine].open(form + sealed[6:], "a")


@pytest.mark.parametrize("suite", BOTH)
def test_another_devices_blob_is_told_as_such(suite: str, tmp_path: Path) -> None:
    one, two = (open_vault(tmp_path / f"{n}.key", suite=suite) for n in "12")

    with pytest.raises(VaultError, match="a: sealed under another key"):
        two.open(one.seal(SECRET, "a"), "a")


@pytest.mark.parametrize("suite", BOTH)
def test_blobs_name_their_key_and_hide_the_rest(suite: str) -> None:
    once, again = BOTH[suite].seal(SECRET, "a"), BOTH[suite].seal(SECRET, "a")

    assert once[:6] == again[:6]
    assert once[6:] != again[6:]
    assert SECRET not in once


def test_the_suite_changes_no_digest_and_no_signing_key(tmp_path: Path) -> None:
    standard = open_vault(tmp_path / "device.key")
    sm = open_vault(tmp_path / "device.key", suite=SM)

    assert replace(sm, suite=STANDARD) == standard
    assert standard.digest("id", "1") == sm.digest("id", "1")
    assert 5 == len({sm.sign_seed, sm.reply_seed, sm.seal_seed, sm._data_key, sm._digest_key})


def test_a_file_made_once_stays_what_it_was(tmp_path: Path) -> None:
    create_once(tmp_path / "pair.key", b"one")
    create_once(tmp_path / "pair.key", b"two")

    assert b"one" == (tmp_path / "pair.key").read_bytes()
    assert ["pair.key"] == [path.name for path in tmp_path.iterdir()]
