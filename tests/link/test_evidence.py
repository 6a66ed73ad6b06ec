"""Photographs are listed for the second lane as they appear in their folder."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from yibao_face.daemon.link.evidence import Gatherer
from yibao_face.sync.evidence import EvidenceLane, Quota
from yibao_face.sync.outbox import Outbox

EVERYTHING = Quota(2**40, {})


@pytest.fixture
def lane(tmp_path: Path) -> Generator[EvidenceLane, None, None]:
    with Outbox(tmp_path / "results.db") as outbox:
        yield EvidenceLane(outbox.file, tmp_path / "evidence")


def keep(folder: Path, name: str, size: int = 3) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"x" * size)
    # Two writes within one tick of the file system's clock must not look like one.
    os.utime(folder, ns=(1, folder.stat().st_mtime_ns + 1))


def test_a_folder_that_is_not_there_holds_nothing(lane: EvidenceLane, tmp_path: Path) -> None:
    Gatherer(tmp_path / "evidence", lane).gather()

    assert [] == lane.due(EVERYTHING)


def test_files_are_listed_once_with_their_size(lane: EvidenceLane, tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    keep(folder, "a" * 64, 5)
    gatherer = Gatherer(folder, lane)
    gatherer.gather()
    keep(folder, "b" * 64, 7)
    for _ in range(3):
        gatherer.gather()

    assert [("a" * 64, 5), ("b" * 64, 7)] == sorted(
        (piece.name, piece.size_bytes) for piece in lane.due(EVERYTHING)
    )


def test_what_was_sent_before_a_restart_is_not_listed_again(
    lane: EvidenceLane, tmp_path: Path
) -> None:
    folder = tmp_path / "evidence"
    keep(folder, "a" * 64)
    Gatherer(folder, lane).gather()
    lane.sent(["a" * 64])

    Gatherer(folder, lane).gather()

    assert [] == lane.due(EVERYTHING)


def test_drafts_and_strange_files_are_left_alone(lane: EvidenceLane, tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    for name in (f"{'a' * 64}.12ab.part", "readme.txt", "A" * 64):
        keep(folder, name)

    Gatherer(folder, lane).gather()

    assert [] == lane.due(EVERYTHING)
