"""Results of a block of seeds as one small file, written whole or not at all; and what made them.

A folder holds the results of one engine. Its stamp says which; another engine is refused there.
"""

from __future__ import annotations

import io
import json
import os
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from yibao_face.daemon.evaluate.result import EvaluateError, Response, Result

STAMP = "engine.json"
_NAME = re.compile(r"(?P<species>[a-z0-9-]+)\.(?P<first>\d+)-(?P<stop>\d+)\.npz")
_NUMBERS = ("features", "baselines")
_BROKEN = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)


@dataclass(frozen=True, slots=True)
class Block:
    """Seeds ``first`` up to, not including, ``stop`` of one species."""

    species: str
    first: int
    stop: int

    @property
    def file(self) -> str:
        """Name of its shard."""
        return f"{self.species}.{self.first:07d}-{self.stop:07d}.npz"

    @property
    def seeds(self) -> range:
        """All of them."""
        return range(self.first, self.stop)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What decides the outcome of a seed: results of two stamps never mix."""

    policy: str
    engine: str
    challenge: bool
    test: bool


def claim(folder: Path, stamp: Stamp) -> None:
    """Make ``folder`` one of ``stamp``; ``EvaluateError`` where it is another's."""
    path = folder / STAMP
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _write(path, json.dumps(asdict(stamp), indent=1).encode())
            return
        held: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as exc:
        raise EvaluateError(f"{folder.name}: {STAMP} cannot be used: {exc}") from exc
    if held != asdict(stamp):
        raise EvaluateError(
            f"{folder.name} holds results of another engine ({_difference(held, stamp)}): "
            "results do not mix, take another --out"
        )


def blocks_in(folder: Path) -> list[Block]:
    """What has been done, in order."""
    found = (_NAME.fullmatch(path.name) for path in folder.glob("*.npz"))
    return sorted(
        (Block(m["species"], int(m["first"]), int(m["stop"])) for m in found if m),
        key=lambda block: (block.species, block.first),
    )


def save(folder: Path, block: Block, results: Sequence[Result]) -> None:
    """Write the results of ``block``."""
    rows = [_row(result) for result in results]
    arrays: dict[str, Any] = {"rows": np.frombuffer(json.dumps(rows).encode(), np.uint8)}
    for kind in _NUMBERS:
        names, table = _table([getattr(result, kind) for result in results])
        arrays[kind] = table
        arrays[f"{kind}_names"] = np.array(names, dtype="U")
    part = folder / f"{block.file}.{os.getpid()}.part"
    with part.open("wb") as file:
        np.savez_compressed(file, **arrays)
    part.replace(folder / block.file)


def load(folder: Path) -> Iterator[Result]:
    """Every result, shard by shard, each seed once; ``EvaluateError`` for a broken file."""
    seen: tuple[str, int] = ("", 0)
    for block in blocks_in(folder):
        stop = seen[1] if block.species == seen[0] else 0
        yield from (result for result in _read(folder / block.file) if result.seed >= stop)
        seen = block.species, max(stop, block.stop)


def _read(path: Path) -> list[Result]:
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as held:
            rows: list[list[Any]] = json.loads(held["rows"].tobytes())
            numbers = [_named(held[f"{kind}_names"], held[kind]) for kind in _NUMBERS]
    except _BROKEN as exc:
        raise EvaluateError(f"{path.name} is broken, delete it to have it made again") from exc
    return [
        Result(species, seed, sensor, distance, group, Response(outcome), cause, frames, *measured)
        for (species, seed, sensor, distance, group, outcome, cause, frames), *measured in zip(
            rows, *numbers, strict=True
        )
    ]


def _row(result: Result) -> list[Any]:
    return [
        *(result.species, result.seed, result.sensor, result.distance_mm, result.group),
        *(result.outcome.value, result.cause, result.frames),
    ]


def _table(rows: Sequence[dict[str, float]]) -> tuple[list[str], npt.NDArray[np.float32]]:
    """Names, and a row of numbers for each; NaN: this row has none of that name."""
    names = sorted({name for row in rows for name in row})
    cells = [[row.get(name, np.nan) for name in names] for row in rows]
    return names, np.array(cells, np.float32).reshape(len(rows), len(names))


def _named(names: npt.NDArray[np.str_], table: npt.NDArray[np.float32]) -> list[dict[str, float]]:
    keys = [str(name) for name in names]
    return [
        {k: v for k, v in zip(keys, row, strict=True) if v == v}  # noqa: PLR0124  # NaN is not
        for row in table.tolist()
    ]


def _difference(held: Any, stamp: Stamp) -> str:
    mine = asdict(stamp)
    if not isinstance(held, dict):
        return STAMP
    return ", ".join(
        f"{k} {held.get(k)!r}, now {mine[k]!r}" for k in mine if held.get(k) != mine[k]
    )


def _write(path: Path, data: bytes) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(data)
    part.replace(path)
