"""What travels on the bus, and how its servers are named: read as sent, or refused."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from center_bed import DEVICE, INSTITUTION, envelope, run_of
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.sync.center.api import Caller, CenterError, Limits
from yibao_face.sync.center.bus.address import read_address
from yibao_face.sync.center.bus.api import BusError
from yibao_face.sync.center.bus.parcel import Parcel, opened, packed
from yibao_face.sync.center.ingest.batch import read_batch
from yibao_face.sync.center.ingest.record import read_record

LIMITS = Limits()
CALLER = Caller(DEVICE, INSTITUTION, "1f", 2_000_000_000_000)


def parcel(records: list[Any], **changed: Any) -> Parcel:
    batch = read_batch(envelope(records, **changed), 200)
    incoming = [read_record(one, 3, INSTITUTION) for one in records]
    return Parcel(CALLER, 1_795_305_600_000, batch, incoming)


def test_a_parcel_arrives_as_it_was_sent() -> None:
    [one] = run_of(1, 1)
    sent = parcel([{**one, "lux": 310, "half": "\ud800", "big": 1e300}])

    assert sent == opened(packed(sent), LIMITS)
    assert packed(sent) == packed(sent)


def test_the_id_of_a_parcel_is_that_of_its_records_and_head() -> None:
    one, two = run_of(1, 2)
    base = parcel([one])

    assert base.id == parcel([one], sent_ms=5).id
    assert base.id != parcel([two]).id
    assert base.id != parcel([one, two]).id
    assert base.id != parcel([one], head={"seq": 2, "hash": two["hash"]}).id
    assert base.id != parcel([one], boot_id="boot-2").id
    assert parcel([], sent_ms=5).id != parcel([], sent_ms=6).id


def test_halves_are_the_whole() -> None:
    sent = parcel(run_of(1, 5))
    first, second = sent.halves()

    assert [2, 3] == [len(first.incoming), len(second.incoming)]
    assert sent.batch.records == first.batch.records + second.batch.records
    assert first == opened(packed(first), LIMITS)


@given(st.binary() | st.text().map(lambda t: gzip.compress(t.encode("utf-8", "ignore"))))
def test_any_message_is_read_or_refused(data: bytes) -> None:
    with pytest.raises(CenterError):
        opened(data, LIMITS)


@given(
    st.dictionaries(
        st.sampled_from(["form", "caller", "now_ms", "batch"]),
        st.none()
        | st.integers()
        | st.text()
        | st.lists(st.integers())
        | st.builds(dict[str, Any]),
    )
)
def test_any_object_is_read_or_refused(body: dict[str, Any]) -> None:
    with pytest.raises(CenterError):
        opened(gzip.compress(json.dumps({"form": 1, **body}).encode()), LIMITS)


def test_three_servers_keep_three_copies() -> None:
    assert 3 == read_address("nats://a,b:1,c").replicas
    assert 1 == read_address("nats://a,b").replicas
    assert 3 == read_address("nats://one-name?replicas=3").replicas
    assert ("nats://me:pw@a:1", "nats://me:pw@b") == read_address("nats://me:pw@a:1,b").servers
    assert "pw" not in repr(read_address("nats://me:pw@a"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nats://",
        "nats://a,",
        "http://a",
        "nats://a?x",
        "nats://a?replicas=2",
        "nats://a?ca=x",
        "nats://a?password=very-secret",
        "tls://a?ca=/nowhere",
        "tls://a?cert=/nowhere",
    ],
)
def test_an_address_nobody_can_use_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(BusError, match=r"^bus: ") as told:
        read_address(url)
    assert "very-secret" not in str(told.value)


@given(st.text())
def test_any_address_is_read_or_refused(url: str) -> None:
    for told in (url, f"nats://{url}"):
        try:
            read_address(told)
        except BusError as exc:
            assert str(exc).startswith("bus: ")
