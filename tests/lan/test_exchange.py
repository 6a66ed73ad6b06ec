"""The bytes of LAN mode: golden vectors the daemon and the library share; every bit counts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cffi
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from harness import ROOT, require
from hypothesis import given
from hypothesis import strategies as st
from lan_bed import SIGNER, Peer, request

from yibao_face.daemon.lan.exchange import (
    ID_BYTES,
    LanError,
    frame_length,
    read_hello,
    seal,
    unseal,
    welcome,
)
from yibao_face.daemon.lan.message import CALL_BYTES
from yibao_face.daemon.trust.signature import Ed25519Signer
from yibao_face.shim import build
from yibao_face.shim.source import monocypher

GOLDEN: dict[str, bytes] = {
    name: bytes.fromhex(value)
    for name, value in json.loads((ROOT / "tests/golden/lan.json").read_text("ascii")).items()
}
_CDEF = """
struct hcf_setting {
    uint8_t host[4]; uint16_t port; int verify, lan; uint8_t key[32], caller[8], secret[32];
};
void hcf_lan_hello(const struct hcf_setting *, const uint8_t *seed, uint8_t *hello);
int hcf_lan_keys(const struct hcf_setting *, const uint8_t *seed, const uint8_t *hello,
                 const uint8_t *welcome, uint8_t *keys);
void hcf_lan_seal(const uint8_t *key, uint8_t *text, size_t length);
int hcf_lan_open(const uint8_t *key, uint8_t *sealed, size_t length);
size_t hcf_lan_length(const uint8_t *bytes, size_t most);
"""


def golden_peer() -> Peer:
    key = Ed25519Signer(GOLDEN["key_seed"]).public_key()
    return Peer(GOLDEN["caller"].hex(), GOLDEN["secret"], key)


class Inside:
    """The library's functions behind its two: the same sources, nothing hidden."""

    def __init__(self, folder: Path) -> None:
        sources = [
            build.ROOM / "src" / f"{name}.c" for name in ("proof", "sha512", "reply", "text")
        ]
        library = folder / "inside.so"
        includes = [f"-I{build.ROOM / 'src'}", f"-I{monocypher(build.CACHE)}"]
        command = [require("gcc"), "-std=c99", "-O1", "-shared", "-fPIC", "-DHCF_BUILD", *includes]
        subprocess.run([*command, *map(str, sources), "-o", str(library)], check=True)
        self.ffi = cffi.FFI()
        self.ffi.cdef(_CDEF)
        self.c: Any = self.ffi.dlopen(str(library))

    def setting(self, peer: Peer) -> Any:
        made: Any = self.ffi.new("struct hcf_setting *")
        made.key, made.secret = peer.key, peer.secret
        made.caller = bytes.fromhex(peer.caller)
        return made

    def hello(self, peer: Peer, seed: bytes) -> bytes:
        out = self.ffi.new("uint8_t[76]")
        self.c.hcf_lan_hello(self.setting(peer), seed, out)
        return bytes(out)

    def keys(self, peer: Peer, seed: bytes, hello: bytes, said: bytes) -> bytes | None:
        out = self.ffi.new("uint8_t[64]")
        found = self.c.hcf_lan_keys(self.setting(peer), seed, hello, said, out)
        return bytes(out) if found else None

    def seal(self, key: bytes, text: bytes) -> bytes:
        room = self.ffi.new(f"uint8_t[{len(text) + 16}]", text)
        self.c.hcf_lan_seal(key, room, len(text))
        return bytes(room)

    def open(self, key: bytes, sealed: bytes) -> bytes | None:
        room = self.ffi.new(f"uint8_t[{len(sealed) or 1}]", sealed)
        found = self.c.hcf_lan_open(key, room, len(sealed))
        return bytes(room)[: len(sealed) - 16] if found else None


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory) -> Inside:
    if sys.platform == "win32":
        pytest.skip("the Linux library is built here")
    return Inside(tmp_path_factory.mktemp("inside"))


def test_the_daemon_says_the_golden_bytes() -> None:
    hello = read_hello(GOLDEN["hello"])
    drawn = X25519PrivateKey.from_private_bytes(GOLDEN["daemon_seed"])
    said, keys = welcome(hello, GOLDEN["secret"], Ed25519Signer(GOLDEN["key_seed"]), drawn)

    assert hello.is_of(GOLDEN["secret"])
    assert GOLDEN["caller"].hex() == hello.caller
    assert GOLDEN["welcome"] == said
    assert (GOLDEN["call_key"], GOLDEN["reply_key"]) == (keys.call, keys.reply)
    assert GOLDEN["call"] == unseal(keys.call, GOLDEN["call_frame"][4:])
    assert GOLDEN["reply_frame"] == seal(keys.reply, GOLDEN["reply"])


def test_the_library_says_the_golden_bytes(inside: Inside) -> None:
    peer, seed = golden_peer(), GOLDEN["caller_seed"]
    keys = inside.keys(peer, seed, GOLDEN["hello"], GOLDEN["welcome"])

    assert GOLDEN["hello"] == inside.hello(peer, seed)
    assert GOLDEN["call_key"] + GOLDEN["reply_key"] == keys
    assert GOLDEN["call_frame"][4:] == inside.seal(GOLDEN["call_key"], GOLDEN["call"])
    assert GOLDEN["reply"] == inside.open(GOLDEN["reply_key"], GOLDEN["reply_frame"][4:])


def test_the_bed_says_them_too() -> None:
    peer, drawn = golden_peer(), X25519PrivateKey.from_private_bytes(GOLDEN["caller_seed"])

    assert GOLDEN["hello"] == peer.hello(drawn)
    keys = peer.keys(drawn, GOLDEN["hello"], GOLDEN["welcome"])
    assert (GOLDEN["call_key"], GOLDEN["reply_key"]) == keys


@pytest.mark.parametrize("bit", range(0, 800, 7))
def test_the_library_takes_no_welcome_with_another_bit(inside: Inside, bit: int) -> None:
    said = bytearray(GOLDEN["welcome"])
    said[bit // 8] ^= 1 << bit % 8
    found = inside.keys(golden_peer(), GOLDEN["caller_seed"], GOLDEN["hello"], bytes(said))

    assert found is None


def test_the_library_takes_no_welcome_to_another_hello(inside: Inside) -> None:
    other = bytearray(GOLDEN["hello"])
    other[75] ^= 1
    seed = GOLDEN["caller_seed"]

    assert inside.keys(golden_peer(), seed, bytes(other), GOLDEN["welcome"]) is None


def test_a_public_key_of_low_order_is_no_secret(inside: Inside) -> None:
    """Signed by the pinned daemon itself, or sent by a caller."""
    said = b"YBL1" + bytes(32)
    stated = b"yibao-face lan daemon v1\n" + GOLDEN["hello"] + said
    whole = said + Ed25519Signer(GOLDEN["key_seed"]).sign(stated)
    assert inside.keys(golden_peer(), GOLDEN["caller_seed"], GOLDEN["hello"], whole) is None

    hello = read_hello(b"YBL1" + bytes(ID_BYTES) + bytes(32) + bytes(32))
    with pytest.raises(LanError, match="garbage"):
        welcome(hello, bytes(32), SIGNER, X25519PrivateKey.generate())


@given(key=st.binary(min_size=32, max_size=32), text=st.binary(min_size=1, max_size=300))
def test_what_either_side_seals_the_other_opens(inside: Inside, key: bytes, text: bytes) -> None:
    assert text == unseal(key, inside.seal(key, text))
    assert text == inside.open(key, seal(key, text)[4:])


@given(key=st.binary(min_size=32, max_size=32), sealed=st.binary(max_size=100))
def test_nothing_else_opens(inside: Inside, key: bytes, sealed: bytes) -> None:
    assert inside.open(key, sealed) is None
    with pytest.raises(LanError):
        unseal(key, sealed)


@given(raw=st.binary(min_size=4, max_size=4), most=st.integers(0, 70_000))
def test_both_sides_agree_on_a_length(inside: Inside, raw: bytes, most: int) -> None:
    found = inside.c.hcf_lan_length(raw, most)
    try:
        assert frame_length(raw, most) == found
    except LanError:
        assert 0 == found


@given(st.binary(max_size=200))
def test_any_hello_is_one_or_refused(raw: bytes) -> None:
    try:
        assert not read_hello(raw).is_of(bytes(32))
    except LanError:
        return


def test_the_longest_call_of_the_library_fits_a_frame() -> None:
    """The library cuts an input at one byte more than the daemon takes."""
    text = request(b"x" * 65_537, path="/stdcashFaceAuth")

    assert len(text) + 16 <= CALL_BYTES
