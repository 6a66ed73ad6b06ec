"""A simulated evaluation (仿真) over worker processes: what is done stays done."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2

from yibao_face.daemon.evaluate.result import EvaluateError
from yibao_face.daemon.evaluate.simulated.encounter import Engine, Setup, open_engine
from yibao_face.daemon.evaluate.simulated.plan import Order, missing
from yibao_face.daemon.evaluate.simulated.shard import Block, Stamp, blocks_in, claim, save

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Run:
    """Where results go and what makes them; ``workers``: processes."""

    folder: Path
    setup: Setup
    workers: int


def carry_out(run: Run, orders: Sequence[Order], stamp: Stamp, tell: Tell) -> int:
    """Do what of ``orders`` is not done yet; returns how many presentations that were.

    ``EvaluateError``: the folder is another engine's, or a worker died.
    """
    claim(run.folder, stamp)
    for part in run.folder.glob("*.part"):
        part.unlink(missing_ok=True)
    blocks = missing(orders, blocks_in(run.folder), run.workers)
    total = sum(len(block.seeds) for block in blocks)
    if total:
        _all(run, blocks, total, tell)
    return total


def _all(run: Run, blocks: Sequence[Block], total: int, tell: Tell) -> None:
    context, begun, done = multiprocessing.get_context("spawn"), time.monotonic(), 0
    with (
        _one_thread_each(),
        ProcessPoolExecutor(run.workers, context, _at_start) as pool,
    ):
        waiting = [pool.submit(_work, run.folder, run.setup, block) for block in blocks]
        try:
            for ended in as_completed(waiting):
                done += ended.result()
                tell(_progress(done, total, time.monotonic() - begun))
        except BrokenProcessPool as exc:
            raise EvaluateError("a worker process died: start again, it goes on there") from exc
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _work(folder: Path, setup: Setup, block: Block) -> int:
    """In a worker: one block, from the simulator to its file."""
    engine = _engine(setup)
    save(folder, block, [engine.meet(block.species, seed) for seed in block.seeds])
    return len(block.seeds)


@cache
def _engine(setup: Setup) -> Engine:
    return open_engine(setup)


def _at_start() -> None:
    # The run ends by its parent: an interrupt typed once reaches all of them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)


@contextmanager
def _one_thread_each() -> Generator[None]:
    """Workers inherit this before they load a library that would start threads of its own."""
    held = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in held.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _progress(done: int, total: int, seconds: float) -> str:
    left_s = seconds / done * (total - done) if done else 0.0
    rate = done / seconds if seconds else 0.0
    return f"{done}/{total} 次 presentations, {rate:.1f}/s, 剩余 left {left_s / 60:.0f} min"
