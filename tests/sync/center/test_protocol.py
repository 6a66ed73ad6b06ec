"""The written protocol, the golden bodies and the program say the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, cast

import jsonschema_rs
import pytest
from center_bed import INSTITUTION, SIGNER, Site, envelope, head, keys_of, request_pem, run_of
from cryptography.hazmat.primitives.asymmetric import ec
from harness import ROOT

from yibao_face.sync.center.ingest.record import UnsoundError, read_record
from yibao_face.sync.center.schema import schema

GOLDEN = ROOT / "tests" / "golden" / "sync"
NAMES = {"record", "batch", "answer", "error", "enrol", "renew", "issued", "evidence", "pull"}


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text("utf-8"))


def valid(name: str, body: object) -> bool:
    return bool(jsonschema_rs.validator_for(schema(name)).is_valid(cast(Any, body)))


def test_every_body_has_a_schema_that_the_document_names() -> None:
    folder = ROOT / "sync" / "center" / "schema"
    text = (ROOT / "docs" / "protocol.md").read_text("utf-8")

    assert NAMES == {file.stem for file in folder.glob("*.json")}
    assert set[str]() == {name for name in NAMES if f"`{name}.json`" not in text}
    for name in NAMES:
        jsonschema_rs.meta.validate(schema(name))


def test_the_golden_batch_gets_the_golden_answer(site: Site) -> None:
    batch, answer = golden("batch"), golden("answer")
    machine = site.machine()
    machine.batch(batch["records"][:1])

    got = machine.post("/v1/batch", batch)

    assert 200 == got.status
    assert got.body["now_ms"] == got.body["evidence"]["after_ms"]
    evidence = {**got.body["evidence"], "after_ms": answer["now_ms"]}
    assert answer == {**got.body, "now_ms": answer["now_ms"], "evidence": evidence}
    assert valid("batch", batch)
    assert valid("answer", answer)
    assert valid("answer", got.body)


def test_the_golden_records_are_what_both_sides_call_records() -> None:
    records = golden("batch")["records"]

    assert [True] * 4 == [valid("record", one) for one in records]
    # No schema sees that the third was changed after it was hashed.
    with pytest.raises(UnsoundError, match="hash is not that of prev and the content"):
        read_record(records[2], 3, INSTITUTION)
    for one in (*records[:2], records[3]):
        assert one["id"] == read_record(one, 3, INSTITUTION).record.id


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("refused-*.json")), ids=lambda f: f.stem)
def test_the_golden_refusals_are_refused(embedded: Site, file: Path) -> None:
    case = json.loads(file.read_text("utf-8"))

    got = embedded.machine().post("/v1/batch", case["request"])

    assert (case["status"], case["answer"]) == (got.status, got.body)
    assert valid("error", got.body)


def test_every_answer_is_as_its_schema_says(embedded: Site) -> None:
    machine = embedded.machine()
    csr = {"csr": request_pem(ec.generate_private_key(ec.SECP256R1()))}

    assert valid("renew", csr)
    assert valid("enrol", {"code": "K", **csr})
    assert valid("enrol", {"code": "K", **csr, "keys": keys_of(SIGNER)})
    assert not valid("renew", {**csr, "keys": {"sign": "x", "seal": "y"}})
    assert valid("issued", machine.plain("/v1/renew", csr).body)
    assert valid("pull", machine.call("GET", "/v1/pull").body)
    assert valid("error", machine.call("GET", "/nothing").body)
    sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert valid("evidence", machine.call("PUT", f"/v1/evidence/{sha256}", b"abc").body)


def test_the_schemas_and_the_program_demand_the_same_fields() -> None:
    [record] = run_of(1, 1)
    body = envelope([record])

    assert {*schema("record")["required"]} == {*record}
    assert {*schema("batch")["required"]} == {*body}
    assert valid("record", record)
    assert not valid("record", {**record, "id": "1"})
    assert valid("batch", {**body, "head": head(record, SIGNER), "algorithm": "sm3"})


def test_the_document_lists_every_word_of_refusal() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text("utf-8")
    sources = "".join(
        f.read_text("utf-8")
        for f in (ROOT / "sync" / "center").rglob("*.py")
        if "office" not in f.relative_to(ROOT).parts
    )
    words = set(re.findall(r"RefusedError\(\s*(?:\d{3}|exc\.status), \"([a-z-]+)\"", sources))

    assert len(words) > 20
    assert set[str]() == {word for word in words if f"`{word}`" not in text}
