"""The second lane (evidence) and the way back (signed documents)."""

from __future__ import annotations

import hashlib
import threading
import time
from pathlib import Path

import pytest
from center_bed import Answer, Machine, Site, running

from yibao_face.sync.center.api import CenterError, Limits, unix_ms
from yibao_face.sync.center.store.documents import Letter


def put(machine: Machine, data: bytes, name: str | None = None) -> Answer:
    return machine.call("PUT", f"/v1/evidence/{name or hashlib.sha256(data).hexdigest()}", data)


def files(site: Site) -> list[Path]:
    return [file for file in (site.folder / "evidence").rglob("*") if file.is_file()]


def test_evidence_is_written_once_under_its_hash(site: Site) -> None:
    machine, data = site.machine(), bytes(range(256)) * 100

    assert ["new", "dup"] == [put(machine, data).body["status"] for _ in range(2)]
    assert [data] == [file.read_bytes() for file in files(site)]
    assert [hashlib.sha256(data).hexdigest()] == [file.name for file in files(site)]
    assert 1 == site.counts()["evidence"]


@pytest.mark.parametrize(
    ("data", "name", "status"),
    [
        (b"other", "0" * 64, 422),
        (b"x", "..%2f..%2fca.pem", 404),
        (b"x", "A" * 64, 404),
        (bytes(4 * 1024**2 + 1), None, 413),
    ],
)
def test_evidence_that_is_not_what_its_address_says_is_not_kept(
    embedded: Site, data: bytes, name: str | None, status: int
) -> None:
    assert status == put(embedded.machine(), data, name).status
    assert [] == files(embedded)
    assert 0 == embedded.counts()["evidence"]


def test_evidence_waits_when_the_disk_is_needed_for_results(tmp_path: Path) -> None:
    with running(tmp_path, limits=Limits(free_disk_bytes=2**60)) as site:
        answer = put(site.machine(), b"x")

        assert (503, "600") == (answer.status, answer.headers["Retry-After"])
        assert [] == files(site)


def publish(site: Site, version: int, target: str = "*", kind: str = "policy") -> int:
    letter = Letter(kind, "", target, version, f'{{"version":{version}}}')
    return site.center.documents.publish(letter, unix_ms())


def pull(machine: Machine, cursor: int = 0, wait: int = 0) -> Answer:
    return machine.call("GET", f"/v1/pull?cursor={cursor}&wait={wait}")


def test_a_machine_gets_what_is_meant_for_it_in_order_and_once(site: Site) -> None:
    machine = site.machine()
    for version, target in ((1, "*"), (2, "P32010000001"), (3, "device:counter-1")):
        publish(site, version, target)
    publish(site, 4, "P99999999999")
    publish(site, 5, "device:counter-2")

    answer = pull(machine)

    assert [1, 2, 3] == [document["version"] for document in answer.body["documents"]]
    assert '{"version":2}' == answer.body["documents"][1]["envelope"]
    again = pull(machine, answer.body["cursor"])
    assert ([], answer.body["cursor"]) == (again.body["documents"], again.body["cursor"])


def test_a_newer_version_takes_the_place_of_an_older_one_and_never_the_reverse(
    site: Site,
) -> None:
    machine = site.machine()
    publish(site, 1)
    cursor = pull(machine).body["cursor"]
    publish(site, 3)

    for version in (2, 3):
        with pytest.raises(CenterError, match="not newer"):
            publish(site, version)
    assert [3] == [document["version"] for document in pull(machine, cursor).body["documents"]]
    assert [3] == [document["version"] for document in pull(machine).body["documents"]]


def test_who_waits_is_told_as_soon_as_something_is_published(site: Site) -> None:
    machine, answers = site.machine(), list[Answer]()
    waiting = threading.Thread(target=lambda: answers.append(pull(machine, 0, 30)))
    began_s = time.monotonic()
    waiting.start()
    publish(site, 9, "P99999999999")
    publish(site, 1)
    waiting.join(20)

    assert [1] == [document["version"] for document in answers[0].body["documents"]]
    assert time.monotonic() - began_s < 20


def test_who_waits_in_vain_gets_an_empty_answer(embedded: Site) -> None:
    answer = pull(embedded.machine(), 0, 1)

    assert (200, [], 0) == (answer.status, answer.body["documents"], answer.body["cursor"])


@pytest.mark.parametrize("query", ["cursor=-1", "cursor=x", "wait=1.5", "cursor=1%27--"])
def test_a_question_that_is_not_as_agreed_is_refused(embedded: Site, query: str) -> None:
    assert 422 == embedded.machine().call("GET", f"/v1/pull?{query}").status
