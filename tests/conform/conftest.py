"""The conformance host in a thread: real daemon, real networks, invented persons."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from conform_host import opened, staged

from yibao_face.daemon.config import Config
from yibao_face.models.suite import FaceModels


@pytest.fixture(scope="module")
def port(
    home: Config, models: FaceModels, clips: Path, tmp_path_factory: pytest.TempPathFactory
) -> Generator[int, None, None]:
    """Port of a conformance host with the cast enrolled."""
    config = staged(home, models, clips, tmp_path_factory.mktemp("conform"))
    with opened(config, clips) as found:
        yield found
