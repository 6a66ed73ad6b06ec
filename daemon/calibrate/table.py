"""The lists a site hands in: groups of pictures, and pairs of pictures."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from yibao_face.daemon.booth.still.photo import PhotoError
from yibao_face.daemon.calibrate.embedding import (
    CalibrateError,
    Tell,
    embed_picture,
    person_of,
)
from yibao_face.daemon.calibrate.eye import Eye
from yibao_face.daemon.calibrate.interval import Rate
from yibao_face.models.api import Embedding

_PROGRESS = 500


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures, and whether they show the same person."""

    left: Path
    right: Path
    same: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """Errors over the pairs at one threshold. ``unusable``: pairs with a picture of no face."""

    frr: Rate
    far: Rate
    unusable: int


def read_labels(path: Path, files: Sequence[str]) -> dict[str, str]:
    """Label of each picture or person named; ``CalibrateError`` names the line that is wrong."""
    known = {*files, *map(person_of, files)}
    labels: dict[str, str] = {}
    for number, (given, label) in _lines(path, (("picture", "label"), ("person", "label"))):
        where, name = f"{path.name} line {number}", given.replace("\\", "/")
        if name not in known:
            raise CalibrateError(f"{where}: no such picture or person in the folder")
        if not label:
            raise CalibrateError(f"{where}: the label is empty")
        if labels.get(name, label) != label:
            raise CalibrateError(f"{where}: a second label for the same picture or person")
        labels[name] = label
    return labels


def read_pairs(path: Path) -> list[Pair]:
    """Pairs with paths relative to the list; ``CalibrateError`` names the line that is wrong."""
    pairs: list[Pair] = []
    for number, (left, right, same) in _lines(path, (("left", "right", "same"),)):
        where = f"{path.name} line {number}"
        if same not in {"0", "1"}:
            raise CalibrateError(f"{where}: same must be 0 or 1")
        pair = Pair(path.parent / left, path.parent / right, same == "1")
        for side, picture in (("left", pair.left), ("right", pair.right)):
            if not picture.is_file():
                raise CalibrateError(f"{where}: the {side} picture is not there")
        pairs.append(pair)
    if not pairs:
        raise CalibrateError(f"{path.name} lists no pair")
    return pairs


def judge(eye: Eye, pairs: Sequence[Pair], limit: float, tell: Tell) -> Verdict:
    """Compare the pairs, one picture a side, as the daemon would."""
    pictures = sorted({picture for pair in pairs for picture in (pair.left, pair.right)})
    vectors: dict[Path, Embedding | None] = {}
    for n, picture in enumerate(pictures, 1):
        if n % _PROGRESS == 0:
            tell(f"[{n}/{len(pictures)}] …")
        vectors[picture] = _embedding(eye, picture)
    accepted: dict[bool, list[bool]] = {True: [], False: []}
    for pair in pairs:
        left, right = vectors[pair.left], vectors[pair.right]
        if left is not None and right is not None:
            accepted[pair.same].append(float(np.dot(left, right)) >= limit)
    same, other = accepted[True], accepted[False]
    unusable = len(pairs) - len(same) - len(other)
    return Verdict(Rate(same.count(False), len(same)), Rate(sum(other), len(other)), unusable)


def _embedding(eye: Eye, picture: Path) -> Embedding | None:
    try:
        return embed_picture(eye, picture)
    except PhotoError:
        return None


def _lines(path: Path, heads: Sequence[tuple[str, ...]]) -> list[tuple[int, tuple[str, ...]]]:
    """Line numbers and values of a CSV with one of ``heads``."""
    reader = csv.reader(_text(path).splitlines(), strict=True)
    try:
        first: list[str] = next(reader, [""])
        head = tuple(cell.strip().lower() for cell in first)
        if head not in heads:
            wanted = " or ".join(",".join(h) for h in heads)
            raise CalibrateError(f"{path.name} line 1: the head must be {wanted}")
        return [
            (reader.line_num, _cells(path, reader.line_num, row, len(head)))
            for row in reader
            if row
        ]
    except csv.Error as exc:
        raise CalibrateError(f"{path.name} line {reader.line_num}: {exc}") from exc


def _text(path: Path) -> str:
    """Chinese spreadsheets write GBK, others a mark of three bytes in front of UTF-8."""
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise CalibrateError(f"{path.name} cannot be read: {exc.strerror}") from exc
    for charset in ("utf-8-sig", "gb18030"):
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode(charset)
    raise CalibrateError(f"{path.name} is neither UTF-8 nor GBK text")


def _cells(path: Path, number: int, row: Sequence[str], wanted: int) -> tuple[str, ...]:
    cells = tuple(cell.strip() for cell in row)
    if len(cells) != wanted or not all(cells[:1]):
        raise CalibrateError(f"{path.name} line {number}: {wanted} values are needed")
    return cells
