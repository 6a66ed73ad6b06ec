"""A centre, a machine bound to it, and one that is not."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from uplink_bed import Centre, Machine, centre


@pytest.fixture
def site(tmp_path: Path) -> Generator[Centre, None, None]:
    """A running centre over SQLite."""
    with centre(tmp_path / "center") as made:
        yield made


@pytest.fixture
def stranger(site: Centre, tmp_path: Path) -> Generator[Machine, None, None]:
    """A machine nobody has bound."""
    machine = Machine(tmp_path / "counter", site.place)
    yield machine
    machine.uplink.stop()
    machine.close()


@pytest.fixture
def counter(site: Centre, stranger: Machine) -> Machine:
    """A machine bound to the centre."""
    stranger.enrol(site)
    return stranger
