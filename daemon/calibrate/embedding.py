"""A folder of persons → one embedding per picture, as the daemon makes them."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from yibao_face.daemon.booth.still.photo import PhotoError, decode
from yibao_face.daemon.calibrate.eye import Eye
from yibao_face.models.api import Embedding, ModelRunError
from yibao_face.models.detect import most_central
from yibao_face.models.embed import align

CACHE = "embeddings.npz"
_KINDS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
_PROGRESS = 500

Image: TypeAlias = npt.NDArray[np.uint8]
Tell: TypeAlias = Callable[[str], None]


class CalibrateError(Exception):
    """The pictures or lists cannot be used; the message is the one line the user reads."""


@dataclass(frozen=True, slots=True, eq=False)
class Embedded:
    """``vectors``: (n, d) of length 1, in order of ``files`` (``person/picture``).

    ``unreadable``: pictures that are none; ``faceless``: pictures without a face.
    """

    vectors: npt.NDArray[np.float32]
    files: tuple[str, ...]
    unreadable: int
    faceless: int

    @property
    def owners(self) -> list[str]:
        """The person of each vector."""
        return [person_of(file) for file in self.files]


def person_of(file: str) -> str:
    """The person ``person/picture`` shows."""
    return file.partition("/")[0]


def list_pictures(folder: Path) -> list[str]:
    """``person/picture`` of every picture; ``CalibrateError``: there is nothing to compare."""
    if not folder.is_dir():
        raise CalibrateError(f"{folder.name} is no folder")
    paths = sorted(p for p in folder.glob("*/*") if p.suffix.lower() in _KINDS and p.is_file())
    files = [path.relative_to(folder).as_posix() for path in paths]
    check_enough([person_of(file) for file in files], folder.name)
    return files


def check_enough(owners: Sequence[str], name: str) -> None:
    """Two persons, and one of them twice, are the least there is to compare."""
    persons = len(set(owners))
    if persons < 2:
        raise CalibrateError(f"{name} shows {persons} persons, 2 are needed (DIR/person/picture)")
    if persons == len(owners):
        raise CalibrateError(f"{name}: no person has two pictures")


def embed_folder(
    eye: Eye, folder: Path, files: Sequence[str], tell: Tell, kept: Path | None = None
) -> Embedded:
    """Embed ``files``; read from ``kept`` where they were embedded before, else kept there."""
    key = _key(eye, folder, files)
    found = _load(kept, key) if kept else None
    if found is None:
        found = _embed(eye, folder, files, tell)
        if kept:
            _save(kept, key, found)
    check_enough(found.owners, folder.name)
    return found


def embed_picture(eye: Eye, path: Path) -> Embedding | None:
    """The most central face; ``None`` without one. ``PhotoError``: it is no picture."""
    face = face_picture(eye, path)
    try:
        return None if face is None else eye.embedder.embed(face)
    except ModelRunError:  # a face without any length is none
        return None


def face_picture(eye: Eye, path: Path) -> Image | None:
    """The most central face, aligned as the network sees it."""
    try:
        image = decode(path.read_bytes(), path.name)
    except OSError as exc:
        raise PhotoError(f"{path.name} cannot be read") from exc
    faces = eye.detector.find(image)
    if not faces:
        return None
    face = most_central(faces, image)
    try:
        return align(image, eye.detector.refine(image, face).points)
    except ModelRunError:
        return None


def _embed(eye: Eye, folder: Path, files: Sequence[str], tell: Tell) -> Embedded:
    vectors: list[Embedding] = []
    seen: list[str] = []
    unreadable = 0
    for n, file in enumerate(files, 1):
        if n % _PROGRESS == 0:
            tell(f"[{n}/{len(files)}] …")
        try:
            vector = embed_picture(eye, folder / file)
        except PhotoError:
            unreadable += 1
            continue
        if vector is not None:
            vectors.append(vector)
            seen.append(file)
    stacked = np.stack(vectors) if vectors else np.zeros((0, 1), np.float32)
    return Embedded(stacked, tuple(seen), unreadable, len(files) - len(seen) - unreadable)


def _key(eye: Eye, folder: Path, files: Sequence[str]) -> str:
    """Of the networks and the files: another of either makes the embeddings worthless."""
    states = [(folder / file).stat() for file in files]
    listed = [(f, s.st_size, s.st_mtime_ns) for f, s in zip(files, states, strict=True)]
    return hashlib.sha256(
        json.dumps([eye.stamp.id, eye.stamp.sha256, listed]).encode()
    ).hexdigest()


def _load(path: Path, key: str) -> Embedded | None:
    try:
        with np.load(path, allow_pickle=False) as kept:
            if str(kept["key"]) != key:
                return None
            files = tuple(str(file) for file in kept["files"])
            unreadable, faceless = (int(n) for n in kept["missed"])
            return Embedded(kept["vectors"], files, unreadable, faceless)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _save(path: Path, key: str, found: Embedded) -> None:
    """Readable by the user alone: an embedding is as personal as the picture."""
    missed = np.array([found.unreadable, found.faceless])
    try:
        path.touch(mode=0o600)
        np.savez(path, key=key, vectors=found.vectors, files=np.array(found.files), missed=missed)
    except OSError as exc:
        raise CalibrateError(f"{path.name} cannot be written: {exc.strerror}") from exc
