"""From a one-time code to a certificate that binds a machine, and on to the next one."""

from __future__ import annotations

from typing import Any

import pytest
from center_bed import DEVICE, INSTITUTION, Answer, Site, request_pem, run_of, statuses
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from yibao_face.sync.center.api import CenterError, unix_ms
from yibao_face.sync.center.device.identity import new_code


def code_for(site: Site, *, expires_in_ms: int = 60_000, replace: bool = False) -> str:
    code, now_ms = new_code(), unix_ms()
    whom = (DEVICE, INSTITUTION)
    site.center.devices.add_code(code, *whom, now_ms + expires_in_ms, now_ms, replace=replace)
    return code


def enrol(site: Site, code: object, key: ec.EllipticCurvePrivateKey) -> Answer:
    return site.stranger().plain("/v1/enrol", {"code": code, "csr": request_pem(key)})


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def test_a_code_and_a_key_make_a_bound_machine(site: Site) -> None:
    key = new_key()

    answer = enrol(site, code_for(site), key)

    assert (200, DEVICE, INSTITUTION) == (
        answer.status,
        answer.body["device"],
        answer.body["institution"],
    )
    made = x509.load_pem_x509_certificate(answer.body["certificate"].encode())
    assert key.public_key() == made.public_key()
    [unit] = made.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    assert INSTITUTION == unit.value
    machine = site.with_certificate(answer.body["certificate"], key)
    assert ["new"] == statuses(machine.batch(run_of(1, 1)))


def test_a_lost_answer_may_be_asked_for_again_by_the_same_key_only(site: Site) -> None:
    code, key = code_for(site), new_key()
    first = enrol(site, code, key)

    assert first.body == enrol(site, code, key).body
    assert (403, "code") == refusal(enrol(site, code, new_key()))


def refusal(answer: Answer) -> tuple[int, Any]:
    return answer.status, answer.body["error"]


def test_unknown_and_expired_codes_get_the_same_answer(site: Site) -> None:
    expired = enrol(site, code_for(site, expires_in_ms=0), new_key())
    unknown = enrol(site, new_code(), new_key())

    assert (403, "code") == refusal(expired)
    assert expired.body == unknown.body


def test_a_replaced_machine_is_shut_out_once_the_new_one_has_enrolled(site: Site) -> None:
    old, key = site.machine(), new_key()
    with pytest.raises(CenterError, match="valid certificate"):
        code_for(site)
    code = code_for(site, replace=True)
    assert ["new"] == statuses(old.batch(run_of(1, 1)))

    answer = enrol(site, code, key)

    assert (403, "revoked") == refusal(old.batch(run_of(2, 2)))
    new = site.with_certificate(answer.body["certificate"], key)
    assert ["new"] == statuses(new.batch(run_of(2, 2)))


def test_a_machine_renews_its_own_certificate_and_the_old_one_stays_valid(site: Site) -> None:
    old, key = site.machine(), new_key()

    answer = old.plain("/v1/renew", {"csr": request_pem(key)})

    assert (200, DEVICE) == (answer.status, answer.body["device"])
    new = site.with_certificate(answer.body["certificate"], key)
    assert ["new"] == statuses(new.batch(run_of(1, 1)))
    assert ["dup"] == statuses(old.batch(run_of(1, 1)))


def rsa_request() -> str:
    return request_pem(rsa.generate_private_key(65537, 2048))  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize(
    "csr",
    [
        None,
        "",
        "not PEM",
        "x" * 20_000,
        request_pem(ec.generate_private_key(ec.SECP384R1())),
        rsa_request(),
    ],
)
def test_a_request_that_is_no_p256_request_leaves_the_code_unused(
    embedded: Site, csr: str | None
) -> None:
    code = code_for(embedded)

    answer = embedded.stranger().plain("/v1/enrol", {"code": code, "csr": csr})

    assert (422, "csr") == refusal(answer)
    assert 200 == enrol(embedded, code, new_key()).status


@pytest.mark.parametrize("code", [None, 7, "张三", "A" * 65])
def test_a_code_of_another_form_is_refused(embedded: Site, code: object) -> None:
    assert (422, "field") == refusal(enrol(embedded, code, new_key()))


def test_guessing_codes_is_slowed_down(embedded: Site) -> None:
    key = new_key()

    refused = [enrol(embedded, new_code(), key) for _ in range(80)]

    assert {403, 429} == {answer.status for answer in refused}
    assert all("Retry-After" in answer.headers for answer in refused if answer.status == 429)


def test_codes_are_long_and_never_the_same() -> None:
    assert 1000 == len({new_code() for _ in range(1000)})
    assert {29} == {len(new_code()) for _ in range(10)}
