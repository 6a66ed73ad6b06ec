"""The daemon's token is its owner's alone, whatever lay in its place."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from yibao_face.daemon.config import Config
from yibao_face.daemon.door.client import ClientError, caller_of
from yibao_face.daemon.door.token import token_file, write_token

NOBODY = 65_534
as_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be somebody else"
)


@pytest.fixture
def shared() -> Generator[Path, None, None]:
    """A data folder every user of the machine may look into."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@contextmanager
def as_nobody() -> Generator[None, None, None]:
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("name", ["counter.token", "counter.part"])
def test_what_others_could_read_is_replaced_and_not_written_to(tmp_path: Path, name: str) -> None:
    left = tmp_path / name
    left.write_text("old", "ascii")
    left.chmod(0o666)
    with left.open(encoding="ascii") as opened:
        token = write_token(token_file(tmp_path))
        assert "old" == opened.read()

    assert [token_file(tmp_path)] == list(tmp_path.iterdir())
    assert token == token_file(tmp_path).read_text("ascii")
    assert 0o600 == token_file(tmp_path).stat().st_mode & 0o777


def test_every_start_draws_another(tmp_path: Path) -> None:
    file = token_file(tmp_path)

    assert 3 == len({write_token(file) for _ in range(3)})


@as_root
def test_another_user_does_not_read_it(shared: Path) -> None:
    token = write_token(token_file(shared))
    done = subprocess.run(
        ["/bin/cat", token_file(shared)], capture_output=True, user=NOBODY, check=False
    )

    assert 0 != done.returncode
    assert token.encode() not in done.stdout


@as_root
def test_another_user_who_asks_is_told_whose_the_daemon_is(shared: Path) -> None:
    write_token(token_file(shared))
    with as_nobody(), pytest.raises(ClientError, match="another user's"):
        caller_of(Config(shared), clerk=True)
