"""The queue in the page: what the centre refused, tried again; the log verified and taken out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from console_bed import Office

from yibao_face.daemon.console.access.role import Role
from yibao_face.daemon.trust.signature import check_of
from yibao_face.sync.stick import read_export


@pytest.fixture
def waiting(open_office: Office) -> Office:
    """Three records wait, the first of them dead, the second one taken."""
    for count in range(3):
        open_office.site.caller.act("settled", {"day": "2026-12-01", "count": count})
    outbox = open_office.site.daemon.ledger.outbox
    first, second, _ = outbox.waiting()
    outbox.delivery.bury(first.id, "字段不符 320101194202156744")
    outbox.delivery.acknowledge([second.id], 1_800_000_000_000)
    return open_office


def test_counts_and_the_centres_reason_are_told(waiting: Office) -> None:
    found = waiting.window(Role.ENGINEER).ask("/queue").json()

    assert (1, 1, 1) == (found["waiting"], found["sent"], found["dead"])
    assert 1_800_000_000_000 == found["last_sent_ms"]
    [dead] = found["dead_records"]
    assert ("settled", "字段不符 …") == (dead["kind"], dead["error"])


@pytest.mark.parametrize("named", [True, False])
def test_a_dead_record_waits_again(waiting: Office, named: bool) -> None:
    manager = waiting.window(Role.MANAGER)
    ids = [row["id"] for row in manager.ask("/queue").json()["dead_records"]]

    assert 1 == manager.send("/queue/retry", ids=ids if named else []).json()["revived"]
    found = manager.ask("/queue").json()
    assert (2, 0) == (found["waiting"], found["dead"])


@pytest.mark.parametrize("ids", ["x", [1], None, {}])
def test_ids_that_are_none_are_told(waiting: Office, ids: object) -> None:
    assert 400 == waiting.window(Role.MANAGER).send("/queue/retry", ids=ids).status_code


def test_the_log_is_verified(waiting: Office) -> None:
    found = waiting.window(Role.ENGINEER).send("/queue/verify").json()

    assert (True, 3, 3) == (found["ok"], found["records"], found["signed"])


def test_what_waits_is_taken_out_as_a_signed_file(waiting: Office, tmp_path: Path) -> None:
    answer = waiting.window(Role.ENGINEER).send("/queue/export")
    (tmp_path / "out").write_bytes(answer.content)
    check = check_of(waiting.site.daemon.ledger.signer)

    def genuine(_device: str, signature: bytes, data: bytes) -> bool:
        return check(signature, data)

    reading: Callable[[], int] = lambda: len(list(read_export(tmp_path / "out", genuine)))  # noqa: E731
    assert 2 == reading()
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="queue-')
    data = waiting.site.config.data
    assert [] == [p.name for p in data.iterdir() if p.name.startswith("tmp")]
