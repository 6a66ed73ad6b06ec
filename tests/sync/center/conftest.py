"""The same tests over both engines."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from center_bed import Postgres, Site, postgres, running


@pytest.fixture(scope="session")
def cluster() -> Generator[Postgres, None, None]:
    """A PostgreSQL server."""
    with postgres() as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def make_url(request: pytest.FixtureRequest) -> Callable[[], str | None]:
    """URLs of empty databases of one engine; ``None``: the embedded one."""
    if request.param == "sqlite":
        return lambda: None
    made: Postgres = request.getfixturevalue("cluster")
    return made.new_database


@pytest.fixture
def url(make_url: Callable[[], str | None]) -> str | None:
    """URL of an empty database; ``None``: the embedded one."""
    return make_url()


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
