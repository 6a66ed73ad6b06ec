"""What is written down is read back as it was; only a HIS call that was let go has a number."""

from __future__ import annotations

import json
import zlib
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from yibao_face.daemon.booth.look import Trace
from yibao_face.daemon.clock import Clock
from yibao_face.daemon.core.decision import Outcome, exempt, refused
from yibao_face.daemon.core.encounter import Answer, Cause, Who
from yibao_face.daemon.core.identity import certificate_no
from yibao_face.daemon.core.scene.event import HIS_KINDS, Event, Kind
from yibao_face.daemon.gallery.vault import Vault, VaultError, open_vault
from yibao_face.daemon.ledger import Entry, Ledger, Provenance
from yibao_face.daemon.trust.certificate import Facts, verify
from yibao_face.daemon.trust.signature import Ed25519Signer
from yibao_face.daemon.wire.request import Finding
from yibao_face.drivers.api import CameraInfo, Capability
from yibao_face.sync.api import Query, Record, StoreError
from yibao_face.sync.outbox import Outbox

# 2026-12-01T00:30 in China: still the day before in Greenwich.
AT_MS = 1_796_056_200_000
PASS = Outcome(Answer.PASS, Who.SELF, Cause.MATCHED_SELF, 0.75, "ab" * 32)
RECORDED = refused(Cause.RECORDED)
HOSPITAL = "001000200030"
SIGNER = Ed25519Signer(bytes(range(32)))


def ledger_at(path: Path, vault: Vault, *, demo: bool = False) -> Ledger:
    provenance = Provenance('{"net":"1"}', '{"match":0.4}', "2023-106-1", demo)
    return Ledger(Outbox(path), vault, SIGNER, provenance, Clock(unix_ms=lambda: AT_MS))


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return open_vault(tmp_path / "device.key")


@pytest.fixture
def ledger(tmp_path: Path, vault: Vault) -> Generator[Ledger, None, None]:
    made = ledger_at(tmp_path / "results.db", vault)
    yield made
    made.outbox.close()


def write(ledger: Ledger, kind: Kind, outcome: Outcome, **given: Any) -> Record:
    facts: dict[str, Any] = {"institution": HOSPITAL, "person": "p" * 64, **given}
    return ledger.write(ledger.new_id(), Entry(kind, outcome, **facts))


def entry_of_everything() -> Entry:
    camera = CameraInfo("replay", "replay:a.rgbd", "clip", "S1", Capability.RGB)
    trace = Trace(
        camera=camera,
        consent="v1",
        liveness={"relief": 0.5},
        frames=4,
        evidence_sha256="e" * 64,
    )
    return Entry(
        kind=Kind.SETTLEMENT,
        outcome=PASS,
        institution=HOSPITAL,
        person="p" * 64,
        deal_no="D1",
        request_sha256="r" * 64,
        rule="default",
        trace=trace,
        findings=(Finding("invono", "too-long"),),
        detail={"ward": "三病区"},
        sealed={"name": "张三丰", "extra": {"a": 1}},
    )


def test_an_id_is_new_each_time(ledger: Ledger) -> None:
    assert 100 == len({ledger.new_id() for _ in range(100)})


def test_what_was_written_is_on_disk_with_all_it_was_decided_by(ledger: Ledger) -> None:
    id_ = ledger.new_id()
    record = ledger.write(id_, entry_of_everything())

    assert [record] == ledger.outbox.find(Query())
    assert (id_, "settlement", AT_MS, "2026-12-01") == (
        record.id,
        record.kind,
        record.at_unix_ms,
        record.day,
    )
    assert (1, 1, "matched-self", "default") == (
        record.code,
        record.who,
        record.cause,
        record.rule,
    )
    assert {"similarity": 0.75, "frames": 4, "probe": 0, "relief": 0.5} == json.loads(
        record.scores
    )
    assert [{"field": "invono", "problem": "too-long"}] == json.loads(record.findings)
    assert ('{"net":"1"}', '{"match":0.4}') == (record.models, record.thresholds)
    assert ("replay/clip/S1", "e" * 64) == (record.camera, record.evidence_sha256)
    assert ("v1", "2023-106-1") == (record.consent, record.consent_text)
    assert ("r" * 64, False) == (record.request_sha256, record.demo)


def test_the_scenes_read_what_was_written(ledger: Ledger) -> None:
    record = ledger.write(ledger.new_id(), entry_of_everything())

    [event] = ledger.events(Query())
    assert isinstance(event, Event)
    assert (record.id, Kind.SETTLEMENT, AT_MS, record.day) == (
        event.id,
        event.kind,
        event.at_ms,
        event.day.isoformat(),
    )
    assert (HOSPITAL, "p" * 64, "D1") == (event.institution, event.person, event.deal_no)
    assert (Answer.PASS, Cause.MATCHED_SELF) == (event.answer, event.cause)
    assert (record.certificate_no, {"ward": "三病区"}) == (event.certificate_no, event.detail)


def test_events_come_in_the_order_they_were_written(ledger: Ledger) -> None:
    ids = [write(ledger, Kind.ROUND, RECORDED).id for _ in range(5)]

    assert ids == [event.id for event in ledger.events(Query(kinds=("round",)))]


OUTCOMES = [
    (PASS, True),
    (replace(PASS, who=Who.AGENT, cause=Cause.MATCHED_AGENT), True),
    (exempt(Cause.POLICY_EXEMPT), True),
    (exempt(Cause.SPECIAL_EXEMPT), True),
    (refused(Cause.OTHER_PERSON, 0.1), False),
    (refused(Cause.SPOOF_FLAT), False),
    (RECORDED, False),
]


@pytest.mark.parametrize(("outcome", "let_go"), OUTCOMES, ids=lambda value: str(value)[:40])
@pytest.mark.parametrize("kind", Kind)
def test_only_a_his_call_that_was_let_go_has_a_certificate(
    ledger: Ledger, kind: Kind, outcome: Outcome, let_go: bool
) -> None:
    record = write(ledger, kind, outcome, deal_no="D1", rule="r1")

    certified = kind in HIS_KINDS and let_go
    assert certified is bool(record.certificate_no) is bool(record.certificate)


@pytest.mark.parametrize(
    "outcome", [outcome for outcome, let_go in OUTCOMES if let_go], ids=lambda o: str(o.cause)
)
def test_a_certificate_vouches_for_the_record_it_lies_in(ledger: Ledger, outcome: Outcome) -> None:
    record = write(ledger, Kind.ADMISSION, outcome, deal_no="D1", rule="r1")

    no, facts = verify(record.certificate, {SIGNER.key_id: SIGNER.public_key()})
    assert record.certificate_no == no
    assert no.startswith(certificate_no(record.id))
    assert (
        Facts(
            institution=HOSPITAL,
            deal_no="D1",
            person="p" * 64,
            code=record.code,
            type=record.who,
            cause=record.cause,
            rule="r1",
            at_ms=record.at_unix_ms,
            demo=False,
        )
        == facts
    )


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("outcome", [PASS, RECORDED], ids=["passed", "recorded"])
def test_every_record_says_which_consent_text_was_in_force(
    ledger: Ledger, kind: Kind, outcome: Outcome
) -> None:
    assert "2023-106-1" == write(ledger, kind, outcome).consent_text


def test_records_of_the_demo_and_of_the_counter_do_not_mix(tmp_path: Path, vault: Vault) -> None:
    ids: dict[bool, str] = {}
    for demo in (False, True):
        ledger = ledger_at(tmp_path / "results.db", vault, demo=demo)
        ids[demo] = write(ledger, Kind.ROUND, RECORDED).id
        ledger.outbox.close()

    for demo in (False, True):
        ledger = ledger_at(tmp_path / "results.db", vault, demo=demo)
        assert [ids[demo]] == [event.id for event in ledger.events(Query())]
        assert {False, True} == {row.demo for row in ledger.outbox.find(Query())}
        ledger.outbox.close()


def test_a_certificate_of_the_demo_says_so(tmp_path: Path, vault: Vault) -> None:
    ledger = ledger_at(tmp_path / "results.db", vault, demo=True)
    record = write(ledger, Kind.SETTLEMENT, PASS)
    ledger.outbox.close()

    assert verify(record.certificate, {SIGNER.key_id: SIGNER.public_key()})[1].demo


def test_what_names_somebody_opens_only_in_its_own_record(ledger: Ledger) -> None:
    one = ledger.write(ledger.new_id(), entry_of_everything())
    other = write(ledger, Kind.SETTLEMENT, PASS, sealed={"name": "李四"})

    assert {"name": "张三丰", "extra": {"a": 1}} == ledger.opened(one)
    assert {"name": "李四"} == ledger.opened(other)
    with pytest.raises(VaultError):
        ledger.opened(replace(one, sealed_request=other.sealed_request))
    with pytest.raises(VaultError):
        ledger.opened(replace(one, id=other.id))


def test_nothing_that_names_somebody_lies_in_clear(ledger: Ledger, tmp_path: Path) -> None:
    ledger.write(ledger.new_id(), entry_of_everything())

    written = b"".join(file.read_bytes() for file in tmp_path.glob("results.db*"))
    assert "张三丰".encode() not in written
    assert "张三丰" not in repr(entry_of_everything())
    assert "三病区".encode() in written


def test_half_a_character_in_what_was_sent_is_kept_as_a_question_mark(ledger: Ledger) -> None:
    record = write(ledger, Kind.SETTLEMENT, PASS, sealed={"name": "张\ud800"})

    assert {"name": "张?"} == ledger.opened(record)


def test_a_record_is_written_once(ledger: Ledger) -> None:
    id_ = ledger.new_id()
    ledger.write(id_, entry_of_everything())

    with pytest.raises(StoreError, match=id_):
        ledger.write(id_, entry_of_everything())
    assert 1 == ledger.outbox.count()


def test_without_a_camera_none_is_named(ledger: Ledger) -> None:
    record = write(ledger, Kind.RELEASE, RECORDED)

    assert ("", "", {"similarity": None, "frames": 0, "probe": 0}) == (
        record.camera,
        record.consent,
        json.loads(record.scores),
    )


def test_what_names_somebody_is_made_small_before_it_is_sealed(ledger: Ledger) -> None:
    sealed = {"extra": {f"key{n}": "住院医疗费用明细" for n in range(300)}}
    record = write(ledger, Kind.SETTLEMENT, PASS, sealed=sealed)

    assert sealed == ledger.opened(record)
    assert len(record.sealed_request) < len(json.dumps(sealed, ensure_ascii=False).encode()) / 4


def test_what_an_older_program_sealed_as_it_was_is_read(ledger: Ledger, vault: Vault) -> None:
    record = write(ledger, Kind.SETTLEMENT, PASS)
    text = json.dumps({"name": "张三丰"}).encode()
    old = replace(record, sealed_request=vault.seal(text, f"result/{record.id}"))

    assert {"name": "张三丰"} == ledger.opened(old)


@pytest.mark.parametrize(
    "data",
    [b"", b"x", zlib.compress(b'{"a": 1}')[:-3], zlib.compress(b" " * 20_000_000)],
    ids=["nothing", "no-zlib", "cut", "bomb"],
)
def test_a_sealed_part_that_does_not_unpack_is_a_fault(
    ledger: Ledger, vault: Vault, data: bytes
) -> None:
    record = write(ledger, Kind.SETTLEMENT, PASS)
    odd = replace(record, sealed_request=vault.seal(data, f"result/{record.id}"))

    with pytest.raises(VaultError):
        ledger.opened(odd)
