"""Fetches what the web pages use of others before a wheel is packed; the rest is in setup.cfg."""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

sys.path.insert(0, str(Path(__file__).resolve().parent / "tools"))

from assets import fetch


class BuildPy(build_py):
    """A wheel carries the assets; a checkout gets them from ``tools/start.py``."""

    def run(self) -> None:
        """Fetch, then collect the files."""
        if not self.editable_mode:
            fetch("ship")
        super().run()


setup(cmdclass={"build_py": BuildPy})
