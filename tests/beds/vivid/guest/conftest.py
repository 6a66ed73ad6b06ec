"""These tests need vivid's nodes: they run inside the machine ``test_in_guest.py`` boots."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from beds.vivid.guest.rig import Rig

if os.environ.get("YIBAO_FACE_GUEST") != "vivid":
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session")
def rig() -> Generator[Rig]:
    with Rig() as made:
        yield made


@pytest.fixture(autouse=True)
def whole(rig: Rig) -> Generator[None]:
    """Every test finds both cameras plugged in and well."""
    rig.heal()
    yield
    rig.heal()
