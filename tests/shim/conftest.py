"""The library, built from its sources for a settings file of the test's own."""

from __future__ import annotations

import sys

import pytest
from shim_server import Library, built


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """``libHisCallFace.so`` with another place of its settings, else as it is shipped."""
    if sys.platform == "win32":
        pytest.skip("the Linux library is built here")
    return built(tmp_path_factory.mktemp("library"))
