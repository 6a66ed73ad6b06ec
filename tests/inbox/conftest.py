"""One counter for each test."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from inbox_bed import Counter, counter_at


@pytest.fixture
def counter(tmp_path: Path) -> Generator[Counter, None, None]:
    """A counter with nobody enrolled and nothing taken in."""
    with counter_at(tmp_path / "data") as counter:
        yield counter
