"""Real models and demo clips for every test: installed once, into a folder of the tests' own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from filelock import FileLock
from harness import FIRST, HOME, LONG_FILES, SECOND, link_folder, loaded, shared

from yibao_face.daemon.booth.still.photo import enrol
from yibao_face.daemon.config import Config
from yibao_face.daemon.demo.picture.clips import has_clips, make_clips, subject
from yibao_face.daemon.demo.picture.portraits import load_portrait
from yibao_face.daemon.demo.picture.scene import Subject
from yibao_face.daemon.gallery.gallery import Enrolment, Numbers
from yibao_face.daemon.section import CameraConfig, DoorConfig, EncounterConfig
from yibao_face.daemon.wiring import gallery_of, weight_store
from yibao_face.models.suite import FaceModels
from yibao_face.models.weights.install import install


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files, then the others as they were found."""
    place = {name: at for at, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: place.get(item.nodeid.split("::")[0], len(LONG_FILES)))


@pytest.fixture(scope="session")
def home() -> Config:
    """A data folder with the installed networks and the demo clips; shared, never written to."""
    config = Config(HOME)
    clips = HOME / "clips"
    HOME.mkdir(parents=True, exist_ok=True)
    # Tests run in several processes: one of them fills the folder, the others wait.
    with FileLock(HOME / "filling.lock"):
        install(weight_store(config), config.downloads, lambda _line: None)
        if not has_clips(clips):
            with loaded(config) as models:
                make_clips(models, config.downloads, clips, 1, lambda _line: None)
    return config


@pytest.fixture(scope="session")
def models(home: Config) -> FaceModels:
    """All networks, loaded once: the daemons of the tests use the same."""
    found = shared(home)
    assert found is not None
    return found


@pytest.fixture(scope="session")
def clips(home: Config) -> Path:
    """Folder of the demo clips (`live-first.rgbd`, `flat-first.rgbd`, …)."""
    return home.data / "clips"


@pytest.fixture(scope="session")
def portrait(home: Config) -> Callable[[str], bytes]:
    """Bytes of a demo portrait (`first-1`, `first-2`, `first-3`, `second`, `third`)."""
    return lambda name: load_portrait(name, home.downloads)


@pytest.fixture(scope="session")
def person(models: FaceModels, home: Config) -> Callable[[str], Subject]:
    """A portrait (`first-2`, `second`, `third`) with its dense face."""

    @cache
    def person(name: str) -> Subject:
        return subject(models, home.downloads, name)

    return person


@pytest.fixture
def site(home: Config, tmp_path: Path) -> Config:
    """A fresh data folder with the installed networks, no person, no result, any free port."""
    link_folder(tmp_path / "models", home.models)
    return Config(
        tmp_path,
        door=DoorConfig(port=0),
        camera=CameraConfig(f"replay:{tmp_path / 'before-camera.rgbd'}", silence_s=1.0),
        encounter=EncounterConfig(deadline_s=20.0, capture_s=3.0),
    )


@pytest.fixture(scope="session")
def enrolled(
    models: FaceModels,
    portrait: Callable[[str], bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A data folder with two persons enrolled and nothing else: to be copied, never opened."""
    data = tmp_path_factory.mktemp("enrolled")
    for number, name, photos in (
        (FIRST, "张三", ["first-1", "first-3"]),
        (SECOND, "李四", ["second"]),
    ):
        enrolment = Enrolment(Numbers(number), name, "v1", "photo:test", "2026-11-22")
        enrol(gallery_of(Config(data)), models, enrolment, [portrait(p) for p in photos])
    return data


@pytest.fixture
def cast(site: Config, enrolled: Path) -> Config:
    """`site` with two persons enrolled: FIRST from two photographs, SECOND from one."""
    shutil.copytree(enrolled, site.data, dirs_exist_ok=True)
    return site
