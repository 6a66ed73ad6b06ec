"""A document opens only as the centre signed it: no byte, key, kind or algorithm may differ."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yibao_face.daemon.trust.document import (
    MAX_DOCUMENT_BYTES,
    AlgorithmError,
    CentreKeys,
    Document,
    DocumentError,
    KeysError,
    TamperedError,
    UnknownKeyError,
    UnsignedError,
    WrongKindError,
    keys_text,
    load_keys,
    open_document,
    parse_keys,
    sign_document,
    strict_json,
)
from yibao_face.daemon.trust.signature import (
    BadKeyError,
    BadSignatureError,
    Ed25519Signer,
    UnavailableAlgorithmError,
    UnknownAlgorithmError,
    key_id_of,
    verifier,
)

CENTRE, STRANGER = Ed25519Signer(bytes(range(32))), Ed25519Signer(bytes(32))
KEYS: CentreKeys = parse_keys(keys_text([CENTRE]).encode())
PAYLOAD = '{"title":"策略","limit":100.50}'
SIGNED = sign_document("policy", 7, PAYLOAD, CENTRE)


def changed(**values: Any) -> bytes:
    """The envelope with other values, in the one form; without those that are ``None``."""
    body = {**json.loads(SIGNED), **values}
    kept = {key: value for key, value in body.items() if value is not None}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()


def test_a_signed_document_opens_with_its_payload() -> None:
    expected = Document(
        "policy",
        7,
        {"title": "策略", "limit": Decimal("100.50")},
        hashlib.sha256(SIGNED).hexdigest(),
    )

    assert expected == open_document(SIGNED, "policy", KEYS)


def test_the_envelope_is_the_documented_one() -> None:
    body = json.loads(SIGNED)

    message = b'yibao-face document v1\npolicy\n7\n{"title":"\xe7\xad\x96\xe7\x95\xa5",'
    message += b'"limit":100.50}'
    assert ["kind", "version", "payload", "key_id", "algorithm", "signature"] == list(body)
    assert "ed25519" == body["algorithm"]
    assert hashlib.sha256(CENTRE.public_key()).hexdigest()[:16] == body["key_id"]
    assert base64.b64encode(CENTRE.sign(message)).decode() == body["signature"]


def test_no_single_byte_can_be_changed_to_any_other() -> None:
    for at in range(len(SIGNED)):
        for bit in range(8):
            other = bytearray(SIGNED)
            other[at] ^= 1 << bit
            with pytest.raises(DocumentError):
                open_document(bytes(other), "policy", KEYS)


@settings(max_examples=500, deadline=None)
@given(st.integers(0, len(SIGNED) - 1), st.integers(0, 255))
def test_no_byte_can_take_another_value(at: int, value: int) -> None:
    other = SIGNED[:at] + bytes([value]) + SIGNED[at + 1 :]

    if other != SIGNED:
        with pytest.raises(DocumentError):
            open_document(other, "policy", KEYS)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode()))
def test_whatever_bytes_are_given_are_no_document(data: bytes) -> None:
    with pytest.raises(DocumentError):
        open_document(data, "policy", KEYS)


@pytest.mark.parametrize("cut", [0, 1, 50, len(SIGNED) - 1])
def test_a_part_of_a_document_is_refused(cut: int) -> None:
    with pytest.raises(DocumentError):
        open_document(SIGNED[:cut], "policy", KEYS)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (PAYLOAD.encode(), UnsignedError),
        (changed(signature=None), UnsignedError),
        (changed(signature=""), UnsignedError),
        (changed(key_id=None), UnsignedError),
        (changed(algorithm=""), UnsignedError),
        (changed(payload='{"limit":100.51}'), TamperedError),
        (changed(version=8), TamperedError),
        (changed(kind="round-task"), TamperedError),
        (changed(signature="AAAA"), TamperedError),
        (changed(signature="not base64!"), TamperedError),
        (changed(signature="签名"), TamperedError),
        (SIGNED + b"\n", TamperedError),
        (json.dumps(json.loads(SIGNED), ensure_ascii=False).encode(), TamperedError),
        (json.dumps(json.loads(SIGNED), separators=(",", ":")).encode(), TamperedError),
        (SIGNED[:-1] + b',"version":8}', DocumentError),
        (b"[]", DocumentError),
        (changed(algorithm="none"), TamperedError),
        (changed(key_id=STRANGER.key_id), UnknownKeyError),
        (sign_document("policy", 7, PAYLOAD, STRANGER), UnknownKeyError),
        (sign_document("round-task", 7, PAYLOAD, CENTRE), WrongKindError),
        (changed(extra=1), DocumentError),
        (changed(payload=None), DocumentError),
        (changed(payload=7), DocumentError),
        (changed(version="7"), DocumentError),
        (changed(version=True), DocumentError),
        (changed(version=0), DocumentError),
        (changed(kind="policy\n7"), DocumentError),
        (b" " * (MAX_DOCUMENT_BYTES + 1), DocumentError),
        (b"[" * 100_000, DocumentError),
        (b"\xff", DocumentError),
    ],
)
def test_what_is_not_as_it_was_signed_is_refused(data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error) as refused:
        open_document(data, "policy", KEYS)

    assert error is refused.type


def test_half_a_surrogate_pair_is_refused_on_both_sides() -> None:
    escaped = SIGNED.replace("策".encode(), b"\\ud800")

    with pytest.raises(TamperedError):
        open_document(escaped, "policy", KEYS)
    with pytest.raises(DocumentError, match="surrogate"):
        sign_document("policy", 7, '"\ud800"', CENTRE)


@pytest.mark.parametrize(
    "payload",
    ["", "{", '{"a":1,"a":2}', "NaN", "-Infinity", "[" * 50_000, "9" * 5000, "1e" + "9" * 30],
)
def test_a_payload_that_can_be_read_in_two_ways_is_never_signed(payload: str) -> None:
    with pytest.raises(DocumentError):
        strict_json(payload)
    with pytest.raises(DocumentError):
        sign_document("policy", 1, payload, CENTRE)


@pytest.mark.parametrize(("kind", "version"), [("policy", 0), ("Policy", 1), ("a\nb", 1), ("", 1)])
def test_a_kind_or_version_out_of_range_is_never_signed(kind: str, version: int) -> None:
    with pytest.raises(DocumentError, match="kind or version"):
        sign_document(kind, version, "{}", CENTRE)


def test_a_document_that_is_too_long_is_never_signed() -> None:
    with pytest.raises(DocumentError, match="longer"):
        sign_document("policy", 1, json.dumps("a" * MAX_DOCUMENT_BYTES), CENTRE)


def test_of_two_keys_of_the_centre_each_opens_its_own() -> None:
    keys = parse_keys(keys_text([CENTRE, STRANGER]).encode())

    assert {7, 8} == {
        open_document(sign_document("policy", version, PAYLOAD, signer), "policy", keys).version
        for version, signer in ((7, CENTRE), (8, STRANGER))
    }


def test_without_a_file_of_keys_no_document_opens(tmp_path: Path) -> None:
    keys = load_keys(tmp_path / "centre-keys.json")

    assert {} == keys
    with pytest.raises(UnknownKeyError):
        open_document(SIGNED, "policy", keys)


def test_the_keys_are_read_from_their_file(tmp_path: Path) -> None:
    (tmp_path / "centre-keys.json").write_text(keys_text([CENTRE]), "utf-8")

    assert KEYS == load_keys(tmp_path / "centre-keys.json")


def test_a_folder_in_place_of_the_keys_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeysError, match="cannot be read"):
        load_keys(tmp_path)


def entry(algorithm: Any, public_key: Any) -> dict[str, Any]:
    return {"algorithm": algorithm, "public_key": public_key}


RAW = base64.b64encode(CENTRE.public_key()).decode()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ([], "JSON object"),
        ({CENTRE.key_id: "key"}, "algorithm and public_key"),
        ({CENTRE.key_id: {**entry("ed25519", RAW), "note": ""}}, "nothing else"),
        ({CENTRE.key_id: entry("ed25519", "AAAA")}, "no ed25519 public key"),
        ({CENTRE.key_id: entry("ed25519", "??")}, CENTRE.key_id),
        ({CENTRE.key_id: entry("rsa", RAW)}, "no such signature algorithm"),
        ({STRANGER.key_id: entry("ed25519", RAW)}, "not named after"),
        ({f"{n}": entry("ed25519", RAW) for n in range(101)}, "more than 100"),
    ],
)
def test_keys_that_cannot_be_used_are_an_error(body: Any, says: str) -> None:
    with pytest.raises(KeysError, match=says):
        parse_keys(json.dumps(body).encode())


def test_the_signature_is_that_of_rfc_8032() -> None:
    seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    signature = (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    signer = Ed25519Signer(bytes.fromhex(seed))

    assert (public, signature) == (signer.public_key().hex(), signer.sign(b"").hex())
    assert (key_id_of(bytes.fromhex(public)), "ed25519") == (signer.key_id, signer.algorithm)


def test_a_verifier_accepts_its_own_key_and_content_only() -> None:
    known = verifier("ed25519", CENTRE.public_key())
    signature = CENTRE.sign(b"content")

    known.verify(signature, b"content")
    for bad, data in (
        (signature, b"Content"),
        (STRANGER.sign(b"content"), b"content"),
        (b"", b""),
    ):
        with pytest.raises(BadSignatureError):
            known.verify(bad, data)


def test_without_its_library_sm2_is_named_as_missing_and_not_imitated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As on a machine without the extra: an import of it fails.
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
    with pytest.raises(UnavailableAlgorithmError, match="sm2 is not available"):
        verifier("sm2", CENTRE.public_key())
    with pytest.raises(AlgorithmError, match="nothing here can verify"):
        open_document(changed(algorithm="sm2"), "policy", KEYS)
    with pytest.raises(KeysError, match="sm2 is not available"):
        parse_keys(json.dumps({CENTRE.key_id: entry("sm2", RAW)}).encode())


def test_no_other_algorithm_is_known() -> None:
    with pytest.raises(UnknownAlgorithmError):
        verifier("sm3", CENTRE.public_key())


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(BadKeyError):
        Ed25519Signer(bytes(length))
    with pytest.raises(BadKeyError):
        verifier("ed25519", bytes(length))


def test_a_signer_never_shows_its_seed() -> None:
    assert bytes(range(32)).hex() not in repr(CENTRE)
