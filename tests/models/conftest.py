"""The demo portraits as pictures, with the face in each; nothing of them is written down."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path

import pytest

from yibao_face.daemon.booth.still.photo import Image, decode
from yibao_face.daemon.config import Config
from yibao_face.daemon.wiring import weight_store
from yibao_face.drivers.clip import ClipReader, Planes
from yibao_face.models.api import Detection
from yibao_face.models.suite import FaceModels
from yibao_face.models.weights.store import RECEIPT, WeightStore


@pytest.fixture(scope="session")
def installed(home: Config) -> WeightStore:
    """The shared store of installed networks; never written to."""
    return weight_store(home)


@pytest.fixture(scope="session")
def picture(portrait: Callable[[str], bytes]) -> Callable[[str], Image]:
    """A portrait by name, decoded once."""

    @cache
    def picture(name: str) -> Image:
        return decode(portrait(name), name)

    return picture


@pytest.fixture(scope="session")
def face(picture: Callable[[str], Image], models: FaceModels) -> Callable[[str], Detection]:
    """The refined face of a portrait."""

    @cache
    def face(name: str) -> Detection:
        image = picture(name)
        [found] = models.detector.find(image)
        return models.detector.refine(image, found)

    return face


@pytest.fixture(scope="session")
def shots(clips: Path) -> Callable[[str], list[Planes]]:
    """The first three exposures of a demo clip."""

    @cache
    def shots(name: str) -> list[Planes]:
        return list(islice(ClipReader(clips / f"{name}.rgbd").frames(), 3))

    return shots


@pytest.fixture
def store(installed: WeightStore, tmp_path: Path) -> WeightStore:
    """The small networks in a folder of the test's own."""
    folder = tmp_path / "models"
    folder.mkdir()
    for role in ("detector", "canonical-face"):
        entry = installed.manifest.by_role(role)
        shutil.copyfile(installed.path(entry), folder / entry.file)
    shutil.copyfile(installed.folder / RECEIPT, folder / RECEIPT)
    return replace(installed, folder=folder)
