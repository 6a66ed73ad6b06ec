"""A document of the centre is applied whole and once, or refused, told, and changes nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from inbox_bed import (
    ACCEPTED,
    CENTRE,
    FIRST,
    HOSPITAL,
    SECOND,
    STRANGER,
    Counter,
    agents,
    announced,
    counter_at,
    letter,
    manifest,
    person,
    persons,
    policy,
    register_special,
    relation,
    roster,
    signed,
    task,
)

from yibao_face.daemon.desk.attendance import practitioners
from yibao_face.daemon.gallery.file import GalleryError
from yibao_face.daemon.gallery.gallery import Numbers
from yibao_face.daemon.inbox.table import KINDS
from yibao_face.daemon.trust.document import MAX_DOCUMENT_BYTES
from yibao_face.sync.api import StoreError
from yibao_face.sync.uplink.api import Letter, LetterRefusedError

VALUES = {"values": {"match.margin": 0.06}}
REVOKED = {"certificates": ["X1"]}


def receipt(counter: Counter) -> dict[str, Any]:
    return {"device": counter.desk.ledger.signer.key_id, "taken": [], "refused": []}


def registration(counter: Counter) -> str:
    """The special registration of this counter that is reviewed."""
    made = counter.records("special")
    return made[0].id if made else register_special(counter)


def word(counter: Counter) -> dict[str, Any]:
    body = {"of": registration(counter), "kind": "special", "institution": HOSPITAL}
    said = {"reason": "照片清楚", "reviewer": "审核员甲", "at_ms": 1_795_305_600_000}
    return {**body, "approved": True, **said}


MAKE: dict[str, Callable[[Counter, int], object]] = {
    "policy": lambda _c, version: policy(version),
    "configuration": lambda _c, _v: VALUES,
    "roster": lambda _c, _v: roster(FIRST),
    "person-references": lambda c, _v: persons(person(c.config.data)),
    "agents": lambda _c, _v: agents(relation()),
    "round-task": lambda _c, _v: task(),
    "revocation": lambda _c, _v: REVOKED,
    "update-manifest": lambda _c, _v: manifest(),
    "queue-receipt": lambda c, _v: receipt(c),
    "review": lambda c, _v: word(c),
}
NAMES = {
    "roster": HOSPITAL,
    "person-references": "batch-1",
    "round-task": "T1",
}


def name_of(counter: Counter, kind: str) -> str:
    return registration(counter) if kind == "review" else NAMES.get(kind, "")


def envelope(counter: Counter, kind: str, version: int) -> bytes:
    payload = MAKE[kind](counter, version)
    if KINDS[kind].sealed:
        return counter.seal(kind, version, payload)
    return signed(kind, version, payload)


def refusal(counter: Counter, given: Letter) -> str:
    """What is told of a letter that must change nothing."""
    before = (counter.in_force(), counter.desk.gallery.count(), counter.records(*ACCEPTED))
    with pytest.raises(LetterRefusedError) as refused:
        counter.inbox.take(given)
    assert before == (
        counter.in_force(),
        counter.desk.gallery.count(),
        counter.records(*ACCEPTED),
    )
    return str(refused.value)


def test_every_kind_of_the_protocol_has_who_applies_it() -> None:
    assert set(MAKE) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_applied_put_on_record_and_in_force(counter: Counter, kind: str) -> None:
    counter.take(envelope(counter, kind, 3))

    assert [(kind, name_of(counter, kind), 3)] == counter.in_force()
    assert 1 == len(counter.records(*ACCEPTED))
    assert [] == counter.alarms()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_document_again_changes_nothing(counter: Counter, kind: str) -> None:
    given = envelope(counter, kind, 3)
    counter.take(given)
    before = counter.desk.ledger.outbox.count()
    counter.take(given)

    assert before == counter.desk.ledger.outbox.count()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", [1, 2])
def test_an_older_one_is_refused_also_after_a_restart(
    tmp_path: Path, counter: Counter, kind: str, version: int
) -> None:
    counter.take(envelope(counter, kind, 3))
    with counter_at(tmp_path / "data") as anew:
        told = refusal(anew, letter(envelope(anew, kind, version)))

    assert "not newer than version 3" == told


def other(kind: str, made: object) -> object:
    """Equal in version and not in content."""
    body = dict(json.loads(json.dumps(made)))
    changes: dict[str, dict[str, Any]] = {
        "policy": {"rules": []},
        "configuration": {"values": {"match.margin": 0.07}},
        "roster": {"practitioners": []},
        "person-references": {"persons": [{"op": "erase", "id": FIRST}]},
        "agents": {"relations": [relation(relation="配偶")]},
        "round-task": {"until_ms": body.get("until_ms", 0) + 1},
        "revocation": {"devices": ["counter-9"]},
        "update-manifest": {"release": "0.3.0"},
        "queue-receipt": {"refused": [["x", "y"]]},
        "review": {"approved": False},
    }
    return {**body, **changes[kind]}


@pytest.mark.parametrize("kind", KINDS)
def test_another_one_of_the_same_version_is_refused(counter: Counter, kind: str) -> None:
    counter.take(envelope(counter, kind, 3))
    payload = other(kind, MAKE[kind](counter, 3))
    made = counter.seal(kind, 3, payload) if KINDS[kind].sealed else signed(kind, 3, payload)

    assert "not newer than version 3" == refusal(counter, letter(made))


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_byte_a_cut_and_a_stranger_are_refused(counter: Counter, kind: str) -> None:
    good = envelope(counter, kind, 3)
    version = 3
    for at in range(0, len(good), max(1, len(good) // 12)):
        changed = bytearray(good)
        changed[at] ^= 1
        refusal(counter, announced(kind, version, bytes(changed)))
        refusal(counter, announced(kind, version, good[:at]))
    strange = signed(kind, 3, MAKE[kind](counter, 3), STRANGER)

    assert "a key that is not the centre's" in refusal(counter, letter(strange))


@pytest.mark.parametrize("kind", KINDS)
def test_one_announced_as_another_kind_is_refused(counter: Counter, kind: str) -> None:
    wrong = next(k for k in KINDS if k != kind)
    told = refusal(counter, announced(wrong, 3, envelope(counter, kind, 3)))

    assert f"the document is of kind {kind}, not {wrong}" == told


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_nobody_knows_is_refused_but_in_the_manifest_for_a_newer_updater(
    counter: Counter, kind: str
) -> None:
    payload = {**json.loads(json.dumps(MAKE[kind](counter, 3))), "surprise": 1}
    made = counter.seal(kind, 3, payload) if KINDS[kind].sealed else signed(kind, 3, payload)
    if kind == "update-manifest":
        counter.take(made)
        assert [(kind, "", 3)] == counter.in_force()
    else:
        refusal(counter, letter(made))


def test_a_kind_this_program_does_not_know_is_refused_and_told(counter: Counter) -> None:
    told = refusal(counter, letter(signed("fortune-cookie", 1, {})))

    assert "this program knows no documents of this kind" == told
    assert [told] == counter.alarms()
    # What the kind is called is the sender's word, genuine or not: it is not kept.
    assert "fortune" not in counter.records("alarm")[0].detail


def test_a_version_that_is_not_the_announced_one_is_refused(counter: Counter) -> None:
    told = refusal(counter, announced("configuration", 9, signed("configuration", 3, VALUES)))

    assert "version 3 was announced as another" == told


def test_what_is_far_too_long_is_refused_unread(counter: Counter) -> None:
    told = refusal(counter, announced("roster", 1, b" " * (MAX_DOCUMENT_BYTES * 20)))

    assert f"the document is longer than {MAX_DOCUMENT_BYTES} bytes" == told


def test_a_refusal_is_on_record_once_however_often_it_is_offered(counter: Counter) -> None:
    for _ in range(5):
        refusal(counter, letter(signed("roster", 1, {"institution": ""})))

    [alarm] = [json.loads(r.detail) for r in counter.records("alarm")]
    assert ("document", "roster", 1) == (alarm["what"], alarm["kind"], alarm["version"])
    assert "institution" in alarm["reason"]


def test_another_name_outside_of_what_is_signed_opens_no_way_back(counter: Counter) -> None:
    counter.take_signed("configuration", 5, VALUES)
    old = signed("configuration", 4, {"values": {"match.margin": 0.05}})

    assert "not newer than version 5" == refusal(
        counter, announced("configuration", 4, old, name="another")
    )


def test_documents_of_one_kind_with_several_names_have_versions_of_their_own(
    counter: Counter,
) -> None:
    counter.take_signed("round-task", 7, task("T1"))
    counter.take_signed("round-task", 1, task("T2"))

    assert [("round-task", "T1", 7), ("round-task", "T2", 1)] == counter.in_force()


def test_a_roster_says_who_may_sign_in(counter: Counter) -> None:
    counter.take_signed("roster", 1, roster(FIRST, SECOND))
    named = {counter.desk.gallery.person_of(Numbers(n)) for n in (FIRST, SECOND)}
    assert named == practitioners(counter.desk.ledger, HOSPITAL)

    counter.take_signed("roster", 2, roster(SECOND))
    assert 1 == len(practitioners(counter.desk.ledger, HOSPITAL))
    assert all(FIRST not in r.detail for r in counter.records("roster", "document"))


def test_a_newer_version_of_a_round_task_takes_its_place(counter: Counter) -> None:
    counter.take_signed("round-task", 1, task())
    counter.take_signed("round-task", 2, task(until_ms=1_795_400_000_000))

    until = [json.loads(r.detail)["until_ms"] for r in counter.records("round-task")]
    assert [1_795_392_000_000, 1_795_400_000_000] == until


def test_a_policy_goes_the_way_of_policies(counter: Counter) -> None:
    counter.take_signed("policy", 4, policy(4))

    [record] = counter.records("policy")
    assert 4 == json.loads(record.detail)["version"]
    assert (counter.config.data / "policy.accepted.json").exists()


def test_a_policy_taken_by_another_process_is_in_force_here_too(
    tmp_path: Path, counter: Counter
) -> None:
    counter.take_signed("policy", 1, policy(1))
    assert counter.inbox._site.policies.current() is not None
    with counter_at(tmp_path / "data") as beside:
        beside.take_signed("policy", 2, policy(2))

    found = counter.inbox._site.policies.current()
    assert found is not None
    assert 2 == found.version
    assert [] == counter.alarms()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"files": []}, "files is empty"),
        ({"release": ""}, "release is not a text of 1 to 32 characters"),
        ({"files": [{"name": "a"}]}, "files 1: sha256 is not a text"),
        ({"files": [{"name": "../a", "sha256": "a" * 64, "size_bytes": 1}]}, "no plain file name"),
        ({"files": [{"name": "a", "sha256": "A" * 64, "size_bytes": 1}]}, "sha256 is not 64"),
        ({"files": [{"name": "a", "sha256": "a" * 64, "size_bytes": 0}]}, "size_bytes is not"),
        ({"files": [1]}, "files 1: not an object"),
    ],
)
def test_a_manifest_that_names_no_files_is_not_staged(
    counter: Counter, changed: dict[str, Any], told: str
) -> None:
    assert told in refusal(counter, letter(signed("update-manifest", 1, manifest(**changed))))
    assert not (counter.config.data / "update.accepted.json").exists()


def test_a_manifest_is_staged_byte_by_byte_and_an_older_file_in_its_place_goes(
    tmp_path: Path, counter: Counter
) -> None:
    staged = counter.config.data / "update.accepted.json"
    counter.take_signed("update-manifest", 1, manifest())
    old = staged.read_bytes()
    counter.take_signed("update-manifest", 2, manifest(release="0.3.0"))
    assert signed("update-manifest", 2, manifest(release="0.3.0")) == staged.read_bytes()

    staged.write_bytes(old)
    with counter_at(tmp_path / "data") as anew:
        assert anew.inbox.mend()
        assert ["the file is of version 1, not 2"] == anew.alarms()
        assert not anew.inbox.mend()
    assert not staged.exists()


def test_a_receipt_of_another_device_is_refused(counter: Counter) -> None:
    made = signed("queue-receipt", 1, {"device": "0" * 16, "taken": [], "refused": []})

    assert "another device" in refusal(counter, letter(made))


def test_a_receipt_acknowledges_records_up_to_a_hash_of_this_chain(counter: Counter) -> None:
    counter.take_signed("roster", 1, roster(FIRST))
    rows = counter.desk.ledger.outbox.file.rows("SELECT seq, hash FROM record ORDER BY seq")
    last, hash_ = rows[-1]
    body = {**receipt(counter), "taken": [[1, last, "00" * 32]]}
    assert "is not that of this device" in refusal(
        counter, letter(signed("queue-receipt", 1, body))
    )
    waiting = counter.desk.ledger.outbox.delivery.counts().waiting
    counter.take_signed("queue-receipt", 2, {**body, "taken": [[1, last, hash_.hex()]]})

    counts = counter.desk.ledger.outbox.delivery.counts()
    assert last == counts.sent
    # The record of the receipt itself waits.
    assert waiting - last + 1 == counts.waiting


@contextmanager
def full_disk() -> Generator[None, None, None]:
    """No file of this process may grow: what a full disk looks like."""
    import resource  # noqa: PLC0415  # there is none on Windows

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(sys.platform == "win32", reason="resource limits are POSIX")
@pytest.mark.parametrize("kind", KINDS)
def test_a_full_disk_is_no_refusal_and_what_was_offered_is_taken_once_there_is_room(
    counter: Counter, kind: str
) -> None:
    given = letter(envelope(counter, kind, 3))
    with full_disk(), pytest.raises((StoreError, GalleryError)):
        counter.inbox.take(given)
    assert [] == counter.in_force()

    counter.inbox.take(given)
    assert [(kind, name_of(counter, kind), 3)] == counter.in_force()


def test_two_processes_take_one_after_the_other(tmp_path: Path, counter: Counter) -> None:
    made = [signed("round-task", version, task()) for version in range(1, 9)]

    def take(version: int) -> str:
        with counter_at(tmp_path / "data") as beside:
            try:
                beside.take(made[version - 1])
            except LetterRefusedError as exc:
                return str(exc)
        return "taken"

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(take, range(1, 9)))
    assert "taken" == told[-1]
    assert [("round-task", "T1", 8)] == counter.in_force()
    assert told.count("taken") == len(counter.records("document"))
    versions = [json.loads(r.detail)["version"] for r in counter.records("document")]
    assert sorted(versions) == versions


def test_both_keys_of_the_centre_open_documents(counter: Counter) -> None:
    counter.take(signed("configuration", 1, VALUES, CENTRE))

    assert CENTRE.key_id == counter.inbox.in_force()[0].key_id
