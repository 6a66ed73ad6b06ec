"""A counter without a network and the centre, over files carried by hand and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from center_bed import request_pem
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select
from sync_bed import tampering

from yibao_face.daemon.config import Config
from yibao_face.daemon.core.decision import refused
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.scene.event import Kind
from yibao_face.daemon.ledger import Entry
from yibao_face.daemon.trust.document import keys_text, sign_document
from yibao_face.daemon.trust.signature import Ed25519Signer
from yibao_face.daemon.wiring import centre_keys_path, desk_of, outbox_path, signer_of, vault_of
from yibao_face.sync.api import Link
from yibao_face.sync.center.api import unix_ms
from yibao_face.sync.center.center import open_center
from yibao_face.sync.center.device.authority import Issued, read_request
from yibao_face.sync.center.device.key import DeviceKeys
from yibao_face.sync.center.store.database import rows
from yibao_face.sync.center.store.tables import ALARM, PROGRESS, RECORD, RELINK
from yibao_face.sync.center.upkeep.stick import Haul

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]
SEED = b"c" * 32
DEVICE = "counter-7"


def written(config: Config, count: int, deal: str = "D") -> None:
    with desk_of(config) as desk:
        for n in range(count):
            entry = Entry(
                Kind.SETTLEMENT, refused(Cause.OTHER_PERSON), "H1", "p" * 64, f"{deal}{n}"
            )
            desk.ledger.write(desk.ledger.new_id(), entry)


@pytest.fixture
def counter(at_home: Config) -> Config:
    """A counter with five records, which trusts the centre's key."""
    written(at_home, 5)
    centre_keys_path(at_home).write_text(keys_text([Ed25519Signer(SEED)]), "utf-8")
    return at_home


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    file = tmp_path / "centre.seed"
    file.write_text(SEED.hex() + "\n")
    file.chmod(0o600)
    return file


@pytest.fixture
def folder(tmp_path: Path, run: Run, counter: Config) -> Path:
    """A centre to which the counter is bound, with its key."""
    made = tmp_path / "center"
    assert 0 == run("center", "init", "--data", made)[0]
    code = run("center", "code", "--data", made, "--device", DEVICE, "--institution", "H1")[1]
    request = read_request(request_pem(ec.generate_private_key(ec.SECP256R1())))
    with open_center(made) as center:

        def issue(device: str, institution: str) -> Issued:
            return center.authority.device_certificate(request, device, institution)

        now_ms = unix_ms()
        issued = center.devices.enrol(code.strip(), request.key_sha256, issue, now_ms)
        public = signer_of(vault_of(counter)).public_key()
        center.devices.bind_keys(issued.caller, DeviceKeys(public, bytes(32)), now_ms)
    return made


def exported(run: Run, to: Path) -> Path:
    assert 0 == run("queue", "export", "-o", to)[0]
    return to


def found(folder: Path, table: Any) -> list[dict[str, Any]]:
    with open_center(folder) as center, center.database.reading() as db:
        return rows(db, select(table))


def waiting(run: Run) -> tuple[int, int, int]:
    told = json.loads(run("queue", "ls", "--json")[1])
    return told["waiting"], told["sent"], told["dead"]


@pytest.mark.usefixtures("counter")
def test_records_go_to_the_centre_and_a_receipt_comes_back(
    folder: Path, seed: Path, run: Run, tmp_path: Path
) -> None:
    stick, receipt = exported(run, tmp_path / "stick.jsonl"), tmp_path / "receipt.json"

    code, out, err = run("center", "stick", "take", "--data", folder, stick)
    assert (0, "") == (code, "\n".join(x for x in err.splitlines() if "{" not in x))
    assert f"{DEVICE}: 新收 / new 5 · 已有 / known 0 · 未收 / not taken 0\n" == out
    given = ("--data", folder, "--key", seed, "-o", receipt, stick)
    out = run("center", "stick", "receipt", *given)[1]
    assert f"{DEVICE}: 新收 / new 0 · 已有 / known 5 · 未收 / not taken 0\n" in out

    assert (
        "已确认 / acknowledged: 5 · 中心拒收 / refused: 0\n" == run("queue", "import", receipt)[1]
    )
    assert (0, 5, 0) == waiting(run)
    assert ["whole"] * 5 == [row["chain"] for row in found(folder, RECORD)]
    assert [] == found(folder, ALARM)
    assert 0 == run("center", "audit", "--data", folder)[0]


def test_after_a_repair_the_same_records_are_known_and_acknowledged(
    folder: Path, seed: Path, run: Run, tmp_path: Path, counter: Config
) -> None:
    run("center", "stick", "take", "--data", folder, exported(run, tmp_path / "first.jsonl"))
    with tampering(outbox_path(counter)) as db:
        db.execute("DELETE FROM record WHERE seq = 2")
        db.commit()
    assert 0 == run("queue", "repair")[0]
    written(counter, 1, "E")
    stick, receipt = exported(run, tmp_path / "second.jsonl"), tmp_path / "receipt.json"

    out = run("center", "stick", "receipt", "--data", folder, "--key", seed, "-o", receipt, stick)[
        1
    ]

    # One is the repair's own record.
    assert f"{DEVICE}: 新收 / new 2 · 已有 / known 4 · 未收 / not taken 0\n" in out
    assert (
        "已确认 / acknowledged: 6 · 中心拒收 / refused: 0\n" == run("queue", "import", receipt)[1]
    )
    assert (0, 6, 0) == waiting(run)
    assert [3, 4, 5] == sorted(row["seq"] for row in found(folder, RELINK))
    assert {"chain-renewed"} == {row["kind"] for row in found(folder, ALARM)}
    assert ["whole"] * 7 == [row["chain"] for row in found(folder, RECORD)]
    assert 0 == run("center", "audit", "--data", folder)[0]


def test_what_the_centre_does_not_take_is_told_with_its_reason(
    folder: Path, seed: Path, run: Run, tmp_path: Path, counter: Config
) -> None:
    with desk_of(counter) as desk:
        foreign = Entry(Kind.SETTLEMENT, refused(Cause.OTHER_PERSON), "H2", "p" * 64, "X")
        desk.ledger.write(desk.ledger.new_id(), foreign)
    stick, receipt = exported(run, tmp_path / "stick.jsonl"), tmp_path / "receipt.json"

    run("center", "stick", "receipt", "--data", folder, "--key", seed, "-o", receipt, stick)

    assert (
        "已确认 / acknowledged: 5 · 中心拒收 / refused: 1\n" == run("queue", "import", receipt)[1]
    )
    assert (0, 5, 1) == waiting(run)
    assert "institution is not the certificate's" in run("queue", "ls")[1]


def test_a_receipt_of_any_stick_fits_into_a_document() -> None:
    haul = Haul(DEVICE, "0" * 16)
    for seq in range(1, 60_001):
        status = "reject" if seq % 2 else "new"
        result = {"id": f"{seq:036d}", "status": status, "reason": "consent_text is not as agreed"}
        haul.add(Link(seq, bytes(32), bytes(32)), result)

    signed = sign_document("queue-receipt", 2**50, json.dumps(haul.receipt()), Ed25519Signer(SEED))

    assert (30_000, 30_000) == (len(haul.taken), len(haul.refused))
    assert len(signed) < 1024 * 1024


def test_a_stick_is_no_sign_of_life(folder: Path, run: Run, tmp_path: Path) -> None:
    run("center", "stick", "take", "--data", folder, exported(run, tmp_path / "stick.jsonl"))

    [row] = found(folder, PROGRESS)
    assert (5, 0, "") == (row["top"], row["seen_ms"], row["boot_id"])


def test_an_older_receipt_is_refused(
    folder: Path, seed: Path, run: Run, refusal: Refusal, tmp_path: Path, counter: Config
) -> None:
    assert counter
    stick = exported(run, tmp_path / "stick.jsonl")
    receipts = [tmp_path / "one.json", tmp_path / "two.json"]
    for receipt in receipts:
        run("center", "stick", "receipt", "--data", folder, "--key", seed, "-o", receipt, stick)
    assert 0 == run("queue", "import", receipts[1])[0]

    assert "is not newer than" in refusal("queue", "import", receipts[0])


def _other_byte(data: bytes) -> bytes:
    at = data.rindex(b'"cause":"') + 9
    return data[:at] + b"x" + data[at + 1 :]


Change = Callable[[bytes], bytes]
CHANGES: list[tuple[Change, str]] = [
    (_other_byte, "the records are not those that were signed"),
    (lambda data: data[: len(data) // 2], "the records are not those that were signed"),
    (lambda data: data.replace(b'"count":5', b'"count":4', 1), "not that of the device"),
    (lambda data: b"x" + data, "the first line is no header"),
    (lambda _: b"", "the first line is no header"),
]


@pytest.mark.parametrize(("change", "told"), CHANGES)
def test_a_changed_stick_is_refused_and_nothing_of_it_is_stored(
    folder: Path, run: Run, refusal: Refusal, tmp_path: Path, change: Change, told: str
) -> None:
    stick = exported(run, tmp_path / "stick.jsonl")
    stick.write_bytes(change(stick.read_bytes()))

    assert told in refusal("center", "stick", "take", "--data", folder, stick)
    assert [] == found(folder, RECORD)


def test_a_stick_of_a_machine_that_is_not_bound_is_refused(
    run: Run, refusal: Refusal, tmp_path: Path, counter: Config
) -> None:
    assert counter
    run("center", "init", "--data", tmp_path / "other")
    stick = exported(run, tmp_path / "stick.jsonl")

    told = refusal("center", "stick", "take", "--data", tmp_path / "other", stick)

    assert "the signature is not that of the device" in told


def test_a_stick_of_a_machine_that_was_shut_out_is_refused(
    folder: Path, run: Run, refusal: Refusal, tmp_path: Path
) -> None:
    stick = exported(run, tmp_path / "stick.jsonl")
    run("center", "revoke", "--data", folder, "--device", DEVICE)

    told = refusal("center", "stick", "take", "--data", folder, stick)

    assert "the device was shut out" in told
    assert [] == found(folder, RECORD)
