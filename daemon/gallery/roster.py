"""Who of a roster is it: the templates of its persons, searched in memory, in step with the file.

The gallery is asked before every search whether anything was written since, by whatever process.
If so, or if the roster or the network is another, the old index is wiped and a new one made: who
was erased is gone, and nobody off the roster was ever in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from yibao_face.daemon.gallery.gallery import Gallery
from yibao_face.daemon.gallery.lookup import Change
from yibao_face.models.api import Embedding, ModelStamp
from yibao_face.models.search import Hit, TemplateIndex


@dataclass(frozen=True, slots=True)
class Found:
    """``hits``: those most alike, best first. ``persons``: how many were compared."""

    hits: tuple[Hit, ...]
    persons: int


@dataclass(frozen=True, slots=True)
class _Basis:
    """What an index was made from."""

    persons: frozenset[str]
    stamp: ModelStamp
    change: Change


class RosterIndex:
    """The index of the roster asked for last. Not for several threads: the booth has one."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._basis: _Basis | None = None
        self._index: TemplateIndex | None = None
        self._enrolled: frozenset[str] = frozenset()

    def __contains__(self, person: object) -> bool:
        """Whether a template of ``person`` is held in memory now."""
        return self._index is not None and person in self._index

    def size(self, persons: frozenset[str], stamp: ModelStamp) -> int:
        """How many of ``persons`` have samples of the network ``stamp``; ``GalleryError``."""
        self._follow(persons, stamp)
        return len(self._enrolled)

    def nearest(
        self, persons: frozenset[str], probe: Embedding, k: int, stamp: ModelStamp
    ) -> Found:
        """The ``k`` of ``persons`` most alike to ``probe``, by the best of their samples.

        Raises ``GalleryError``, ``VaultError``, and ``SearchError`` for a probe of other length.
        """
        self._follow(persons, stamp)
        hits = [] if self._index is None else self._index.nearest(probe, k, stamp=stamp)
        return Found(tuple(hits), len(self._enrolled))

    def forget(self) -> None:
        """Wipe every template from memory."""
        if self._index is not None:
            self._index.clear()
        self._index, self._basis, self._enrolled = None, None, frozenset()

    def _follow(self, persons: frozenset[str], stamp: ModelStamp) -> None:
        # Asked before the samples are read: what is written in between is read again next time.
        basis = _Basis(persons, stamp, self._gallery.change())
        if basis == self._basis:
            return
        # First, so that a gallery that cannot be read leaves nobody findable.
        self.forget()
        samples = self._gallery.templates(persons, stamp)
        if samples:
            keys = [person for person, _ in samples]
            vectors = np.stack([embedding for _, embedding in samples])
            self._index = TemplateIndex.built(stamp, keys, vectors, len(keys))
            self._enrolled = frozenset(keys)
        self._basis = basis
