"""A whole daemon whose camera is unplugged, held, stalled, hung and crashed, again and again.

The daemon is a process of its own; its camera a vendor's library in a child of it (the bed of
``tests/beds/cabi``). Each cycle does something to the camera, has a settlement refused for it, and
undoes it. Told: how long the refusal took (the counter is promised 3 s), how long until a call was
served again, the slowest of the questions asked meanwhile, and what the daemon holds more of.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import cycle
from pathlib import Path

import numpy as np
import psutil

from yibao_face.daemon.config import Config, load_config
from yibao_face.daemon.demo.child import Child, child_daemon
from yibao_face.daemon.gallery.gallery import Enrolment, Numbers, Picture
from yibao_face.daemon.section import CameraConfig, DoorConfig, EncounterConfig
from yibao_face.daemon.wiring import gallery_of, weight_store
from yibao_face.models.suite import load_face_models

ROOT = Path(__file__).resolve().parent.parent
# The bed is the tests', which are no package.
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from tests.beds.cabi.vendor import Stage, build  # noqa: E402  # as said above
from tests.harness import FIRST, his_call  # noqa: E402  # as said above

TOLD_S = 3.0
BACK_S = 3.0
_WARM = 20
_POLL_S = 0.05
_SEEN = "未检测到人脸"
Act = Callable[[], None]


@dataclass(slots=True)
class Figures:
    """Seconds, one a cycle; ``answers``: of the questions asked all the while."""

    told_s: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    back_s: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    answers_s: list[float] = field(default_factory=list[float])
    lost: int = 0


def main() -> int:
    """Print the table; 1 when a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=300)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        stage = staged(Path(scratch))
        config = counter(Path(scratch) / "data", stage)
        with child_daemon(config, ("serve",)) as child, questions(child) as figures:
            served(child)
            held = spoilt(child, stage, figures, given.cycles)
    return told(figures, held)


def staged(scratch: Path) -> Stage:
    """The vendor's library and the folder that directs its camera."""
    device = scratch / "device"
    device.mkdir(parents=True)
    return Stage(build(scratch / "libvendor.so"), device)


def counter(data: Path, stage: Stage) -> Config:
    """A data folder with one person in it and the networks of this machine's own."""
    home = load_config()
    data.mkdir()
    (data / "models").symlink_to(home.models)
    config = Config(
        data,
        door=DoorConfig(port=0),
        camera=CameraConfig(f"cabi:{stage.rest}", idle_s=-1.0),
        encounter=EncounterConfig(capture_s=0.3),
    )
    models = load_face_models(weight_store(config))
    stamp = models.embedder.stamp
    models.close()
    drawn = np.random.default_rng(1).normal(size=512)
    embedding = (drawn / np.linalg.norm(drawn)).astype(np.float32)
    person = Enrolment(
        Numbers(FIRST, ""), "甲", "2023-106-1", "bench", "2026-01-01T08:00:00+08:00"
    )
    gallery_of(config).add(person, [Picture(embedding)], stamp)
    return replace(config, enrolment=replace(config.enrolment, in_call=False))


@contextmanager
def questions(child: Child) -> Generator[Figures]:
    """Ask for its health all the while, as a monitor would."""
    figures, over = Figures(), threading.Event()

    def ask() -> None:
        while not over.wait(_POLL_S):
            started = time.monotonic()
            child.caller.health()
            figures.answers_s.append(time.monotonic() - started)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield figures
    finally:
        over.set()
        asking.join()


def served(child: Child) -> float:
    """Call until the camera is looked into; how long that took, in s."""
    started = time.monotonic()
    while _SEEN not in str(child.caller.authenticate(his_call(FIRST))["msg"]):
        if time.monotonic() - started > 10 * BACK_S:
            raise SystemExit("the camera did not come back")
    return time.monotonic() - started


def spoilt(child: Child, stage: Stage, figures: Figures, cycles: int) -> dict[str, int]:
    """Do every trouble in turn; files, threads and kB held more than after the first rounds."""
    before = held(child)
    for number, (name, do, undo) in zip(range(cycles), cycle(troubles(stage)), strict=False):
        do()
        started = time.monotonic()
        while True:
            asked = time.monotonic()
            answer = child.caller.authenticate(his_call(FIRST))
            if answer["code"] != 0:
                raise SystemExit(f"{name}: {answer}")
            if _SEEN not in str(answer["msg"]):
                break
            if time.monotonic() - started > TOLD_S * 3:
                raise SystemExit(f"{name} was not told")
        figures.told_s.setdefault(name, []).append(time.monotonic() - asked)
        undo()
        figures.back_s.setdefault(name, []).append(served(child))
        if number == _WARM:
            before = held(child)
    after = held(child)
    return {key: after[key] - before[key] for key in after}


def troubles(stage: Stage) -> list[tuple[str, Act, Act]]:
    """What a counter does to its camera, and how it is undone."""

    def misdo(fault: str) -> Act:
        return lambda: stage.misdo(fault)

    well = misdo("none")
    return [
        ("unplugged", stage.put("unplugged"), stage.take("unplugged")),
        ("stalled", stage.put("stalled"), stage.take("stalled")),
        ("driver hangs", misdo("hang-grab"), well),
        ("driver crashes", misdo("crash-grab"), well),
    ]


def held(child: Child) -> dict[str, int]:
    """Of the daemon itself, its driver's child apart: the least of two seconds at rest."""
    me = psutil.Process(child.process.pid)
    looks: list[tuple[int, int, int]] = []
    for _ in range(20):
        time.sleep(0.1)
        looks.append((me.num_fds(), me.num_threads(), me.memory_info().rss // 1024))
    files, threads, rss_kb = (min(each) for each in zip(*looks, strict=True))
    return {"files": files, "threads": threads, "rss_kb": rss_kb}


def told(figures: Figures, more: dict[str, int]) -> int:
    """Print it; 1 when a promise is broken."""
    print("| trouble | cycles | refusal s p50 | max | served again s p50 | max |")
    print("|---|---|---|---|---|---|")
    for name, refusals in figures.told_s.items():
        back = figures.back_s[name]
        print(
            f"| {name} | {len(refusals)} | {statistics.median(refusals):.2f} |"
            f" {max(refusals):.2f} | {statistics.median(back):.2f} | {max(back):.2f} |"
        )
    answers = figures.answers_s
    p99 = statistics.quantiles(answers, n=100)[98]
    print(
        f"\n{len(answers)} questions meanwhile: p99 {p99 * 1000:.0f} ms, max {max(answers):.2f} s"
    )
    print(f"held more after {_WARM} cycles: {more}")
    slowest = max(max(each) for each in (*figures.told_s.values(), *figures.back_s.values()))
    return int(slowest > max(TOLD_S, BACK_S) or more["files"] > 0 or more["threads"] > 0)


if __name__ == "__main__":
    sys.exit(main())
