"""Fetches what the web pages use of others before a wheel is packed, and packs the source to the
same bytes where ``SOURCE_DATE_EPOCH`` says of when; the rest is in setup.cfg.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

sys.path.insert(0, str(Path(__file__).resolve().parent / "tools"))

from assets import fetch


class BuildPy(build_py):
    """A wheel carries the assets; a checkout gets them from ``tools/start.py``."""

    def run(self) -> None:
        """Fetch, then collect the files."""
        if not self.editable_mode:
            fetch("ship")
        super().run()


class Sdist(sdist):
    """As setuptools' own, which knows nothing of ``SOURCE_DATE_EPOCH`` though its wheels do."""

    def make_release_tree(self, base_dir: str, files: Any) -> None:
        """Every file and folder as old as the source."""
        super().make_release_tree(base_dir, files)
        if "SOURCE_DATE_EPOCH" in os.environ:
            at = int(os.environ["SOURCE_DATE_EPOCH"])
            for path in (Path(base_dir), *Path(base_dir).rglob("*")):
                os.utime(path, (at, at))

    def make_archive(self, *given: Any, **more: Any) -> str:
        """The head of the packed file tells a time as well: its bytes 4 to 8."""
        made = str(super().make_archive(*given, **more))
        if made.endswith(".gz") and "SOURCE_DATE_EPOCH" in os.environ:
            with Path(made).open("r+b") as file:
                file.seek(4)
                file.write(int(os.environ["SOURCE_DATE_EPOCH"]).to_bytes(4, "little"))
        return made


setup(cmdclass={"build_py": BuildPy, "sdist": Sdist})
