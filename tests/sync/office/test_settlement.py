"""Settlements against certificates: each verdict, in any order of arrival."""

from __future__ import annotations

import random
from typing import Any

import pytest
from center_bed import AT_MS, INSTITUTION, Answer, record
from hypothesis import given, settings
from hypothesis import strategies as st
from office_bed import ELSEWHERE, Bureau

from yibao_face.sync.center.office.figure.settlement import TOLERANCE_MS, verdict_of
from yibao_face.sync.center.store.marks import day_text

DAY = day_text(AT_MS)
CERTIFICATE = {"record": "r1", "institution": "A", "deal_no": "D1", "at_ms": 1_000_000}
SETTLED = {"institution": "A", "deal_no": "D1", "cp_no": "C1", "at_ms": 1_000_000}


@pytest.mark.parametrize(
    ("changed", "certificates", "named", "verdict"),
    [
        ({}, [CERTIFICATE], 1, "matched"),
        ({"cp_no": ""}, [], 1, "no-cp-no"),
        ({}, [], 1, "unknown-cp-no"),
        ({"deal_no": "D2"}, [CERTIFICATE], 1, "other-deal"),
        ({"institution": "B"}, [CERTIFICATE], 1, "other-institution"),
        ({"deal_no": "D2"}, [CERTIFICATE], 2, "reused-cp-no"),
        ({}, [CERTIFICATE], 2, "matched"),
        ({"at_ms": 1_000_000 - TOLERANCE_MS}, [CERTIFICATE], 1, "matched"),
        ({"at_ms": 1_000_000 - TOLERANCE_MS - 1}, [CERTIFICATE], 1, "late"),
    ],
)
def test_each_verdict(
    changed: dict[str, Any], certificates: list[dict[str, Any]], named: int, verdict: str
) -> None:
    assert verdict == verdict_of({**SETTLED, **changed}, certificates, named)[0]


@settings(max_examples=50)
@given(st.lists(st.sampled_from((CERTIFICATE, {**CERTIFICATE, "record": "r2"}))), st.randoms())
def test_the_order_of_certificates_does_not_matter(
    certificates: list[dict[str, Any]], chance: random.Random
) -> None:
    shuffled = [*certificates]
    chance.shuffle(shuffled)

    assert verdict_of(SETTLED, certificates, 1) == verdict_of(SETTLED, shuffled, 1)


def settled(n: int, cp_no: str, **changed: Any) -> dict[str, Any]:
    own = {"institution": INSTITUTION, "deal_no": record(n).deal_no, "cp_no": cp_no}
    return {**own, "amount": "12.50", "at_ms": AT_MS + n, **changed}


def verdicts(office: Bureau, name: str) -> dict[str, str]:
    person = office.role("reviewer", name=name)
    found = person.get("/settlements", from_=DAY, to=DAY, unmask=True)["items"]
    return {row["deal_no"]: row["verdict"] for row in found}


def test_a_certificate_that_comes_later_settles_what_waited_for_it(both: Bureau) -> None:
    clerk = both.role("operator")
    listed = [settled(1, "cp-1"), settled(2, "cp-1"), settled(3, ""), settled(4, "cp-4")]
    counts = clerk.post("/settlements", {"settlements": listed})
    assert {"new": 4, "changed": 0, "same": 0} == counts
    deals = [record(n).deal_no for n in range(1, 5)]
    waiting = ["unknown-cp-no", "unknown-cp-no", "no-cp-no", "unknown-cp-no"]
    assert dict(zip(deals, waiting, strict=True)) == verdicts(both, "one")

    both.send(record(1, certificate_no="CP-1"), record(9, certificate_no="CP-4"))
    both.work()

    judged = ["matched", "reused-cp-no", "no-cp-no", "other-deal"]
    assert dict(zip(deals, judged, strict=True)) == verdicts(both, "two")
    assert {"matched": 1, "no-cp-no": 1, "other-deal": 1, "reused-cp-no": 1} == {
        row["verdict"]: row["n"]
        for row in clerk.get("/settlement-counts", from_=DAY, to=DAY)["counts"]
    }


def test_a_corrected_settlement_frees_the_certificate(both: Bureau) -> None:
    clerk = both.role("operator")
    both.send(record(1, certificate_no="CP-1"), record(2, certificate_no="CP-2"))
    both.work()
    clerk.post("/settlements", {"settlements": [settled(1, "CP-1"), settled(2, "CP-1")]})

    again = [settled(1, "CP-1"), settled(2, "CP-2")]
    counts = clerk.post("/settlements", {"settlements": again})

    assert {"new": 0, "changed": 1, "same": 1} == counts
    assert {"matched"} == {*verdicts(both, "one").values()}


def test_csv_is_taken_as_a_whole(office: Bureau) -> None:
    clerk = office.role("operator")
    head = "institution,deal_no,cp_no,amount,at\n"
    good = f"{INSTITUTION},D1,,0.10,2026-11-22T09:30:00\n"

    def load(csv: str) -> Answer:
        return clerk.call("POST", "/settlements/import", {"csv": head + csv})

    for bad in (
        f"{INSTITUTION},D2,,1.234,2026-11-22T09:30:00\n",
        f"{INSTITUTION},D2,,1,yesterday\n",
        f"{INSTITUTION},D2,,1,1066-10-14T09:00:00\n",
        f"{INSTITUTION},D2,,1\n",
    ):
        answer = load(good + bad)
        assert (422, "csv") == (answer.status, answer.body["error"])
        assert "第3行" in answer.body["message"]
    assert (403, "scope") == (
        (answer := load(good.replace(INSTITUTION, "NOBODY"))).status,
        answer.body["error"],
    )
    assert {"new": 1, "changed": 0, "same": 0} == load(good).body
    [row] = clerk.get("/settlements", from_="2026-11-22", to="2026-11-22")["items"]
    assert ("0.10", AT_MS // 86_400_000) == (row["amount"], row["at_ms"] // 86_400_000)


def test_scope_is_asked_of_every_row(office: Bureau) -> None:
    local = office.role("operator", "region:32")
    listed = [settled(1, ""), settled(2, "", institution=ELSEWHERE)]

    answer = local.call("POST", "/settlements", {"settlements": listed})

    assert (403, "scope") == (answer.status, answer.body["error"])
    assert [] == office.role("reviewer").get("/settlements", from_=DAY, to=DAY)["items"]
