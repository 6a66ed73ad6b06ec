"""What was seen of a person is let go with the encounter, not whenever the collector comes by.

Frames of a face are 8 MB: a circle that holds them cost a daemon 200 MB between two collections.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from harness import FIRST, Running, his_call, put_before_camera, running, unpaced, wait_for
from moving_face import frames, living, mouth_open

from yibao_face.daemon.capture.examine import Shot
from yibao_face.daemon.config import Config
from yibao_face.daemon.demo.picture import scene
from yibao_face.drivers.api import DeviceLostError
from yibao_face.drivers.virtual import Step, VirtualCamera
from yibao_face.sync.api import Query

Person = Callable[[str], scene.Subject]


@contextmanager
def no_collector() -> Generator[None, None, None]:
    """Garbage in circles stays; what there was before is gone."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def shots() -> set[int]:
    return {id(found) for found in gc.get_objects() if isinstance(found, Shot)}


def calls(site: Running, act: Callable[[], object]) -> str:
    """The cause of what ``act`` has recorded, once no more is held of it than before."""
    with no_collector():
        before = shots()
        act()
        wait_for(lambda: shots() <= before)
    return site.daemon.ledger.outbox.find(Query(kinds=("settlement", "attendance")))[-1].cause


@pytest.mark.parametrize(
    ("clip", "cause"),
    [("live-first", "matched-self"), ("flat-first", "spoof-flat")],
)
def test_frames_of_a_call_go_with_it(cast: Config, clips: Path, clip: str, cause: str) -> None:
    put_before_camera(cast, clips, clip)
    with running(cast, camera=unpaced(cast)) as site:
        ended = calls(site, lambda: site.caller.authenticate(his_call(FIRST)))

    assert cause == ended


def scripted(script: Sequence[Step]) -> Callable[[], VirtualCamera]:
    return lambda: VirtualCamera(script, live=True)


def test_frames_go_where_the_camera_is_lost_in_the_middle(cast: Config, person: Person) -> None:
    seen = frames(living(person("first-2")), 0, 3)
    script: list[Step] = [*seen, DeviceLostError("virtual:0 unplugged")]
    with running(cast, demo=False, camera=scripted(script)) as site:
        ended = calls(site, lambda: site.caller.authenticate(his_call(FIRST)))

    assert "camera-lost" == ended


def test_frames_of_a_movement_go_with_it(cast: Config, person: Person) -> None:
    face = person("first-2")
    mouth = living(mouth_open(face, 0.6))
    script: list[Step] = [*frames(living(face), 0, 16), *frames(mouth, 16, 30)]
    wary = replace(cast, liveness=replace(cast.liveness, challenge="above-amount"))
    large = his_call(FIRST, medfee_sumamt="12000")
    with running(wary, demo=False, camera=scripted(script)) as site:
        ended = calls(site, lambda: site.caller.authenticate(large))

    assert "matched-self" == ended
