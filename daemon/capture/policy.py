"""The gates of the manifest in the core's words, for the cues a camera has."""

from __future__ import annotations

from collections.abc import Collection
from itertools import chain

from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.gate import Gate, LivenessPolicy, SoftScore, Term
from yibao_face.daemon.core.liveness.modality import Cue
from yibao_face.models.liveness.gate import CueEntry, GateEntry, LivenessEntry, SoftEntry


def liveness_policy(
    entry: LivenessEntry, cues: Collection[Cue] = frozenset({Cue.DEPTH})
) -> LivenessPolicy:
    """The gates of all ``cues`` together: each must hold. The soft score is one of depth."""
    chosen = [_entry_of(entry, cue) for cue in Cue if cue in cues]
    reading = tuple(map(_gate, chain.from_iterable(c.reading for c in chosen)))
    attack = tuple(map(_gate, chain.from_iterable(c.attack for c in chosen)))
    soft = _soft(entry.soft) if entry.soft and Cue.DEPTH in cues else None
    frames = entry.frames, entry.attack_frames
    return LivenessPolicy(reading, attack, *frames, entry.version, soft)


def _entry_of(entry: LivenessEntry, cue: Cue) -> CueEntry:
    return {
        Cue.DEPTH: entry.depth,
        Cue.INFRARED: entry.infrared,
        Cue.STEREO: entry.stereo,
        Cue.PLANES: entry.planes,
    }[cue]


def _gate(entry: GateEntry) -> Gate:
    return Gate(entry.feature, entry.low, entry.high, Cause(entry.cause))


def _soft(entry: SoftEntry) -> SoftScore:
    terms = tuple(Term(t.feature, t.middle, t.spread, t.linear, t.magnitude) for t in entry.terms)
    return SoftScore(terms, entry.bias, entry.least, Cause(entry.cause))
