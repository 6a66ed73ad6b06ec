"""One command for every kind of package."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from yibao_face.installer.every import KINDS, options_of


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("check", [True, False])
def test_each_kind_is_made_as_it_is_by_itself(kind: str, check: bool) -> None:
    alone = argparse.ArgumentParser()
    KINDS[kind].add_arguments(alone)
    root = Path("vendor") / "root.json"

    found = options_of(KINDS[kind], argparse.Namespace(root=root, check=check))

    assert {**vars(alone.parse_args([])), "root": root, "check": check} == vars(found)


def test_the_command_knows_it() -> None:
    command = [sys.executable, "-m", "yibao_face.installer", "all", "--help"]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    assert "--root" in told
    assert "--check" in told
