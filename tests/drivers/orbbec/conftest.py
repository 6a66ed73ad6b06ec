"""The vendor's SDK in a folder of its own, installed from its lock; no camera."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from harness import lacking

from yibao_face.drivers.orbbec.sdk import load

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def runtime() -> str:
    """Folder with pyorbbecsdk, as ``Settings.runtime`` takes it."""
    folder = ROOT / ".dev/orbbec"
    if not (folder / "pyorbbecsdk").is_dir():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        lock = ["--target", str(folder), "-r", str(ROOT / "requirements/orbbec.lock")]
        done = subprocess.run([*pip, *lock], check=False, capture_output=True, timeout=100)
        if done.returncode:
            lacking("pyorbbecsdk2")
    return str(folder)


@pytest.fixture
def sdk(runtime: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, silenced."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    return load("orbbec:", runtime)
