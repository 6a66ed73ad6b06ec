"""The office over both engines, and over the embedded one where the engine does not matter."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from center_bed import Postgres, postgres
from office_bed import Bureau, bureau


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
def both(url: str | None, tmp_path: Path) -> Generator[Bureau, None, None]:
    """A running office over each engine."""
    with bureau(tmp_path / "center", url) as made:
        yield made


@pytest.fixture
def office(tmp_path: Path) -> Generator[Bureau, None, None]:
    """A running office over SQLite."""
    with bureau(tmp_path / "center") as made:
        yield made
