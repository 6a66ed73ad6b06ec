"""A vendor with a release, and a counter that runs the version before."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from update_site import Counter, Vendor


@pytest.fixture
def vendor(tmp_path: Path) -> Vendor:
    return Vendor(tmp_path / "vendor")


@pytest.fixture(params=["symlink", "pointer"])
def counter(
    request: pytest.FixtureRequest, tmp_path: Path, vendor: Vendor
) -> Generator[Counter, None, None]:
    made = Counter(tmp_path / "柜台 PC" / "opt", tmp_path / "data", request.param).trust(vendor)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def pc(tmp_path: Path, vendor: Vendor) -> Generator[Counter, None, None]:
    """A counter where it does not matter how versions are switched."""
    made = Counter(tmp_path / "opt", tmp_path / "data").trust(vendor)
    made.start()
    yield made
    assert {"current", "app-1.0.0"} <= made.folders()
    made.stop()
