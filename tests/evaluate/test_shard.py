"""Results on disk: what is read is what was written, and two engines never mix."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from yibao_face.daemon.evaluate.result import EvaluateError, Response, Result
from yibao_face.daemon.evaluate.simulated.plan import Order, missing
from yibao_face.daemon.evaluate.simulated.shard import (
    STAMP,
    Block,
    Stamp,
    blocks_in,
    claim,
    load,
    save,
)

THIS = Stamp("gates-1", "abc", challenge=False, test=True)


def result(species: str, seed: int) -> Result:
    features = {"gain1": float(np.float32(seed / 7))} | ({"score": 1.0} if seed % 2 else {})
    return Result(
        *(species, seed, "astra", 512.25, {"skin": "dark", "sex": "女"}, Response.REJECTED),
        *("spoof-flat", 2, features, {"plane_rms_mm": 2.5} if seed % 3 else {}),
    )


def test_a_shard_gives_back_what_was_saved(tmp_path: Path) -> None:
    block = Block("phone", 3, 9)
    rows = [result("phone", seed) for seed in block.seeds]
    save(tmp_path, block, rows)

    assert [block] == blocks_in(tmp_path)
    assert rows == list(load(tmp_path))
    assert [block.file] == [path.name for path in tmp_path.iterdir()]


def test_a_seed_done_twice_counts_once(tmp_path: Path) -> None:
    for block in (Block("phone", 0, 4), Block("phone", 2, 6), Block("video", 0, 2)):
        save(tmp_path, block, [result(block.species, seed) for seed in block.seeds])

    found = [(r.species, r.seed) for r in load(tmp_path)]
    assert [("phone", n) for n in range(6)] + [("video", 0), ("video", 1)] == found


def test_a_broken_shard_is_named(tmp_path: Path) -> None:
    block = Block("phone", 0, 2)
    save(tmp_path, block, [result("phone", seed) for seed in block.seeds])
    path = tmp_path / block.file
    path.write_bytes(path.read_bytes()[:-40])

    with pytest.raises(EvaluateError, match=r"phone\.0000000-0000002\.npz is broken"):
        list(load(tmp_path))


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (replace(THIS, policy="gates-2"), "policy 'gates-1', now 'gates-2'"),
        (replace(THIS, engine="def"), "engine 'abc', now 'def'"),
        (replace(THIS, challenge=True), "challenge False, now True"),
        (replace(THIS, test=False), "test True, now False"),
    ],
)
def test_a_folder_of_another_engine_is_refused(tmp_path: Path, other: Stamp, told: str) -> None:
    claim(tmp_path / "new", THIS)
    claim(tmp_path / "new", THIS)

    with pytest.raises(EvaluateError, match=f"another engine \\({told}\\): results do not mix"):
        claim(tmp_path / "new", other)


@pytest.mark.parametrize("text", ["", "[]", "{", "{}"])
def test_a_folder_whose_stamp_says_nothing_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / STAMP).write_text(text, "utf-8")

    with pytest.raises(EvaluateError):
        claim(tmp_path, THIS)


@pytest.mark.parametrize(
    ("order", "done", "left"),
    [
        ((0, 10), [], [(0, 10)]),
        ((0, 10), [(0, 10)], []),
        ((0, 10), [(0, 4)], [(4, 10)]),
        ((0, 10), [(4, 6)], [(0, 4), (6, 10)]),
        ((5, 10), [(0, 7), (12, 30)], [(7, 12)]),
        ((5, 10), [(0, 30)], []),
        ((0, 10), [(20, 30)], [(0, 10)]),
        ((0, 0), [], []),
    ],
)
def test_only_seeds_not_done_are_done(
    order: tuple[int, int], done: list[tuple[int, int]], left: list[tuple[int, int]]
) -> None:
    blocks = [Block("phone", *span) for span in done] + [Block("video", 0, 100)]
    found = missing([Order("phone", *order)], blocks, workers=3)

    wanted = [seed for first, stop in left for seed in range(first, stop)]
    assert wanted == [seed for block in found for seed in block.seeds]
    assert {"phone"} >= {block.species for block in found}


def test_no_block_is_larger_than_what_a_crash_may_cost() -> None:
    found = missing([Order("phone", 0, 30_000)], [], workers=2)

    assert 60 == len(found)
    assert {500} == {len(block.seeds) for block in found}
