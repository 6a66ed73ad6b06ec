"""What may be taken in, how a new version does, what a restart finds: values in, verdicts out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum, unique

from yibao_face.installer.update.release import Order, Release
from yibao_face.installer.update.version import Version

# A release cut off this often by power failures is not tried again by itself.
MAX_CUTS = 3


@dataclass(frozen=True, slots=True)
class Held:
    """What this computer has. ``failed``: version → why; ``known``: version → its SHA-256."""

    running: Version
    platform: str
    failed: Mapping[str, str] = field(default_factory=dict[str, str])
    known: Mapping[str, str] = field(default_factory=dict[str, str])


def refusal(release: Release, held: Held, order: Order | None = None) -> str:
    """Why ``release``, which is genuine, is not for this computer; empty: it is."""
    name = str(release.version)
    if release.platform != held.platform:
        return f"it is for {release.platform}, this computer is {held.platform}"
    if release.version <= held.running:
        return f"{name} is not newer than {held.running}, which runs"
    if release.readable_from > held.running:
        return (
            f"{held.running} could not read the data {name} writes, so there would be no way"
            f" back: take in {release.readable_from} first"
        )
    if held.known.get(name, release.sha256) != release.sha256:
        return f"another content was seen as {name} before"
    if name in held.failed:
        return f"{name} was tried here and left again: {held.failed[name]}"
    return "" if order is None else _not_ordered(release, order)


def _not_ordered(release: Release, order: Order) -> str:
    if release.version != order.version:
        return f"the centre wants {order.version}"
    if order.files.get(release.archive) != release.sha256:
        return "it is not the file the centre names"
    return ""


@dataclass(frozen=True, slots=True)
class Health:
    """What a daemon says of itself. ``able``: its networks can be used. ``camera``: its state,
    empty where there is none.
    """

    version: str
    busy: bool
    able: bool
    camera: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look, ``at_s`` after the restart; ``health``: ``None`` where nobody answered."""

    at_s: float
    health: Health | None


@dataclass(frozen=True, slots=True)
class Watch:
    """How long a new version is watched, how soon it must answer, how long it may be silent.

    ``silence_s`` is longer than what a start of the program takes: one crash is forgiven.
    """

    watch_s: float = 60.0
    start_s: float = 30.0
    silence_s: float = 10.0


@unique
class Verdict(StrEnum):
    """``WAIT``: look again."""

    WAIT = "wait"
    GOOD = "good"
    SILENT = "it did not answer"
    OTHER = "another version answers"
    UNABLE = "it cannot use its networks"
    CAMERA = "it lost the camera the version before had"


FAULTY = "faulty"


def judge(
    samples: Sequence[Sample], version: Version, watch: Watch, camera_before: str
) -> Verdict:
    """How ``version`` does, by all looks so far, the newest last.

    ``camera_before``: state of the camera under the version before.
    """
    if not samples:
        return Verdict.WAIT
    now_s = samples[-1].at_s
    good_s = [s.at_s for s in samples if s.health is not None and _well(s.health, version)]
    due_s = good_s[-1] + watch.silence_s if good_s else watch.start_s
    if now_s > due_s:
        return _why(samples[-1].health, version)
    if now_s < watch.watch_s or not good_s or good_s[-1] != now_s:
        return Verdict.WAIT
    health = samples[-1].health
    if health is not None and health.camera == FAULTY and camera_before not in ("", FAULTY):
        return Verdict.CAMERA
    return Verdict.GOOD


def _well(health: Health, version: Version) -> bool:
    return health.version == str(version) and health.able


def _why(health: Health | None, version: Version) -> Verdict:
    if health is None:
        return Verdict.SILENT
    return Verdict.OTHER if health.version != str(version) else Verdict.UNABLE
