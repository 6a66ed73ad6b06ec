"""The vendor's camera, built once."""

from __future__ import annotations

from pathlib import Path

import pytest
from beds.cabi.vendor import Stage, build


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that keeps to the ABI."""
    return build(tmp_path_factory.mktemp("vendor") / "libvendor.so")


@pytest.fixture
def stage(library: Path, tmp_path: Path) -> Stage:
    """A camera of its own."""
    return Stage(library, tmp_path)
