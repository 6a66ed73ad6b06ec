"""SM2 signatures are those of GB/T 32918, told apart from all else, by two implementations."""

from __future__ import annotations

import importlib.util
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from harness import lacking
from hypothesis import given, settings
from hypothesis import strategies as st

from yibao_face.daemon.trust.certificate import CertificateError, Facts, issue, verify
from yibao_face.daemon.trust.document import (
    DocumentError,
    TamperedError,
    keys_text,
    open_document,
    parse_keys,
    sign_document,
)
from yibao_face.daemon.trust.signature import (
    BadKeyError,
    BadSignatureError,
    Ed25519Signer,
    Sm2Signer,
    has_sm2,
    new_sm2_pair,
    verifier,
)

# GB/T 32918.5, A.2: key pair, "message digest", default signer id.
PRIVATE = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"
PUBLIC = (
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
R = "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
S = "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
PAIR = bytes.fromhex(PRIVATE + PUBLIC)
PAYLOAD = '{"a":1}'


@pytest.fixture(autouse=True)
def needs_library() -> None:
    """The extra ``sm``."""
    if not has_sm2():
        lacking("gmssl-pyx")


def der(r: str, s: str) -> bytes:
    return encode_dss_signature(int(r, 16), int(s, 16))


def halves(signature: bytes) -> str:
    """r and s of a DER signature, as 128 hex digits."""
    r, s = decode_dss_signature(signature)
    return f"{r:064x}{s:064x}"


def test_the_signature_of_the_standard_is_accepted() -> None:
    known = verifier("sm2", bytes.fromhex(PUBLIC))

    known.verify(der(R, S), b"message digest")
    for signature, data in (
        (der(R, S), b"message digesT"),
        (der(S, R), b"message digest"),
        (b"", b"message digest"),
        (der(R, S)[:-1], b"message digest"),
        (b"\x30\x00", b"message digest"),
    ):
        with pytest.raises(BadSignatureError):
            known.verify(signature, data)


@settings(deadline=None, max_examples=25)
@given(data=st.binary(max_size=300))
def test_both_implementations_accept_what_the_other_signed(data: bytes) -> None:
    if importlib.util.find_spec("gmssl") is None:
        lacking("gmssl")
    from gmssl.sm2 import CryptSM2  # noqa: PLC0415  # pyright: ignore[reportMissingTypeStubs,reportUnknownVariableType]  # an oracle of tests

    signer = Sm2Signer(PAIR)
    oracle: Any = CryptSM2(private_key=PRIVATE, public_key=PUBLIC)

    assert oracle.verify_with_sm3(halves(signer.sign(data)), data)
    theirs = oracle.sign_with_sm3(data)
    verifier("sm2", signer.public_key()).verify(der(theirs[:64], theirs[64:]), data)


@settings(deadline=None, max_examples=50)
@given(at=st.integers(0, 200), bit=st.integers(0, 7), data=st.binary(min_size=1, max_size=40))
def test_no_bit_of_signature_or_content_can_be_changed(at: int, bit: int, data: bytes) -> None:
    signer = Sm2Signer(PAIR)
    known = verifier("sm2", signer.public_key())
    signature = signer.sign(data)
    for part, other in ((signature, data), (data, signature)):
        changed = bytearray(part)
        changed[at % len(part)] ^= 1 << bit
        given = (bytes(changed), other) if part is signature else (other, bytes(changed))
        with pytest.raises(BadSignatureError):
            known.verify(*given)


@pytest.mark.parametrize(
    "pair",
    [
        b"",
        PAIR[:-1],
        PAIR + b"\x00",
        bytes(96),
        PAIR[:32] + bytes(64),
        PAIR[:32] + PAIR[32:64] + PAIR[32:64],
        bytes(31) + b"\x01" + PAIR[32:],
        b"\xff" * 32 + PAIR[32:],
    ],
)
def test_what_is_no_key_pair_signs_nothing(pair: bytes) -> None:
    with pytest.raises(BadKeyError):
        Sm2Signer(pair)


@pytest.mark.parametrize("key", [b"", bytes(32), bytes(64), PAIR[32:-1], b"\x04" + PAIR[32:]])
def test_what_is_no_public_key_verifies_nothing(key: bytes) -> None:
    with pytest.raises(BadKeyError):
        verifier("sm2", key)


def test_new_pairs_are_pairs_and_never_the_same() -> None:
    pairs = {new_sm2_pair() for _ in range(5)}

    assert 5 == len({Sm2Signer(pair).key_id for pair in pairs})


def test_a_signer_shows_no_private_key() -> None:
    assert PRIVATE not in repr(Sm2Signer(PAIR))


def test_documents_of_both_algorithms_open_with_one_file_of_keys() -> None:
    sm2, ed = Sm2Signer(PAIR), Ed25519Signer(bytes(32))
    keys = parse_keys(keys_text([sm2, ed]).encode())
    for signer in (sm2, ed):
        made = sign_document("policy", 1, PAYLOAD, signer)
        found = open_document(made, "policy", keys)
        assert ({"a": 1}, signer.key_id) == (found.payload, found.key_id)
        for at in range(0, len(made), 7):
            changed = bytearray(made)
            changed[at] ^= 1
            with pytest.raises(DocumentError):
                open_document(bytes(changed), "policy", keys)


def test_a_key_cannot_be_used_under_the_other_algorithm() -> None:
    made = json.loads(sign_document("policy", 1, PAYLOAD, Ed25519Signer(bytes(32))))
    forged = json.dumps({**made, "algorithm": "sm2"}, separators=(",", ":")).encode()

    with pytest.raises(TamperedError, match="another algorithm"):
        open_document(forged, "policy", parse_keys(keys_text([Ed25519Signer(bytes(32))]).encode()))


def test_a_certificate_is_verified_offline_and_no_fact_can_be_changed() -> None:
    signer = Sm2Signer(PAIR)
    facts = Facts("H", "D1", "p", 1, 1, "matched-self", "", 1_796_056_200_000, demo=False)
    made = issue("019374c0-1111-7222-8333-444444444444", facts, signer)

    assert (made.no, facts) == verify(made.text, {signer.key_id: signer.public_key()})
    assert len(made.no) <= 30
    with pytest.raises(CertificateError, match="does not fit"):
        verify(made.text.replace("D1", "D2"), {signer.key_id: signer.public_key()})
