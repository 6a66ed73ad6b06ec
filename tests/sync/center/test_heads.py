"""The device's signed word on the end of its chain: believed, or told of, never taken on trust."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from center_bed import (
    AT_MS,
    DEVICE,
    SIGNER,
    Site,
    head,
    keys_of,
    request_pem,
    run_of,
    statuses,
)
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from yibao_face.daemon.trust.signature import Ed25519Signer
from yibao_face.sync.center.api import RefusedError
from yibao_face.sync.center.device.key import DeviceKeys, genuine, read_keys
from yibao_face.sync.center.ingest.head import Head, Word, word_of
from yibao_face.sync.center.store.database import rows
from yibao_face.sync.center.store.tables import DEVICE_KEY, PROGRESS

OTHER = Ed25519Signer(b"o" * 32)
KEYS = DeviceKeys(SIGNER.public_key(), bytes(range(32)))


def progress(site: Site) -> dict[str, Any]:
    with site.center.database.reading() as db:
        [found] = rows(db, select(PROGRESS))
    return found


def test_keys_are_kept_with_the_device(site: Site) -> None:
    site.signing()

    with site.center.database.reading() as db:
        [found] = rows(db, select(DEVICE_KEY))
    told = {name: found[name] for name in ("sign", "seal")}
    assert (DEVICE, SIGNER.key_id, keys_of(SIGNER)) == (found["device"], found["key_id"], told)
    assert {} == site.alarms()


@pytest.mark.parametrize(
    "keys",
    [
        [],
        {},
        {"sign": "x"},
        {**keys_of(SIGNER), "seal": "AAAA"},
        {**keys_of(SIGNER), "sign": 7},
        {**keys_of(SIGNER), "seal": base64.b64encode(bytes(32)).decode().rstrip("=") + " ="},
    ],
)
def test_keys_that_are_none_are_refused_and_nothing_is_stored(
    embedded: Site, keys: object
) -> None:
    answer, _ = embedded.enrolled(keys)

    assert (422, "keys") == (answer.status, answer.body["error"])
    assert (0, 0) == tuple(embedded.counts()[n] for n in ("device_key", "device_certificate"))


def test_a_key_of_another_machine_is_refused(site: Site) -> None:
    site.signing()

    answer, _ = site.enrolled(keys_of(SIGNER), "counter-2")

    assert (422, "keys") == (answer.status, answer.body["error"])


def test_a_signed_head_is_believed(site: Site) -> None:
    machine, sent = site.signing(), run_of(1, 3)

    assert ["new"] * 3 == statuses(machine.batch(sent, head=head(sent[-1], SIGNER)))

    found = progress(site)
    assert (3, AT_MS, "sha256") == tuple(found[f"head_{n}"] for n in ("seq", "at_ms", "algorithm"))
    assert head(sent[-1], SIGNER)["signature"] == found["head_signature"]
    assert {} == site.alarms()


Told = Callable[[dict[str, Any]], dict[str, Any]]
CASES: list[tuple[Told, str]] = [
    (head, "head-unsigned"),
    (lambda last: {"seq": last["seq"], "hash": last["hash"]}, "head-unsigned"),
    (lambda last: head(last, OTHER), "head-forged"),
    (lambda last: {**head(last, SIGNER), "seq": 999}, "head-forged"),
    (lambda last: {**head(last, SIGNER), "hash": "0" * 64}, "head-forged"),
    (lambda last: {**head(last, SIGNER), "at_ms": AT_MS + 1}, "head-forged"),
    (lambda last: {**head(last, SIGNER), "signature": "AAAA"}, "head-forged"),
    (lambda last: {**head(last, SIGNER), "signature": "A"}, "head-forged"),
]


@pytest.mark.parametrize(("told", "alarm"), CASES)
def test_a_head_that_is_not_signed_by_the_device_moves_nothing_and_loses_nothing(
    site: Site, told: Told, alarm: str
) -> None:
    machine, sent = site.signing(), run_of(1, 5)
    machine.batch(sent[:2], head=head(sent[1], SIGNER))
    before = progress(site)

    assert ["new"] * 3 == statuses(machine.batch(sent[2:], head=told(sent[-1])))

    assert {alarm} == set(site.alarms())
    after = progress(site)
    assert 5 == after["top"]
    heads = [name for name in before if name.startswith("head_")]
    assert {n: before[n] for n in heads} == {n: after[n] for n in heads}


def test_before_the_first_record_there_is_nothing_to_sign(site: Site) -> None:
    site.signing().batch([])

    assert {} == site.alarms()


def test_an_older_head_that_comes_again_does_not_turn_the_chain_back(site: Site) -> None:
    machine, sent = site.signing(), run_of(1, 3)
    machine.batch(sent, head=head(sent[2], SIGNER))

    machine.batch(sent[:1], head=head(sent[0], SIGNER))

    assert 3 == progress(site)["head_seq"]
    assert {} == site.alarms()


def test_a_signed_head_that_is_not_what_is_stored_is_told(site: Site) -> None:
    machine, sent = site.signing(), run_of(1, 3)
    machine.batch(sent, head=head(sent[2], SIGNER))

    machine.batch([], head=head({"seq": 3, "hash": "a" * 64}, SIGNER))

    assert {"head-mismatch": "3"} == site.alarms()


def test_a_machine_may_come_to_another_key_and_that_is_told(site: Site) -> None:
    machine, sent, key = site.signing(), run_of(1, 2), ec.generate_private_key(ec.SECP256R1())
    body = {"csr": request_pem(key), "keys": keys_of(OTHER)}
    answer = machine.plain("/v1/renew", body)
    assert 200 == answer.status
    assert {"sign-key-changed": OTHER.key_id} == site.alarms()

    machine.batch(sent[:1], head=head(sent[0], SIGNER))
    assert "head-forged" in site.alarms()
    machine.batch(sent[1:], head=head(sent[1], OTHER))
    assert 2 == progress(site)["head_seq"]


def test_a_machine_without_keys_works_as_before(site: Site) -> None:
    site.machine().batch(run_of(1, 2))

    assert (2, "") == (progress(site)["head_seq"], progress(site)["head_signature"])
    assert {} == site.alarms()


TEXT = st.text(st.characters(codec="utf-8"), max_size=60)


@given(st.dictionaries(st.sampled_from(["sign", "seal", "x"]), TEXT | st.integers() | st.none()))
def test_any_keys_are_read_or_refused(keys: dict[str, object]) -> None:
    try:
        read_keys({"keys": keys})
    except RefusedError as exc:
        assert (422, "keys") == (exc.status, exc.code)


@given(st.binary(min_size=32, max_size=32).filter(lambda b: b != bytes(32)))
def test_whole_keys_are_read_as_they_are(seal: bytes) -> None:
    given_keys = {**keys_of(SIGNER), "seal": base64.b64encode(seal).decode()}

    assert DeviceKeys(SIGNER.public_key(), seal) == read_keys({"keys": given_keys})


@given(TEXT, st.binary(max_size=40))
def test_no_text_is_a_signature_by_chance(signature: str, data: bytes) -> None:
    assert not genuine(SIGNER.public_key(), signature, data)


@given(st.integers(1, 2**53), st.binary(min_size=32, max_size=32), st.integers(0, 2**53))
def test_a_head_is_genuine_for_what_was_signed_only(seq: int, hash_: bytes, at_ms: int) -> None:
    bare = Head(seq, hash_, at_ms)
    signature = base64.b64encode(SIGNER.sign(bare.statement())).decode()

    assert Word.GENUINE is word_of(Head(seq, hash_, at_ms, signature), KEYS.sign)
    for other in (
        Head(seq + 1, hash_, at_ms, signature),
        Head(seq, hash_[::-1] + b"", at_ms + 1, signature),
        Head(seq, hash_, at_ms, signature, "sm3"),
    ):
        assert Word.FORGED is word_of(other, KEYS.sign)
