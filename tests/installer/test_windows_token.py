"""Who may read the daemon's token on Windows, under Wine: ``package windows --check``.

Wine keeps of a file's access list what the mode of a file here can hold; so the list itself is
judged by Wine's AccessCheck, and of the file is asked that others have nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path

import pytest
from harness import ROOT, require_file
from setup_bed import Windows, path, windows

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not os.environ.get("YIBAO_FACE_PACKAGED"),
        reason="needs the Windows Python of a build: package windows --check",
    ),
]
PYTHON = ROOT / ".dev" / "windows" / "python" / "python.exe"
ALL = ["read", "write", "delete", "change the list"]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Generator[Windows, None, None]:
    found = windows(ROOT / ".dev" / "windows" / "prefix-standin", tmp_path_factory.mktemp("token"))
    yield found
    found.wine.kill()


def test_another_user_can_take_the_token_away_and_never_read_it(machine: Windows) -> None:
    require_file(PYTHON, "the Windows Python of a build")
    folder = machine.held / "data"
    folder.mkdir()
    probe = Path(__file__).with_name("token_probe.py")
    words = [PYTHON, path(probe), path(ROOT / "daemon" / "door" / "token.py"), path(folder)]
    code, told = machine.wine.call(words, wait_s=120)
    assert 0 == code, told
    found = json.loads(told)

    user = found["user"]
    assert found["replaced"]
    wanted = f"D:P(A;;FA;;;{user})(A;;FA;;;SY)(A;;FA;;;BA)(A;;SD;;;BU)"
    assert wanted == found["asked"]
    assert ALL == found["own"] == found["another's, as administrator"]
    assert ["delete"] == found["another's"]
    assert ";WD)" in found["usual list"]
    assert ";WD)" not in found["list"]
    assert f"(A;;FA;;;{user})" in found["list"]
    assert 0 == (folder / "counter.token").stat().st_mode & 0o007
