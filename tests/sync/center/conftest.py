"""The same tests over both engines."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from center_bed import Postgres, Site, postgres, running


@pytest.fixture(scope="session")
def cluster() -> Generator[Postgres, None, None]:
    """A PostgreSQL server."""
    with postgres() as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str | None:
    """URL of an empty database; ``None``: the embedded one."""
    if request.param == "sqlite":
        return None
    made: Postgres = request.getfixturevalue("cluster")
    return made.new_database()


@pytest.fixture
def site(url: str | None, tmp_path: Path) -> Generator[Site, None, None]:
    """A running centre over each engine."""
    with running(tmp_path / "center", url) as made:
        yield made


@pytest.fixture
def embedded(tmp_path: Path) -> Generator[Site, None, None]:
    """A running centre over SQLite, where the engine does not matter."""
    with running(tmp_path / "center") as made:
        yield made
