"""What the centre says of records, and what it holds afterwards: the same over every engine."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from typing import Any

from center_bed import AT_MS, DEVICE, Machine, Site, chained, record, run_of, statuses
from sqlalchemy import select

from yibao_face.sync.api import Record
from yibao_face.sync.center.api import unix_ms
from yibao_face.sync.center.store.database import rows
from yibao_face.sync.center.store.tables import CONFLICT
from yibao_face.sync.center.upkeep.audit import audit


def conflicts(site: Site) -> list[dict[str, Any]]:
    with site.center.database.reading() as db:
        return rows(db, select(CONFLICT))


def record_of(row: dict[str, Any]) -> Record:
    return Record(**{f.name: row[f.name] for f in fields(Record)})


def test_what_is_new_is_stored_as_it_was_sent(site: Site) -> None:
    sent = [record(n, camera=f"相机 {n}", sealed_request=bytes([n, 0, 255])) for n in range(1, 4)]

    answer = site.machine().batch(chained(sent))

    assert ["new"] * 3 == statuses(answer)
    assert [] == answer.body["gaps"]
    assert 200 == answer.body["budget"]
    assert sent == [record_of(row) for row in site.stored()]
    assert {"whole"} == {row["chain"] for row in site.stored()}
    assert {DEVICE} == {row["device"] for row in site.stored()}
    assert {} == site.alarms()


def test_a_chain_by_sm3_is_taken_where_the_batch_says_so(site: Site) -> None:
    machine = site.machine()
    sent = chained((record(n) for n in range(1, 4)), algorithm="sm3")

    assert ["reject"] * 3 == statuses(machine.batch(sent))
    assert ["new"] * 3 == statuses(machine.batch(sent, algorithm="sm3"))
    assert ["whole"] * 3 == [row["chain"] for row in site.stored()]
    assert audit(site.center).ok


def test_a_replayed_batch_is_all_dup_and_changes_nothing(site: Site) -> None:
    machine, sent = site.machine(), run_of(1, 200)
    assert ["new"] * 200 == statuses(machine.batch(sent))
    before = site.stored()

    assert ["dup"] * 200 == statuses(machine.batch(sent))
    assert before == site.stored()
    assert {} == site.alarms()


def test_the_same_id_with_other_content_is_kept_apart_and_alarmed(site: Site) -> None:
    machine, [first] = site.machine(), run_of(1, 1)
    machine.batch([first])
    [other] = chained([record(1, code=0)])

    assert ["conflict"] == statuses(machine.batch([other]))
    assert ["conflict"] == statuses(machine.batch([other]))
    assert [1] == [row["code"] for row in site.stored()]
    assert [0] == [json.loads(row["body"])["code"] for row in conflicts(site)]
    assert first["id"] == site.alarms()["conflict"]


def test_an_id_of_another_machine_is_a_conflict(site: Site) -> None:
    site.machine().batch(run_of(1, 1))

    answer = site.machine("counter-2").batch(run_of(1, 1), device="counter-2")

    assert ["conflict"] == statuses(answer)
    assert [DEVICE] == [row["device"] for row in site.stored()]


def test_twice_in_one_batch_is_stored_once(site: Site) -> None:
    [one] = run_of(1, 1)

    assert ["new", "dup"] == statuses(site.machine().batch([one, one]))
    assert 1 == len(site.stored())


def test_holes_are_told_until_they_are_filled(site: Site) -> None:
    machine, sent = site.machine(), run_of(1, 12)
    first = machine.batch(sent[0:2] + sent[4:6] + sent[9:10], head=head(sent[-1]))
    assert [[3, 4], [7, 9]] == first.body["gaps"]
    assert {"whole", "open"} == {row["chain"] for row in site.stored()}

    assert [[3, 3], [7, 9]] == machine.batch(sent[3:4], head=head(sent[-1])).body["gaps"]
    assert [[7, 9]] == machine.batch(sent[2:3], head=head(sent[-1])).body["gaps"]
    assert [] == machine.batch(sent[6:9], head=head(sent[-1])).body["gaps"]

    assert ["whole"] * 10 == [row["chain"] for row in site.stored()]
    assert {} == site.alarms()


def head(last: dict[str, Any]) -> dict[str, Any]:
    return {"seq": last["seq"], "hash": last["hash"]}


def test_a_changed_record_is_rejected(site: Site) -> None:
    sent = run_of(1, 3)
    sent[1] = {**sent[1], "code": 2}

    answer = site.machine().batch(sent)

    assert ["new", "reject", "new"] == statuses(answer)
    assert "hash is not that of prev and the content" == answer.body["results"][1]["reason"]
    assert [[2, 2]] == answer.body["gaps"]


def test_a_record_that_does_not_continue_the_chain_is_stored_flagged_and_alarmed(
    site: Site,
) -> None:
    machine, sent = site.machine(), run_of(1, 3)
    machine.batch(sent)
    forged = chained([record(4), record(5)], 4, b"\1" * 32)

    assert ["new", "new"] == statuses(machine.batch(forged))
    assert ["whole"] * 3 + ["broken", "whole"] == [row["chain"] for row in site.stored()]
    assert "4" == site.alarms()["chain-broken"]


def test_a_forged_record_in_a_hole_is_found_by_the_one_after_it(site: Site) -> None:
    machine, sent = site.machine(), run_of(1, 3)
    machine.batch([sent[0], sent[2]])
    [forged] = chained([record(2, code=0)], 2, bytes.fromhex(sent[0]["hash"]))

    assert ["new"] == statuses(machine.batch([forged], head=head(sent[2])))
    assert "2" == site.alarms()["chain-broken"]
    assert ["whole", "broken", "broken"] == [row["chain"] for row in site.stored()]


def test_a_second_record_of_a_number_is_a_fork(site: Site) -> None:
    machine, sent = site.machine(), run_of(1, 3)
    machine.batch(sent)
    [second] = chained([record(9)], 3, bytes.fromhex(sent[1]["hash"]))

    assert ["new"] == statuses(machine.batch([second]))
    assert ["fork", "whole"] == sorted(r["chain"] for r in site.stored() if r["seq"] == 3)
    assert "3" == site.alarms()["chain-fork"]


def test_a_head_that_is_not_the_record_stored_there_is_alarmed(site: Site) -> None:
    machine, sent = site.machine(), run_of(1, 3)
    machine.batch(sent)

    machine.batch([], head={"seq": 3, "hash": "a" * 64})

    assert "3" == site.alarms()["head-mismatch"]


def test_a_clock_five_minutes_off_is_alarmed_and_its_records_are_taken(site: Site) -> None:
    machine, sent = site.machine(), run_of(1, 2)
    machine.batch(sent[:1], sent_ms=unix_ms() - 240_000)
    assert {} == site.alarms()

    answer = machine.batch(sent[1:], sent_ms=unix_ms() - 24 * 3600_000)

    assert ["new"] == statuses(answer)
    assert "boot-1" == site.alarms()["clock-skew"]
    assert 24 * 3600_000 <= site.stored()[1]["offset_ms"] < 24 * 3600_000 + 60_000


def test_ids_of_broken_clocks_are_stored_and_repeated_like_others(site: Site) -> None:
    ids = ("00000000-0001-7000-8000-000000000001", "ffffffff-ffff-7000-8000-000000000002")
    machine, sent = site.machine(), chained(replace(record(1), id=id_) for id_ in ids)

    assert ["new", "new"] == statuses(machine.batch(sent))
    assert ["dup", "dup"] == statuses(machine.batch(sent))


def test_unknown_fields_are_kept_in_ext(site: Site) -> None:
    [one] = run_of(1, 1)

    assert ["new"] == statuses(site.machine().batch([{**one, "lux": 310, "nul": "\0\ud800"}]))
    assert {"lux": 310, "nul": "\0\ud800"} == json.loads(site.stored()[0]["ext"])


def test_records_of_another_institution_are_rejected_one_by_one(site: Site) -> None:
    sent = chained([record(1), record(2, institution="P99999999999"), record(3, institution="")])

    assert ["new", "reject", "new"] == statuses(site.machine().batch(sent))


def test_a_rejected_record_says_which_field_and_never_its_value(site: Site) -> None:
    [one] = run_of(1, 1)
    bad = [
        {**one, "deal_no": "张三" * 200},
        {**one, "id": "张三"},
        {k: v for k, v in one.items() if k != "day"},
        {**one, "schema": 2},
        "张三",
    ]

    answer = site.machine().batch(bad)

    assert ["reject"] * 5 == statuses(answer)
    assert ["deal_no is not as agreed", "id is no UUIDv7", "day is missing"] == [
        result["reason"] for result in answer.body["results"][:3]
    ]
    assert "张三" not in json.dumps(answer.body, ensure_ascii=False)
    assert [] == site.stored()


def test_sql_in_every_text_stays_text(site: Site) -> None:
    evil = "'; DROP TABLE record; -- \" $$ :id %(id)s %s \\"
    texts = ("deal_no", "person", "cause", "rule", "certificate_no", "camera", "consent")
    changed = dict.fromkeys((*texts, "consent_text"), evil)
    objects = {n: json.dumps({evil: evil}) for n in ("scores", "models", "thresholds", "detail")}
    objects |= {"certificate": json.dumps({evil: evil}), "findings": json.dumps([evil])}
    sent = record(1, **changed, **objects, sealed_request=evil.encode())
    [wire] = chained([sent])

    assert ["new"] == statuses(site.machine().batch([{**wire, evil: evil}]))
    assert [sent] == [record_of(row) for row in site.stored()]
    assert {evil: evil} == json.loads(site.stored()[0]["ext"])


def test_the_same_batch_from_many_threads_is_stored_once(site: Site) -> None:
    issued, key = site.issue()
    machines = [site.with_certificate(issued.pem, key) for _ in range(4)]
    sent = run_of(1, 100)

    def sending(machine: Machine) -> list[str]:
        return statuses(machine.batch(sent))

    with ThreadPoolExecutor(4) as threads:
        answers = [*threads.map(sending, machines)]

    assert [["dup"] * 100] * 3 + [["new"] * 100] == sorted(answers)
    assert [*range(1, 101)] == [row["seq"] for row in site.stored()]
    assert {} == site.alarms()


def test_a_day_has_its_partition(site: Site) -> None:
    site.machine().batch(run_of(1, 1))

    assert [(AT_MS // 1000 + 8 * 3600) // 86400] == [row["part"] for row in site.stored()]
