"""The scenes of one counter, each through the real port, networks, clip codec and store."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import FIRST, his_call, put_before_camera, running

from yibao_face.daemon.config import Config


@pytest.mark.parametrize(
    ("clip", "code", "who", "cause"),
    [
        ("live-first", 1, 1, "matched-self"),
        ("live-second", 0, 0, "other-person"),
        ("flat-first", 0, 0, "spoof-flat"),
        ("bent-first", 0, 0, "spoof-flat"),
        ("tablet-first", 0, 0, "spoof-flat"),
        ("two-faces", 0, 0, "many-faces"),
        ("nobody", 0, 0, "no-face"),
    ],
)
def test_what_stands_before_the_camera_decides(
    cast: Config, clips: Path, clip: str, code: int, who: int, cause: str
) -> None:
    put_before_camera(cast, clips, clip)
    with running(cast) as site:
        answer = site.caller.authenticate(his_call(FIRST))
        [stored] = site.daemon.ledger.outbox.waiting()

    assert (code, who) == (answer["code"], answer["type"])
    assert (code, who, cause) == (stored.code, stored.who, stored.cause)
    assert bool(answer["cp_no"]) is (code == 1)
    assert answer["cp_no"] == stored.certificate_no
