"""The policy in force is the newest the centre signed; all else is ignored and reported once."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from yibao_face.daemon.core.policy import Policy
from yibao_face.daemon.trust.document import (
    MAX_DOCUMENT_BYTES,
    keys_text,
    parse_keys,
    sign_document,
)
from yibao_face.daemon.trust.policy import PolicyFile, PolicyNews, replace_file
from yibao_face.daemon.trust.signature import Ed25519Signer

CENTRE, STRANGER = Ed25519Signer(bytes(range(32))), Ed25519Signer(bytes(32))
KEYS = parse_keys(keys_text([CENTRE]).encode())


class FullError(Exception):
    """The log of this test takes no more."""


@dataclass
class Log:
    """A record log as the policy file knows it: news in order, the floor they make."""

    news: list[PolicyNews] = field(default_factory=list[PolicyNews])
    full: bool = False

    def report(self, news: PolicyNews) -> None:
        if self.full:
            raise FullError("full")
        self.news.append(news)

    def floor(self) -> int:
        return max((n.version for n in self.news if n.accepted), default=0)

    def told(self) -> list[tuple[bool, int, str]]:
        return [(n.accepted, n.version, n.reason) for n in self.news]


@dataclass
class Machine:
    """A data folder, its log, and a daemon that can be started anew."""

    folder: Path
    log: Log = field(default_factory=Log)

    @property
    def inbox(self) -> Path:
        return self.folder / "policy.json"

    @property
    def accepted(self) -> Path:
        return self.folder / "policy.accepted.json"

    def start(self) -> PolicyFile:
        return PolicyFile(self.inbox, self.accepted, KEYS, self.log.floor, self.log.report)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def signed(version: int, signer: Ed25519Signer = CENTRE, *, rule: str = "all") -> bytes:
    payload = {"version": version, "rules": [{"id": rule, "check": True}]}
    return sign_document("policy", version, json.dumps(payload), signer)


def version_of(policy: Policy | None) -> int:
    return policy.version if policy else 0


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def tampered(version: int) -> bytes:
    return signed(version).replace(b"true", b"null")


NOT_FITTING = "the signature does not fit the content"


def test_without_a_file_there_is_no_policy_and_nothing_to_report(machine: Machine) -> None:
    assert machine.start().current() is None
    assert [] == machine.log.news


def test_a_signed_policy_comes_into_force_and_is_kept(machine: Machine) -> None:
    machine.inbox.write_bytes(signed(7))

    assert 7 == version_of(machine.start().current())
    assert [PolicyNews(True, 7, sha(signed(7)), "accepted")] == machine.log.news
    assert signed(7) == machine.accepted.read_bytes()
    assert ["policy.accepted.json", "policy.json"] == names(machine.folder)


def test_a_newer_policy_takes_the_place_of_the_one_in_force(machine: Machine) -> None:
    policies = machine.start()
    seen: list[int] = []
    for version in (1, 2, 9):
        replace_file(machine.inbox, signed(version))
        seen += [version_of(policies.current()), version_of(policies.current())]

    assert [1, 1, 2, 2, 9, 9] == seen
    assert [(True, v, "accepted") for v in (1, 2, 9)] == machine.log.told()


def test_an_inbox_that_is_emptied_changes_nothing(machine: Machine) -> None:
    policies = machine.start()
    machine.inbox.write_bytes(signed(7))
    policies.current()
    machine.inbox.unlink()

    assert 7 == version_of(policies.current())
    assert 7 == version_of(machine.start().current())
    assert [(True, 7, "accepted")] == machine.log.told()


def test_after_a_restart_the_same_policy_is_in_force_without_news(machine: Machine) -> None:
    machine.inbox.write_bytes(signed(7))
    machine.start().current()

    assert 7 == version_of(machine.start().current())
    assert [(True, 7, "accepted")] == machine.log.told()


@pytest.mark.parametrize(
    ("data", "version", "reason"),
    [
        (signed(6), 6, "not newer than version 7"),
        (signed(7, rule="other"), 7, "not newer than version 7"),
        (tampered(8), 0, NOT_FITTING),
        (signed(8, STRANGER), 0, "the document is signed with a key that is not the centre's"),
        (b'{"version":8,"rules":[]}', 0, "the document is not signed"),
        (b"not json", 0, "the document is not a JSON object"),
        (b"", 0, "the document is not a JSON object"),
        (
            b" " * (MAX_DOCUMENT_BYTES + 9),
            0,
            f"the document is longer than {MAX_DOCUMENT_BYTES} bytes",
        ),
        (
            sign_document("round-task", 8, '{"version":8,"rules":[]}', CENTRE),
            0,
            "the document is of kind round-task, not policy",
        ),
        (
            sign_document("policy", 8, '{"version":9,"rules":[]}', CENTRE),
            8,
            "version is 9, but 8 was signed",
        ),
        (sign_document("policy", 8, '{"version":8}', CENTRE), 8, "policy lacks rules"),
    ],
)
def test_what_is_not_newer_and_genuine_is_ignored_and_reported_once(
    machine: Machine, data: bytes, version: int, reason: str
) -> None:
    policies = machine.start()
    machine.inbox.write_bytes(signed(7))
    policies.current()
    for _ in range(3):
        replace_file(machine.inbox, data)
        assert 7 == version_of(policies.current())

    assert [(True, 7, "accepted"), (False, version, reason)] == machine.log.told()
    assert sha(data[: MAX_DOCUMENT_BYTES + 1]) == machine.log.news[1].sha256
    assert signed(7) == machine.accepted.read_bytes()


def test_each_distinct_content_is_reported_once(machine: Machine) -> None:
    policies = machine.start()
    for data in (b"one", b"two", b"one", b"two"):
        replace_file(machine.inbox, data)
        policies.current()

    assert [sha(b"one"), sha(b"two")] == [news.sha256 for news in machine.log.news]


def test_a_file_written_over_in_place_is_seen(machine: Machine) -> None:
    policies = machine.start()
    machine.inbox.write_bytes(signed(7)[:100])
    assert policies.current() is None
    machine.inbox.write_bytes(signed(7))

    assert 7 == version_of(policies.current())


def test_a_policy_ignored_before_does_not_stop_a_newer_one(machine: Machine) -> None:
    policies = machine.start()
    for data in (signed(7), tampered(8), signed(8)):
        replace_file(machine.inbox, data)
        policies.current()

    assert 8 == version_of(policies.current())


def test_a_version_the_log_knows_is_not_taken_again_when_all_files_were_lost(
    machine: Machine,
) -> None:
    machine.log.news.append(PolicyNews(True, 7, "", "accepted"))
    machine.inbox.write_bytes(signed(7))
    policies = machine.start()

    assert policies.current() is None
    replace_file(machine.inbox, signed(8))
    assert 8 == version_of(policies.current())
    assert [
        (True, 7, "accepted"),
        (False, 0, "the accepted copy is missing"),
        (False, 7, "not newer than version 7"),
        (True, 8, "accepted"),
    ] == machine.log.told()


@pytest.mark.parametrize(
    ("copy", "version", "reason"),
    [
        (tampered(7), 0, NOT_FITTING),
        (signed(7)[:-1], 0, "the document is not a JSON object"),
        (signed(7, STRANGER), 0, "the document is signed with a key that is not the centre's"),
        (signed(6), 6, "the accepted copy is older than version 7"),
    ],
)
def test_an_accepted_copy_that_was_changed_is_not_in_force_after_a_restart(
    machine: Machine, copy: bytes, version: int, reason: str
) -> None:
    machine.inbox.write_bytes(signed(7))
    machine.start().current()
    machine.inbox.unlink()
    machine.accepted.write_bytes(copy)
    policies = machine.start()

    assert [None, None] == [policies.current(), policies.current()]
    assert [(True, 7, "accepted"), (False, version, reason)] == machine.log.told()


def test_an_accepted_copy_that_is_no_file_is_not_in_force(machine: Machine) -> None:
    machine.accepted.mkdir()

    assert machine.start().current() is None
    assert [(False, 0, "the accepted copy cannot be read: not a regular file")] == (
        machine.log.told()
    )


def test_a_policy_whose_acceptance_cannot_be_recorded_is_not_in_force(machine: Machine) -> None:
    policies = machine.start()
    machine.inbox.write_bytes(signed(7))
    policies.current()
    replace_file(machine.inbox, signed(8))
    machine.log.full = True
    for _ in range(2):
        with pytest.raises(FullError):
            policies.current()
    machine.log.full = False

    assert 8 == version_of(policies.current())
    assert [(True, 7, "accepted"), (True, 8, "accepted")] == machine.log.told()


def test_a_policy_written_but_not_recorded_is_recorded_at_the_next_start(machine: Machine) -> None:
    machine.inbox.write_bytes(signed(7))
    machine.log.full = True
    with pytest.raises(FullError):
        machine.start().current()
    with pytest.raises(FullError):
        machine.start().current()
    machine.log.full = False

    assert 7 == version_of(machine.start().current())
    assert [(True, 7, "accepted")] == machine.log.told()


def test_a_refusal_that_cannot_be_recorded_is_raised_until_it_is(machine: Machine) -> None:
    policies = machine.start()
    machine.inbox.write_bytes(b"not json")
    machine.log.full = True
    with pytest.raises(FullError):
        policies.current()
    machine.log.full = False

    assert policies.current() is None
    assert [(False, 0, "the document is not a JSON object")] == machine.log.told()


def test_a_folder_in_place_of_the_file_is_reported_once(machine: Machine) -> None:
    machine.inbox.mkdir()
    policies = machine.start()

    assert [None, None] == [policies.current(), policies.current()]
    assert [(False, 0, "the file cannot be read: not a regular file")] == machine.log.told()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in folders")
def test_a_pipe_in_place_of_the_file_does_not_hold_the_counter_up(machine: Machine) -> None:
    if sys.platform != "win32":
        os.mkfifo(machine.inbox)

    assert machine.start().current() is None
    assert [(False, 0, "the file cannot be read: not a regular file")] == machine.log.told()


def test_a_copy_that_cannot_be_written_keeps_the_new_policy_out_until_it_can(
    machine: Machine,
) -> None:
    machine.inbox.write_bytes(signed(7))
    blocked = machine.folder / "policy.accepted.json.part"
    blocked.mkdir()
    policies = machine.start()

    assert [None, None] == [policies.current(), policies.current()]
    [(accepted, version, reason)] = machine.log.told()
    assert (False, 7) == (accepted, version)
    assert reason.startswith("the accepted copy cannot be written")
    blocked.rmdir()
    assert 7 == version_of(policies.current())


def test_calls_at_once_accept_a_policy_once(machine: Machine) -> None:
    machine.inbox.write_bytes(signed(7))
    policies = machine.start()
    start = threading.Barrier(8)

    def call() -> int:
        start.wait(10)
        return version_of(policies.current())

    with ThreadPoolExecutor(8) as pool:
        seen = [future.result() for future in [pool.submit(call) for _ in range(8)]]

    assert [7] * 8 == seen
    assert [(True, 7, "accepted")] == machine.log.told()


def test_nothing_is_read_while_nothing_changes(machine: Machine) -> None:
    machine.inbox.write_bytes(signed(7))
    policies = machine.start()
    policies.current()
    opened: list[str] = []
    watching = True

    def watch(event: str, details: tuple[object, ...]) -> None:
        if watching and event == "open" and str(machine.folder) in str(details[0]):
            opened.append(str(details[0]))

    sys.addaudithook(watch)  # for good, so it looks at this folder and for this moment only
    try:
        assert [7, 7, 7] == [version_of(policies.current()) for _ in range(3)]
        unchanged = list(opened)
        replace_file(machine.inbox, signed(8))
        policies.current()
    finally:
        watching = False

    assert [] == unchanged
    assert str(machine.inbox) in opened


def test_a_replaced_file_is_whole_and_leaves_no_part(tmp_path: Path) -> None:
    target = tmp_path / "new" / "file.json"
    for data in (b"first, which is longer", b"second"):
        replace_file(target, data)
        assert data == target.read_bytes()

    assert ["file.json"] == names(target.parent)
