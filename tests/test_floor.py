"""Which glibc each installed package asks for, and by which file."""

from __future__ import annotations

import shutil
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
from harness import require
from tool_bed import script

from yibao_face.installer.bundle.elf import glibc_floor, read_elves

floor = script("floor")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no glibc")


def test_the_newest_demand_of_a_package_is_told_with_its_file(tmp_path: Path) -> None:
    require("objdump")
    for file in distribution("psutil").files or []:
        source, to = Path(str(file.locate())), tmp_path / str(file)
        if source.is_file() and ".." not in file.parts:
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, to)
    [(glibc, name, path)] = floor.floors(tmp_path)

    assert "psutil" == name
    assert (glibc, glibc) > ((2, 0), (2, 0))
    assert glibc == glibc_floor(read_elves(tmp_path.rglob("*.so")))
    assert path.is_relative_to(tmp_path)
