"""``queue``: what a field engineer sees of, and does to, the records on their way."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sync_bed import tampering

from yibao_face.daemon.config import Config
from yibao_face.daemon.core.decision import refused
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.scene.event import Kind
from yibao_face.daemon.ledger import Entry
from yibao_face.daemon.trust.document import keys_text, sign_document
from yibao_face.daemon.trust.signature import Ed25519Signer
from yibao_face.daemon.wiring import centre_keys_path, desk_of, outbox_path, signer_of, vault_of
from yibao_face.sync.api import Query, Record
from yibao_face.sync.outbox import Outbox

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]
CENTRE = Ed25519Signer(b"c" * 32)


@pytest.fixture
def three(at_home: Config) -> Config:
    """A data folder with three records that wait, and a centre whose key is known."""
    with desk_of(at_home) as desk:
        for _ in range(3):
            entry = Entry(Kind.SETTLEMENT, refused(Cause.OTHER_PERSON), "H1", "p" * 64, "D1")
            desk.ledger.write(desk.ledger.new_id(), entry)
    centre_keys_path(at_home).write_text(keys_text([CENTRE]), "utf-8")
    return at_home


def records(config: Config) -> list[Record]:
    with Outbox(outbox_path(config)) as outbox:
        return outbox.find(Query())


def buried(config: Config) -> str:
    id_ = records(config)[1].id
    with Outbox(outbox_path(config)) as outbox:
        outbox.delivery.bury(id_, "reject: unknown institution")
    return id_


def test_ls_counts_and_names_the_dead_with_their_reason(three: Config, run: Run) -> None:
    id_ = buried(three)
    code, out, err = run("queue", "ls")

    assert (0, "") == (code, err)
    assert "待上传 / waiting 2 · 已上传 / sent 0 · 失败 / dead 1\n" in out
    assert "最早待上传 / oldest waiting: 20" in out
    assert f"失败 / dead #2 {id_} settlement " in out
    assert "reject: unknown institution\n" in out


def test_ls_as_json_is_one_object(three: Config, run: Run) -> None:
    id_ = buried(three)
    told = json.loads(run("queue", "ls", "--json")[1])

    assert (2, 0, 1) == (told["waiting"], told["sent"], told["dead"])
    assert [(2, id_)] == [(dead["seq"], dead["id"]) for dead in told["dead_records"]]


@pytest.mark.parametrize(
    "action", [["ls"], ["verify"], ["repair"], ["retry"], ["export", "-o", "x"]], ids=" ".join
)
@pytest.mark.usefixtures("at_home")
def test_without_records_every_action_says_so_and_makes_no_file(
    at_home: Config, refusal: Refusal, action: list[str]
) -> None:
    before = set(at_home.data.iterdir())

    assert "no results.db in this data folder" in refusal("queue", *action)
    assert before == set(at_home.data.iterdir())


def test_verify_of_a_whole_queue_says_how_far_it_is_signed(three: Config, run: Run) -> None:
    assert (0, "完好 / whole: 3 条 / records, 签名至 / signed to #3\n", "") == run(
        "queue", "verify"
    )


def change(config: Config, statement: str) -> None:
    with tampering(outbox_path(config)) as db:
        db.execute(statement)
        db.commit()


def test_verify_ends_with_1_and_the_place(three: Config, run: Run) -> None:
    change(three, "UPDATE record SET code = 1 WHERE seq = 2")
    code, out, _ = run("queue", "verify")

    assert 1 == code
    assert "第 2 条 / record 2: 内容被改动 / record 2 or its hash was changed\n" in out
    assert "不完好 / NOT whole" in out
    body = json.loads(run("queue", "verify", "--json")[1])
    assert (False, [2]) == (body["ok"], [finding["seq"] for finding in body["findings"]])


def test_repair_tells_what_was_lost_and_puts_it_on_record(three: Config, run: Run) -> None:
    change(three, "DELETE FROM record WHERE seq = 2")
    code, out, err = run("queue", "repair")
    [*_, alarm] = records(three)

    assert (0, "") == (code, err)
    assert "已修复 / repaired: 2 条 / records" in out
    assert "丢失 / lost: #2–#2\n" in out
    assert "results.broken-" in out
    assert ("alarm", {"what": "queue-repair", "lost": [[2, 2]]}) == (
        alarm.kind,
        json.loads(alarm.detail),
    )
    code, out, _ = run("queue", "verify")
    assert 0 == code
    assert "已声明的丢失 / loss that was told: #2–#2" in out


def test_a_file_that_tells_nothing_needs_the_number_the_centre_knows(
    three: Config, run: Run, refusal: Refusal
) -> None:
    outbox_path(three).write_bytes(b"\xff" * 40_000)

    assert "nothing of results.db can be read" in refusal("queue", "repair")
    assert "丢失 / lost: #1–#3\n" in run("queue", "repair", "--known-last", "3")[1]
    assert (0, "") == (run("queue", "verify")[0], run("queue", "verify")[2])


def test_repair_beside_a_running_daemon_is_refused(three: Config, refusal: Refusal) -> None:
    with Outbox(outbox_path(three)) as outbox:
        outbox.count()

        assert "results.db is in use: stop the daemon first" in refusal("queue", "repair")


def test_retry_lets_the_dead_wait_again(three: Config, run: Run, refusal: Refusal) -> None:
    id_ = buried(three)

    assert "1 of these are not dead records" in refusal("queue", "retry", records(three)[0].id)
    assert "重新排队 / waiting again: 1\n" == run("queue", "retry", id_)[1]
    assert "重新排队 / waiting again: 0\n" == run("queue", "retry")[1]


def test_export_writes_a_file_for_its_owner_alone(three: Config, run: Run, tmp_path: Path) -> None:
    out = tmp_path / "stick.jsonl"

    assert "已导出 / exported: 3 条 / records, #1–#3\n" == run("queue", "export", "-o", out)[1]
    header, *lines = [json.loads(line) for line in out.read_bytes().splitlines()]
    assert [1, 2, 3] == [line["seq"] for line in lines]
    assert signer_of(vault_of(three)).key_id == header["device"]
    assert 0o600 == out.stat().st_mode & 0o777


def test_export_to_a_place_that_is_not_there_fails_in_one_line(
    three: Config, refusal: Refusal, tmp_path: Path
) -> None:
    assert "stick.jsonl cannot be written" in refusal(
        "queue", "export", "-o", tmp_path / "none" / "stick.jsonl"
    )


def receipt(config: Config, tmp_path: Path, version: int = 1, **changed: Any) -> Path:
    with Outbox(outbox_path(config)) as outbox:
        [(hash_,)] = outbox.file.rows("SELECT hash FROM record WHERE seq = 2")
    device = signer_of(vault_of(config)).key_id
    body = {"device": device, "taken": [[1, 2, bytes(hash_).hex()]], "refused": []}
    path = tmp_path / "receipt.json"
    text = json.dumps({**body, **changed})
    path.write_bytes(sign_document("queue-receipt", version, text, CENTRE))
    return path


def test_import_marks_what_the_centre_has_as_sent(three: Config, run: Run, tmp_path: Path) -> None:
    refused_id = records(three)[2].id
    path = receipt(three, tmp_path, refused=[[refused_id, "reject: day"]])
    code, out, err = run("queue", "import", path)

    assert (0, "") == (code, err)
    assert "已确认 / acknowledged: 2 · 中心拒收 / refused: 1\n" == out
    assert "待上传 / waiting 0 · 已上传 / sent 2 · 失败 / dead 1" in run("queue", "ls")[1]


def test_an_old_receipt_is_refused(
    three: Config, run: Run, refusal: Refusal, tmp_path: Path
) -> None:
    run("queue", "import", receipt(three, tmp_path, 2))

    assert "receipt 2 is not newer" in refusal("queue", "import", receipt(three, tmp_path, 2))
    assert "receipt 1 is not newer" in refusal("queue", "import", receipt(three, tmp_path, 1))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"device": "0" * 16}, "another device"),
        ({"taken": [[1, 2, "00" * 32]]}, "not that of this device"),
        ({"taken": [[1, 2]]}, "no receipt"),
        ({"taken": [[1, True, "00"]]}, "no receipt"),
        ({"taken": 5}, "no receipt"),
        ({"refused": [["x"]]}, "no receipt"),
    ],
)
def test_a_wrong_receipt_changes_nothing(
    three: Config, run: Run, refusal: Refusal, tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    assert said in refusal("queue", "import", receipt(three, tmp_path, **changed))
    assert "waiting 3" in run("queue", "ls")[1]


def test_a_receipt_the_centre_did_not_sign_is_refused(
    three: Config, refusal: Refusal, tmp_path: Path
) -> None:
    path = receipt(three, tmp_path)
    centre_keys_path(three).write_text(keys_text([Ed25519Signer(b"d" * 32)]), "utf-8")

    assert "not the centre's" in refusal("queue", "import", path)


def test_a_document_of_another_kind_is_no_receipt(
    three: Config, refusal: Refusal, tmp_path: Path
) -> None:
    path = tmp_path / "policy.json"
    path.write_bytes(sign_document("policy", 1, "{}", CENTRE))

    assert "kind policy, not queue-receipt" in refusal("queue", "import", path)
