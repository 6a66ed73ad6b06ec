"""Who of one institution is it: the templates nearest to a probe, by one matrix product, exactly.

Templates at rest are sealed by the vault, so no file of theirs is mapped here: a plain file of
embeddings would be personal data in the clear, and a sealed one cannot be searched. The index lies
in an anonymous mapping: it has no name and no file, is left out of core dumps (Linux) and is gone
with the process. Whoever owns the sealed gallery fills it anew at start and keeps it in step with
``add`` and ``remove``. Nothing here keeps the system from swapping: that disk is the site's to
encrypt.

100,000 templates of 128 numbers are 51 MB as float32. float16 would halve that, but numpy has no
product for it: turned back block by block it took 7 times as long and moved similarities by 8e-5.
"""

from __future__ import annotations

import contextlib
import mmap
import sys
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from yibao_face.models.api import Embedding, ModelError, ModelStamp

MAX_TEMPLATES = 100_000
# How far a length may be from 1: the rounding of float32, and templates that were kept as such.
_LENGTH_SLACK = 1e-3

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]


class SearchError(ModelError):
    """A template or a probe does not belong into this index, or it is full."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A key and the similarity of the best of its templates, -1..1."""

    key: str
    similarity: float


class TemplateIndex:
    """Templates of one network under opaque keys; any number of them to a key.

    Room for ``capacity`` templates is reserved, not filled: on Linux a page costs memory from its
    first template on. Calls of several threads wait for each other.
    """

    def __init__(self, stamp: ModelStamp, dim: int, capacity: int = MAX_TEMPLATES) -> None:
        if dim < 1 or capacity < 1:
            raise SearchError(f"no index of {capacity} templates of {dim} numbers")
        self.stamp, self.dim = stamp, dim
        self._vectors = _mapped(capacity, dim)
        self._keys: list[str] = []
        self._rows: dict[str, set[int]] = {}
        self._lock = threading.Lock()

    @classmethod
    def built(
        cls,
        stamp: ModelStamp,
        keys: Sequence[str],
        vectors: Vectors,
        capacity: int = MAX_TEMPLATES,
    ) -> TemplateIndex:
        """Index of ``vectors`` (n, dim), the template in row i under ``keys[i]``."""
        index = cls(stamp, vectors.shape[-1], capacity)
        index.extend(keys, vectors, stamp=stamp)
        return index

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def add(self, key: str, vector: Embedding, *, stamp: ModelStamp) -> None:
        """One more template, searched from now on."""
        self.extend([key], vector[None], stamp=stamp)

    def extend(self, keys: Sequence[str], vectors: Vectors, *, stamp: ModelStamp) -> None:
        """All of them, or none and ``SearchError``."""
        rows = self._fitting(vectors, len(keys), stamp)
        with self._lock:
            start, end = len(self._keys), len(self._keys) + len(rows)
            if end > len(self._vectors):
                raise SearchError(f"the index is full: {len(self._vectors)} templates")
            self._vectors[start:end] = rows
            self._keys += keys
            for row, key in enumerate(keys, start):
                self._rows.setdefault(key, set()).add(row)

    def remove(self, key: str) -> int:
        """Forget every template of ``key``, also in memory; how many there were."""
        with self._lock:
            gone = sorted(self._rows.pop(key, ()), reverse=True)
            for row in gone:
                self._drop(row)
        return len(gone)

    def clear(self) -> None:
        """Forget everything, also in memory."""
        with self._lock:
            self._vectors[: len(self._keys)] = 0
            self._keys.clear()
            self._rows.clear()

    def nearest(self, probe: Embedding, k: int, *, stamp: ModelStamp) -> list[Hit]:
        """The ``k`` keys most alike to ``probe`` (fewer where there are fewer), best first.

        Equal similarities are in the order of their keys, whatever the order they were added in.
        Raises ``SearchError`` for a probe of another network or another length.
        """
        if k < 1:
            raise SearchError(f"the nearest {k} cannot be found")
        [row] = self._fitting(probe[None], 1, stamp)
        with self._lock:
            rows = self._candidates(self._vectors[: len(self._keys)] @ row, k)
            found = _exact(self._vectors, rows, row)
            places: list[int] = rows.tolist()
            hits = [Hit(self._keys[r], s) for r, s in zip(places, found, strict=True)]
        return _best(hits, k)

    def _candidates(self, coarse: Vectors, k: int) -> Rows:
        """Rows that hold the ``k`` best keys for certain, few more than needed.

        BLAS rounds the same template differently from row to row, by its place in a block: what
        lies within that error of the last place is settled by ``_exact``.
        """
        wanted = k
        while wanted < len(coarse):
            floor = np.partition(coarse, len(coarse) - wanted)[len(coarse) - wanted]
            if len({self._keys[r] for r in np.flatnonzero(coarse >= floor)}) >= k:
                # Twice the worst rounding of each of the two similarities compared.
                slack = 4 * self.dim * np.finfo(np.float32).eps
                return np.flatnonzero(coarse >= floor - np.float32(slack))
            wanted *= 4
        return np.arange(len(coarse))

    def _drop(self, row: int) -> None:
        """Move the last template into ``row``, which nothing points to any more."""
        last = len(self._keys) - 1
        moved = self._keys.pop()
        if row != last:
            self._vectors[row] = self._vectors[last]
            self._keys[row] = moved
            self._rows[moved] ^= {row, last}
        self._vectors[last] = 0

    def _fitting(self, vectors: Vectors, count: int, stamp: ModelStamp) -> Vectors:
        if stamp != self.stamp:
            raise SearchError(f"{stamp.id} and {self.stamp.id} cannot be compared")
        if vectors.shape != (count, self.dim):
            raise SearchError(f"{vectors.shape} numbers, not {count} times {self.dim}")
        with np.errstate(over="ignore", invalid="ignore"):
            rows = np.ascontiguousarray(vectors, np.float32)
            lengths = np.linalg.norm(rows, axis=1)
        # `not <=` rather than `>`: what is not a number has no length either.
        if not bool((np.abs(lengths - 1) <= _LENGTH_SLACK).all()):
            raise SearchError("a template or probe is not of length 1")
        return rows


def _mapped(capacity: int, dim: int) -> Vectors:
    """(capacity, dim) zeros in a mapping without a file."""
    size = capacity * dim * np.dtype(np.float32).itemsize
    if sys.platform == "linux":
        pages = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        pages.madvise(mmap.MADV_DONTDUMP)
        with contextlib.suppress(OSError):  # a kernel may have none; the product gains a sixth
            pages.madvise(mmap.MADV_HUGEPAGE)
    else:
        pages = mmap.mmap(-1, size)
    return np.frombuffer(pages, np.float32).reshape(capacity, dim)


def _exact(vectors: Vectors, rows: Rows, probe: Embedding) -> list[float]:
    """Similarity of each row in float64, where the product of two float32 is exact.

    Summed row by row in one order, so that equal templates are equally alike.
    """
    wide = probe.astype(np.float64)
    blocks = [rows[at : at + 4096] for at in range(0, len(rows), 4096)]
    sums = [(vectors[block].astype(np.float64) * wide).sum(axis=1) for block in blocks]
    return [float(s) for block in sums for s in block]


def _best(hits: Collection[Hit], k: int) -> list[Hit]:
    """The best hit of each key, ``k`` keys at most, best first."""
    best: dict[str, Hit] = {}
    for hit in sorted(hits, key=lambda h: (-h.similarity, h.key)):
        best.setdefault(hit.key, hit)
    return list(best.values())[:k]
