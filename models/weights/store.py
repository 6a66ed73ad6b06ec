"""Installed networks in the data folder, and the receipt that says what they must be."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from yibao_face.models.api import (
    ModelAlteredError,
    ModelError,
    ModelMissingError,
    ModelStamp,
)
from yibao_face.models.engine import Network
from yibao_face.models.weights.convert import recipe
from yibao_face.models.weights.manifest import Golden, Manifest, ModelEntry

RECEIPT = "receipt.json"


@dataclass(frozen=True, slots=True)
class WeightStore:
    """The folder of installed networks; reads are checked against its receipt.

    ``carried``: networks that came with the program, in the same form. They are read where
    ``folder`` has not got the very same ones, and never written.
    """

    folder: Path
    manifest: Manifest
    carried: Path | None = None

    def path(self, entry: ModelEntry) -> Path:
        """Where the installed file of ``entry`` lies."""
        return self._home(entry) / entry.file

    def read(self, entry: ModelEntry) -> bytes:
        """The installed bytes; ``ModelMissingError`` or ``ModelAlteredError`` if they are not."""
        path = self.path(entry)
        try:
            data = path.read_bytes()
        except OSError as exc:
            raise ModelMissingError(f"{entry.id} is not installed in {path.parent.name}") from exc
        expected = _receipt(path.parent).get(entry.id)
        if expected is None or expected["source"] != entry.sha256:
            raise ModelMissingError(f"{entry.id} was not installed from the pinned source")
        if hashlib.sha256(data).hexdigest() != expected["sha256"]:
            raise ModelAlteredError(f"{entry.id}: {path.name} is not the file that was installed")
        return data

    def network(self, entry: ModelEntry) -> Network:
        """The installed graph, loaded; raises as ``read`` does."""
        self.read(entry)
        return Network(entry.file, self.path(entry))

    def stamp(self, entry: ModelEntry) -> ModelStamp:
        """Identity for templates and results: the pinned source, the same on every machine."""
        return ModelStamp(entry.id, entry.sha256)

    def write(self, entry: ModelEntry, data: bytes) -> None:
        """Keep a converted file and note it in the receipt; the golden vector is checked first."""
        check_golden(entry, data)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / entry.file
        part = path.with_suffix(".part")
        part.write_bytes(data)
        part.replace(path)
        receipt = _receipt_or_none(self.folder)
        receipt[entry.id] = {
            "sha256": hashlib.sha256(data).hexdigest(),
            "source": entry.sha256,
            "recipe": recipe(entry.convert),
        }
        self._write_receipt(receipt)

    def verify(self, entry: ModelEntry) -> None:
        """Raise as ``read`` does, and ``ModelAlteredError`` when the golden vector differs."""
        check_golden(entry, self.read(entry))

    def recipe(self, entry: ModelEntry) -> str:
        """How the installed file was made; empty where an old version did not say."""
        return _receipt(self._home(entry))[entry.id]["recipe"]

    def _home(self, entry: ModelEntry) -> Path:
        """The folder ``entry`` is read from."""
        if self.carried is None or _lists(self.folder, entry):
            return self.folder
        return self.carried if _lists(self.carried, entry) else self.folder

    def _write_receipt(self, receipt: dict[str, dict[str, str]]) -> None:
        part = self.folder / f"{RECEIPT}.part"
        part.write_text(json.dumps(receipt, indent=1, sort_keys=True), "utf-8")
        part.replace(self.folder / RECEIPT)


def _lists(folder: Path, entry: ModelEntry) -> bool:
    """Whether ``folder`` says it holds ``entry``, made of the pinned source in today's way."""
    noted = _receipt_or_none(folder).get(entry.id)
    made = noted and (noted["source"], noted["recipe"])
    return made == (entry.sha256, recipe(entry.convert))


def _receipt(folder: Path) -> dict[str, dict[str, str]]:
    try:
        body: dict[str, Any] = json.loads((folder / RECEIPT).read_text("utf-8"))
        return {str(k): _noted(v) for k, v in body.items()}
    except OSError as exc:
        raise ModelMissingError(f"no {RECEIPT}: models are not installed") from exc
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise ModelAlteredError(f"{RECEIPT} cannot be read") from exc


def _receipt_or_none(folder: Path) -> dict[str, dict[str, str]]:
    """A missing or broken receipt is started anew: what it vouched for is installed again."""
    try:
        return _receipt(folder)
    except ModelError:
        return {}


def _noted(body: dict[str, Any]) -> dict[str, str]:
    kept = {name: str(body[name]) for name in ("sha256", "source")}
    return {**kept, "recipe": str(body.get("recipe", ""))}


def check_golden(entry: ModelEntry, data: bytes) -> None:
    """Run the golden input; ``ModelAlteredError`` when an output differs from the manifest's."""
    if entry.golden is None:
        return
    found = golden_outputs(entry, entry.golden, data)
    for name, expected in entry.golden.head.items():
        got = found.get(name, np.zeros(0))[: len(expected)]
        want = np.asarray(expected)
        limit = entry.golden.rtol * max(1.0, float(np.abs(want).max()))
        # `not <=` rather than `>`: an output that is not a number is not the golden one.
        if len(got) != len(want) or not float(np.abs(got - want).max()) <= limit:
            raise ModelAlteredError(f"{entry.id}: output {name} differs from its golden vector")


def golden_outputs(
    entry: ModelEntry, golden: Golden, data: bytes
) -> dict[str, npt.NDArray[np.float64]]:
    """Flattened outputs for the golden input; a mesh's own numbers for a mesh."""
    if entry.role == "canonical-face":
        return {"vertices": load_mesh(entry, data).ravel()}
    random = np.random.RandomState(golden.seed)
    picture = (random.rand(*golden.shape) * golden.high).astype(np.float32)
    outputs = Network(entry.file, data).run(picture)
    return {name: value.ravel().astype(np.float64) for name, value in outputs.items()}


def load_mesh(entry: ModelEntry, data: bytes) -> npt.NDArray[np.float64]:
    """The canonical face, (468, 3) mm."""
    try:
        loaded: Any = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as exc:
        raise ModelAlteredError(f"{entry.id}: {entry.file} is not an array") from exc
    # An .npz loads as a mapping, a text array as an array: neither is a mesh.
    if not isinstance(loaded, np.ndarray) or loaded.dtype.kind != "f" or loaded.shape != (468, 3):
        raise ModelAlteredError(f"{entry.id}: {entry.file} is not a mesh of 468 points")
    mesh: npt.NDArray[np.float64] = np.asarray(loaded, dtype=np.float64)
    return mesh
