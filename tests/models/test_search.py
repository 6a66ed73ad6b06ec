"""The index says what comparing with every template one by one says, whatever came and went."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yibao_face.models.api import ModelError, ModelStamp
from yibao_face.models.search import MAX_TEMPLATES, Hit, SearchError, TemplateIndex

STAMP = ModelStamp("net", "aa")
OTHER = ModelStamp("net", "bb")

Vectors = npt.NDArray[np.float32]
Template = tuple[str, int]


def unit(count: int, dim: int = 128, seed: int = 1) -> Vectors:
    drawn = np.random.default_rng(seed).standard_normal((count, dim))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def brute(templates: list[tuple[str, Vectors]], probe: Vectors, k: int) -> list[Hit]:
    """Every template by itself, the best of each key, ties by key."""
    best: dict[str, float] = {}
    for key, vector in templates:
        likeness = float((vector.astype(np.float64) * probe.astype(np.float64)).sum())
        best[key] = max(best.get(key, -2.0), likeness)
    return [Hit(key, s) for key, s in sorted(best.items(), key=lambda kv: (-kv[1], kv[0]))[:k]]


def index_of(templates: list[tuple[str, Vectors]], dim: int, capacity: int = 400) -> TemplateIndex:
    index = TemplateIndex(STAMP, dim, capacity)
    for key, vector in templates:
        index.add(key, vector, stamp=STAMP)
    return index


# Few keys and few different vectors: equal templates, equal similarities and crowded keys.
drawn_templates = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 11)), min_size=0, max_size=60
)


@given(
    templates=drawn_templates,
    dim=st.sampled_from([1, 2, 3, 100, 128, 512]),
    probe=st.integers(0, 15),
    k=st.integers(1, 12),
)
@settings(deadline=None, max_examples=300)
def test_the_index_finds_what_brute_force_finds(
    templates: list[Template], dim: int, probe: int, k: int
) -> None:
    pool = unit(16, dim)
    given_ = [(key, pool[i]) for key, i in templates]

    found = index_of(given_, dim).nearest(pool[probe], k, stamp=STAMP)

    assert brute(given_, pool[probe], k) == found


@given(
    templates=drawn_templates, gone=st.sets(st.sampled_from("abcdefghz")), again=drawn_templates
)
@settings(deadline=None, max_examples=200)
def test_what_came_and_went_leaves_no_trace(
    templates: list[Template], gone: set[str], again: list[Template]
) -> None:
    pool = unit(16)
    index = index_of([(key, pool[i]) for key, i in templates], 128)

    counts = {key: index.remove(key) for key in sorted(gone)}
    for key, i in again:
        index.add(key, pool[i], stamp=STAMP)

    held = [(key, pool[i]) for key, i in [*[t for t in templates if t[0] not in gone], *again]]
    assert {key: sum(key == t[0] for t in templates) for key in gone} == counts
    assert (len(held), {key for key, _ in held}) == (
        len(index),
        {k for k in "abcdefghz" if k in index},
    )
    for probe in pool[:3]:
        assert brute(held, probe, 5) == index.nearest(probe, 5, stamp=STAMP)


@given(seed=st.integers(0, 1000), dim=st.sampled_from([64, 128, 512]), k=st.integers(1, 20))
@settings(deadline=None, max_examples=40)
def test_similarities_a_rounding_apart_are_told_apart(seed: int, dim: int, k: int) -> None:
    probe = unit(1, dim, seed)[0]
    close = np.repeat(probe[None], 300, axis=0)
    close[np.arange(300), np.arange(300) % dim] *= np.float32(1 + 2e-7)
    templates = [(f"{i:03}", row) for i, row in enumerate(close)]

    found = index_of(templates, dim).nearest(probe, k, stamp=STAMP)

    assert brute(templates, probe, k) == found


@pytest.mark.parametrize("count", [1, 7, 63, 1000])
def test_equal_templates_tie_in_the_order_of_their_keys(count: int) -> None:
    vector = unit(1)[0]
    keys = [f"{i:04}" for i in range(count)]
    shuffled = [str(k) for k in np.random.default_rng(2).permutation(keys)]
    index = TemplateIndex.built(STAMP, shuffled, np.repeat(vector[None], count, 0), count)

    found = index.nearest(vector, 5, stamp=STAMP)

    assert keys[:5] == [hit.key for hit in found]
    assert 1 == len({hit.similarity for hit in found})


def test_a_crowded_key_hides_no_other() -> None:
    probe, near, far = unit(3)
    keys = ["crowd"] * 500 + ["near", "far"]
    vectors = np.vstack([np.repeat(probe[None], 500, 0), near[None], far[None]])
    index = TemplateIndex.built(STAMP, keys, vectors, 600)

    found = index.nearest(probe, 3, stamp=STAMP)

    expected = sorted(("near", "far"), key=lambda n: -float({"near": near, "far": far}[n] @ probe))
    assert ["crowd", *expected] == [hit.key for hit in found]


def test_the_similarity_is_the_cosine() -> None:
    one, other = unit(2)

    [hit] = index_of([("a", one)], 128).nearest(other, 1, stamp=STAMP)

    assert pytest.approx(float(one @ other), abs=1e-6) == hit.similarity


def test_an_empty_index_finds_nobody() -> None:
    index = TemplateIndex(STAMP, 128)

    assert ([], 0, 0) == (index.nearest(unit(1)[0], 3, stamp=STAMP), len(index), index.remove("a"))


def test_an_index_is_built_from_no_templates() -> None:
    assert 0 == len(TemplateIndex.built(STAMP, [], np.zeros((0, 128), np.float32)))


def spoilt(probe: Vectors, value: float) -> Vectors:
    """``probe`` with one of its numbers replaced."""
    changed = probe.copy()
    changed[5] = value
    return changed


SPOILS: dict[str, Callable[[Vectors], Vectors]] = {
    "nan": lambda p: np.full_like(p, np.nan),
    "one nan": lambda p: spoilt(p, np.nan),
    "one infinite": lambda p: spoilt(p, np.inf),
    "zero": lambda p: p * np.float32(0),
    "long": lambda p: p * np.float32(1.01),
    "huge": lambda p: spoilt(p, 1e30),
    "beyond float32": lambda p: cast(Vectors, p.astype(np.float64) * 1e300),
}


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS.keys())
def test_what_is_not_of_length_one_is_refused(spoil: Callable[[Vectors], Vectors]) -> None:
    good = unit(1)[0]
    index = index_of([("a", good)], 128)

    with pytest.raises(SearchError, match="length"):
        index.nearest(spoil(good), 1, stamp=STAMP)
    with pytest.raises(SearchError, match="length"):
        index.extend(["b", "c"], np.stack([good, spoil(good)]), stamp=STAMP)
    assert (1, False, False) == (len(index), "b" in index, "c" in index)


@pytest.mark.parametrize("shape", [(127,), (129,), (0,), (1, 128), (2, 64), ()])
def test_a_probe_of_another_dimension_is_refused(shape: tuple[int, ...]) -> None:
    index = index_of([("a", unit(1)[0])], 128)

    with pytest.raises(SearchError, match="128"):
        index.nearest(np.ones(shape, np.float32), 1, stamp=STAMP)


@pytest.mark.parametrize("stamp", [OTHER, ModelStamp("another", "aa")])
def test_two_networks_never_mix(stamp: ModelStamp) -> None:
    vector = unit(1)[0]
    index = index_of([("a", vector)], 128)

    with pytest.raises(SearchError, match="compared"):
        index.nearest(vector, 1, stamp=stamp)
    with pytest.raises(SearchError, match="compared"):
        index.add("b", vector, stamp=stamp)
    assert 1 == len(index)


@pytest.mark.parametrize("k", [0, -1])
def test_fewer_than_one_cannot_be_asked_for(k: int) -> None:
    with pytest.raises(SearchError, match="nearest"):
        TemplateIndex(STAMP, 128).nearest(unit(1)[0], k, stamp=STAMP)


@pytest.mark.parametrize(("dim", "capacity"), [(0, 1), (1, 0), (-1, 5)])
def test_an_index_of_nothing_cannot_be_made(dim: int, capacity: int) -> None:
    with pytest.raises(SearchError, match="no index"):
        TemplateIndex(STAMP, dim, capacity)


def test_keys_and_templates_are_as_many() -> None:
    with pytest.raises(SearchError, match="3 times"):
        TemplateIndex.built(STAMP, ["a", "b", "c"], unit(2))


def test_a_full_index_takes_all_or_nothing_until_somebody_leaves() -> None:
    vectors = unit(5)
    index = TemplateIndex.built(STAMP, ["a", "b", "a"], vectors[:3], 4)

    with pytest.raises(SearchError, match="full"):
        index.extend(["c", "d"], vectors[3:], stamp=STAMP)
    assert (3, False) == (len(index), "c" in index)

    assert 2 == index.remove("a")
    index.extend(["c", "d"], vectors[3:], stamp=STAMP)
    assert {"b", "c", "d"} == {h.key for h in index.nearest(vectors[0], 9, stamp=STAMP)}


def test_errors_are_those_of_a_network_and_tell_no_key() -> None:
    assert issubclass(SearchError, ModelError)
    with pytest.raises(SearchError) as told:
        index_of([("person-7", unit(1)[0])], 128, 1).add("person-7", unit(1)[0], stamp=STAMP)
    assert "person" not in str(told.value)


def test_a_removed_template_is_gone_from_memory() -> None:
    vectors = unit(6)
    index = TemplateIndex.built(STAMP, list("abcabc"), vectors, 10)

    index.remove("a")

    held = index._vectors
    assert {float(v[0]) for v in vectors[[1, 2, 4, 5]]} == {float(v[0]) for v in held[:4]}
    assert 0 == np.abs(held[4:]).max()


def test_clearing_leaves_an_empty_index_and_no_number_in_memory() -> None:
    vectors = unit(6)
    index = TemplateIndex.built(STAMP, list("abcabc"), vectors, 10)

    index.clear()

    assert (0, []) == (len(index), index.nearest(vectors[0], 1, stamp=STAMP))
    assert 0 == np.abs(index._vectors).max()
    index.add("z", vectors[0], stamp=STAMP)
    assert ["z"] == [h.key for h in index.nearest(vectors[0], 3, stamp=STAMP)]


def test_the_templates_given_are_copied() -> None:
    vectors = unit(2)
    index = TemplateIndex.built(STAMP, ["a", "b"], vectors)
    probe = vectors[0].copy()

    vectors[:] = vectors[::-1].copy()

    assert "a" == index.nearest(probe, 1, stamp=STAMP)[0].key


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_mapping_has_no_file_and_costs_what_is_in_it() -> None:
    index = TemplateIndex.built(STAMP, ["a"], unit(1))
    address = index._vectors.ctypes.data

    lines = Path("/proc/self/smaps").read_text("utf-8").splitlines()
    spans = [i for i, line in enumerate(lines) if spans_over(line, address)]
    [at] = spans
    resident = next(int(ln.split()[1]) for ln in lines[at:] if ln.startswith("Rss:"))
    flags = next(ln for ln in lines[at:] if ln.startswith("VmFlags:"))

    # Span, access, offset, device and inode, and no path behind them.
    assert (5, "00:00", "0") == (len(lines[at].split()), *lines[at].split()[3:])
    assert " dd" in flags
    assert resident < MAX_TEMPLATES * 128 * 4 / 1024 / 5


def spans_over(line: str, address: int) -> bool:
    """Whether ``line`` opens the mapping in smaps that ``address`` lies in."""
    span, _, _ = line.partition(" ")
    low, dash, high = span.partition("-")
    return bool(dash) and not span.endswith(":") and int(low, 16) <= address < int(high, 16)


def test_no_descriptor_stays_open() -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("reads /proc")
    before = len(list(Path("/proc/self/fd").iterdir()))

    index = TemplateIndex.built(STAMP, ["a"], unit(1))

    assert (before, 1) == (len(list(Path("/proc/self/fd").iterdir())), len(index))


def test_searches_beside_changes_see_whole_states() -> None:
    pool = unit(400)
    index = TemplateIndex.built(STAMP, [f"{i:03}" for i in range(200)], pool[:200], 400)
    wrong: list[str] = []

    def search() -> None:
        for _ in range(300):
            hits = index.nearest(pool[5], 2, stamp=STAMP)
            if hits[0].key != "005" or hits[0].similarity < 0.999:
                wrong.append(hits[0].key)

    workers = [threading.Thread(target=search) for _ in range(2)]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        index.extend([f"x{i}" for i in range(50)], pool[200:250], stamp=STAMP)
        for i in range(50):
            index.remove(f"x{i}")
    for worker in workers:
        worker.join()

    assert [] == wrong
