"""Who and what is turned away at the door: refused in one form, logged, and nothing is stored."""

from __future__ import annotations

import gzip
import json
import logging
import ssl
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from center_bed import (
    DEVICE,
    INSTITUTION,
    Machine,
    Site,
    envelope,
    record,
    request_pem,
    run_of,
    running,
    statuses,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from yibao_face.sync.center.api import Limits, unix_ms
from yibao_face.sync.center.device.authority import (
    Authority,
    device_uri,
    make_authority,
    read_request,
)

Envelope = dict[str, Any]


def refused(site: Site, machine: Machine, body: object, status: int, code: str) -> None:
    """Refused with this status and word, and every table as it was."""
    before = site.counts()
    answer = machine.post("/v1/batch", body)

    assert (status, code) == (answer.status, answer.body["error"])
    assert before == site.counts()


def self_made(**changed: Any) -> tuple[str, ec.EllipticCurvePrivateKey]:
    """A certificate that names the right machine, signed by nobody we know."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, DEVICE),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, INSTITUTION),
        ]
    )
    uri = x509.UniformResourceIdentifier(device_uri(DEVICE, INSTITUTION))
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([uri]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode(), key


def turned_away_by_tls(site: Site, machine: Machine) -> None:
    before = site.counts()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        machine.batch(run_of(1, 1))
    assert before == site.counts()


def test_without_a_certificate_nothing_but_enrolment_is_open(embedded: Site) -> None:
    stranger = embedded.stranger()

    refused(embedded, stranger, envelope(run_of(1, 1)), 401, "no-certificate")
    assert 401 == stranger.call("GET", "/v1/pull").status
    assert 401 == stranger.call("PUT", f"/v1/evidence/{'0' * 64}", b"x").status
    assert 401 == stranger.call("GET", "/").status
    assert 401 == stranger.plain("/v1/renew", {}).status
    assert 403 == stranger.plain("/v1/enrol", {"code": "X", "csr": fresh_csr()}).status


def fresh_csr() -> str:
    return request_pem(ec.generate_private_key(ec.SECP256R1()))


def test_an_expired_certificate_is_turned_away(embedded: Site) -> None:
    issued, key = embedded.issue(days=0)

    turned_away_by_tls(embedded, embedded.with_certificate(issued.pem, key))


def test_a_certificate_that_expires_on_an_open_connection_is_refused(tmp_path: Path) -> None:
    clock = [unix_ms()]
    with running(tmp_path, clock=lambda: clock[0]) as site:
        machine = site.machine()
        assert ["new"] == statuses(machine.batch(run_of(1, 1)))
        clock[0] += 31 * 24 * 3600_000

        refused(site, machine, envelope(run_of(2, 2)), 403, "expired")


def test_a_certificate_of_a_foreign_authority_is_turned_away(
    embedded: Site, tmp_path: Path
) -> None:
    make_authority(tmp_path / "foreign", ["localhost"])
    key = ec.generate_private_key(ec.SECP256R1())
    foreign = Authority(tmp_path / "foreign").device_certificate(
        read_request(request_pem(key)), DEVICE, INSTITUTION
    )

    turned_away_by_tls(embedded, embedded.with_certificate(foreign.pem, key))
    turned_away_by_tls(embedded, embedded.with_certificate(*self_made()))


def test_a_certificate_of_ours_that_is_on_no_list_is_refused(embedded: Site) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    request = read_request(request_pem(key))
    made = embedded.center.authority.device_certificate(request, DEVICE, INSTITUTION)
    machine = embedded.with_certificate(made.pem, key)

    refused(embedded, machine, envelope(run_of(1, 1)), 403, "unknown-certificate")


def test_a_revoked_certificate_is_refused_at_the_next_request(site: Site) -> None:
    machine = site.machine()
    assert ["new"] == statuses(machine.batch(run_of(1, 1)))
    assert 1 == site.center.devices.revoke(DEVICE, "operator", unix_ms())

    refused(site, machine, envelope(run_of(2, 2)), 403, "revoked")
    assert 1 == len(site.center.devices.revoked_serials())


def test_the_servers_own_certificate_is_no_devices(embedded: Site) -> None:
    context = ssl.create_default_context(cafile=str(embedded.folder / "ca.pem"))
    context.load_cert_chain(embedded.folder / "server.pem", embedded.folder / "server-key.pem")

    turned_away_by_tls(embedded, Machine(embedded.port, context))


def test_another_machine_or_institution_than_the_certificates_is_refused(embedded: Site) -> None:
    machine = embedded.machine()

    other = envelope(run_of(1, 1), device="counter-2")
    refused(embedded, machine, other, 403, "wrong-device")
    elsewhere = envelope(run_of(1, 1), institution="P99999999999")
    refused(embedded, machine, elsewhere, 403, "wrong-institution")
    assert ["new"] == statuses(machine.batch(run_of(1, 1), institution=INSTITUTION))


CHANGES: list[tuple[Envelope, int, str]] = [
    ({"schema": 2}, 422, "schema"),
    ({"schema": 4}, 422, "schema"),
    ({"schema": True}, 422, "field"),
    ({"device": "a'; DROP TABLE record; --"}, 422, "field"),
    ({"boot_id": "'; DROP TABLE record; --"}, 422, "field"),
    ({"institution": "' OR 1=1"}, 422, "field"),
    ({"sent_ms": "1"}, 422, "field"),
    ({"sent_ms": 2**60}, 422, "field"),
    ({"seq_from": 0}, 422, "field"),
    ({"head": []}, 422, "field"),
    ({"head": {"seq": 1}}, 422, "field"),
    ({"head": {"seq": 1, "hash": "0" * 64, "at_ms": -1}}, 422, "field"),
    ({"head": {"seq": 1, "hash": "0" * 64, "signature": "A" * 129}}, 422, "field"),
    ({"head": {"seq": 1, "hash": "0" * 64, "signature": "'; --"}}, 422, "field"),
    ({"algorithm": "md5"}, 422, "field"),
    ({"algorithm": ["sha256"]}, 422, "field"),
    ({"head": {"seq": 1, "hash": "'--"}}, 422, "field"),
    ({"records": {}}, 422, "field"),
    ({"records": [{}] * 201}, 413, "too-many"),
]


@pytest.mark.parametrize(("change", "status", "code"), CHANGES)
def test_an_envelope_that_is_not_as_agreed_is_refused(
    embedded: Site, change: Envelope, status: int, code: str
) -> None:
    body: Envelope = {**envelope(run_of(1, 1)), **change}

    refused(embedded, embedded.machine(), body, status, code)


@pytest.mark.parametrize("name", ["schema", "device", "boot_id", "sent_ms", "head", "records"])
def test_an_envelope_without_a_field_is_refused(embedded: Site, name: str) -> None:
    body = envelope(run_of(1, 1))
    del body[name]

    refused(embedded, embedded.machine(), body, 422, "field")


def packed(make: Callable[[], bytes]) -> bytes:
    return gzip.compress(make(), 9)


@pytest.mark.parametrize(
    ("body", "encoding", "status", "code"),
    [
        pytest.param(b"", "", 400, "json", id="empty"),
        pytest.param(b"{", "", 400, "json", id="cut"),
        pytest.param(b"\xff", "", 400, "json", id="not UTF-8"),
        pytest.param(b"[]", "", 422, "field", id="list"),
        pytest.param(b'{"a":1,"a":2}', "", 400, "json", id="key twice"),
        pytest.param(b'{"a":NaN}', "", 400, "json", id="NaN"),
        pytest.param(b'{"a":' + b"1" * 5000 + b"}", "", 400, "json", id="huge number"),
        pytest.param(b"[" * 500_000, "", 400, "json", id="deep"),
        pytest.param(packed(lambda: b"[" * 9_000_000), "gzip", 400, "json", id="deep, packed"),
        pytest.param(b"no gzip", "gzip", 400, "gzip", id="no gzip"),
        pytest.param(gzip.compress(b"{}")[:-1], "gzip", 400, "gzip", id="gzip cut"),
        pytest.param(gzip.compress(b"{}") * 2, "gzip", 400, "gzip", id="two members"),
        pytest.param(gzip.compress(b"{}") + b"x", "gzip", 400, "gzip", id="tail"),
        pytest.param(packed(lambda: bytes(300_000_000)), "gzip", 413, "too-large", id="bomb"),
        pytest.param(bytes(4 * 1024**2 + 1), "", 413, "too-large", id="too long"),
        pytest.param(zlib.compress(b"{}"), "deflate", 415, "encoding", id="deflate"),
    ],
)
def test_a_body_that_is_none_is_refused(
    embedded: Site, body: bytes, encoding: str, status: int, code: str
) -> None:
    machine, before = embedded.machine(), embedded.counts()
    before["enrolment_code"] = before["device_certificate"] = 1
    headers = {"Content_Encoding": encoding} if encoding else {}

    answer = machine.call("POST", "/v1/batch", body, **headers)

    assert (status, code) == (answer.status, answer.body["error"])
    assert before == embedded.counts()
    machine.close()
    assert ["new"] == statuses(machine.batch(run_of(1, 1)))


def test_a_machine_that_sends_too_often_is_told_when_to_come_again(tmp_path: Path) -> None:
    with running(tmp_path, limits=Limits(batches_per_s=0.1, batch_burst=2)) as site:
        machine = site.machine()
        answers = [machine.batch([]) for _ in range(3)]

        assert [200, 200, 429] == [answer.status for answer in answers]
        assert 1 <= int(answers[2].headers["Retry-After"]) <= 10
        assert 200 == site.machine("counter-2").batch([], device="counter-2").status


def test_a_centre_without_its_database_says_later_and_acknowledges_nothing(
    embedded: Site,
) -> None:
    machine = embedded.machine()
    with embedded.center.database.writing() as db:
        db.exec_driver_sql("DROP TABLE progress")

    answer = machine.batch(run_of(1, 1))

    assert (503, "store") == (answer.status, answer.body["error"])
    assert "5" == answer.headers["Retry-After"]
    assert [] == embedded.stored()


def test_the_log_names_machines_and_counts_but_no_content(
    embedded: Site, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    machine = embedded.machine()
    machine.batch([*run_of(1, 2), {**run_of(3, 3)[0], "deal_no": 7}])
    machine.post("/v1/batch", envelope([], schema=99))

    lines = [json.loads(r.message) for r in caplog.records if r.name == "yibao_face.center"]
    assert {
        "event": "batch",
        "device": DEVICE,
        "institution": INSTITUTION,
        "boot": "boot-1",
        "new": 2,
        "dup": 0,
        "conflict": 0,
        "reject": 1,
    } in lines
    assert {"event": "refused", "route": "batch", "device": DEVICE, "status": 422} == {
        k: v for k, v in lines[-1].items() if k != "code"
    }
    assert record(1).deal_no not in caplog.text
    assert record(1).person not in caplog.text


def test_an_unknown_address_is_refused_in_the_same_form(embedded: Site) -> None:
    machine = embedded.machine()

    assert 404 == machine.call("GET", "/v1/nothing").status
    assert {"error": "http", "message": "Method Not Allowed"} == machine.call(
        "GET", "/v1/batch"
    ).body
