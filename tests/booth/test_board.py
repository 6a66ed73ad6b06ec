"""The board: what of an encounter may be shown, and when."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from yibao_face.daemon.booth.board import Board, Phase, Visit
from yibao_face.daemon.capture.attempt import Attempt
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.identity import masked_name
from yibao_face.daemon.core.liveness.modality import Purpose
from yibao_face.daemon.core.quality import FaceBox
from yibao_face.drivers.api import Frame, Intrinsics
from yibao_face.drivers.virtual import VirtualCamera

FRAME = Frame(1, 1, 1, np.zeros((4, 4, 3), np.uint8), None, None, Intrinsics(4, 4, 1, 1, 2, 2))


def begun(name: str = "张三") -> Board:
    board = Board()
    board.begin(Visit("one", Purpose.SETTLEMENT, name, "320101194202156744"), Attempt(60.0))
    return board


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("", ""),
        ("张", "张"),
        ("张三", "张*"),
        ("张小丰", "张*丰"),
        ("阿卜杜拉·买买提", "阿******提"),
        ("<b>x</b>", "<******>"),
        ("张\u202e\n三丰", "张*丰"),
        ("长" * 500, "长" + "*" * 10 + "长"),
    ],
)
def test_a_name_is_masked_and_fits_a_line(name: str, shown: str) -> None:
    assert shown == masked_name(name)


def test_who_has_no_name_is_shown_by_a_masked_number() -> None:
    visit = begun("").look().visit

    assert visit is not None
    assert "32**************44" == visit.who
    assert "320101194202156744" not in repr(visit)


def test_an_encounter_is_seen_from_its_beginning_to_its_record() -> None:
    board = begun()
    assert Phase.LOOKING is board.look().phase
    board.gathers(5, 30.0)
    board.counted(2)
    seen = board.look()
    assert (5, 2) == (seen.needed, seen.usable)
    assert 29.0 < seen.left_s <= 30.0

    board.judged()
    assert (Phase.JUDGED, None) == (board.look().phase, board.look().cause)
    board.written("one", Cause.MATCHED_SELF)
    assert (Phase.TOLD, Cause.MATCHED_SELF) == (board.look().phase, board.look().cause)


def test_no_result_is_told_before_it_is_on_disk_nor_that_of_another() -> None:
    board = begun()
    board.judged()
    board.written("another", Cause.MATCHED_SELF)

    assert (Phase.JUDGED, None) == (board.look().phase, board.look().cause)


def test_no_picture_is_kept_once_nobody_is_before_the_camera() -> None:
    board = begun()
    with board.watch(VirtualCamera([FRAME])) as camera:
        assert camera.read(1.0) is FRAME
    assert board.look().frame is FRAME

    board.judged()
    assert board.look().frame is None
    board.see(FRAME)
    assert board.look().frame is None


def test_the_end_of_an_encounter_is_shown_for_a_while_only() -> None:
    board = Board(after_s=0.0)
    board.begin(Visit("one", Purpose.SETTLEMENT), Attempt(60.0))
    board.judged()
    board.written("one", Cause.MATCHED_SELF)
    time.sleep(0.01)

    assert (Phase.IDLE, None) == (board.look().phase, board.look().visit)


def test_the_face_shown_is_the_one_that_is_meant() -> None:
    board = begun()
    board.placed((FaceBox(0, 0, 10, 10), FaceBox(20, 20, 40, 40)), (100, 100))
    assert FaceBox(20, 20, 40, 40) == board.look().face
    board.placed((), (100, 100))
    assert board.look().face is None


def test_who_waits_sees_a_change_at_once() -> None:
    board = Board()
    version = board.look().version
    waking = threading.Timer(
        0.05, lambda: board.begin(Visit("one", Purpose.SETTLEMENT), Attempt(60.0))
    )
    waking.start()

    began = time.monotonic()
    assert Phase.LOOKING is board.wait(version, 5.0).phase
    assert time.monotonic() - began < 4.0
