"""The office as its operator starts it: the first user by command, the log checked by command."""

from __future__ import annotations

import re
import ssl
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from office_bed import Person
from sqlalchemy import update

from yibao_face.daemon.cli.main import main
from yibao_face.sync.center.center import open_center
from yibao_face.sync.center.office.store.tables import AUDIT


@contextmanager
def serving(folder: Path, *more: str) -> Generator[int, None, None]:
    program = [sys.executable, "-m", "yibao_face.daemon.cli.main", "center", "serve"]
    command = [*program, "--data", str(folder), "--port", "0", "--office-port", "0", *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = (process.stdout.readline(), process.stdout.readline())
            found = re.fullmatch(r"office https://127\.0\.0\.1:(\d+)\n", lines[0])
            assert found is not None, lines
            assert lines[1].startswith("ready https://127.0.0.1:")
            yield int(found[1])
            process.terminate()
            assert 0 == process.wait(30)
        finally:
            process.kill()


def test_from_the_first_user_to_the_checked_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, seed = tmp_path / "center", tmp_path / "centre.key"
    data = ("--data", str(folder))
    assert 0 == main(["center", "init", *data])
    assert 0 == main(["policy", "keygen", "-o", str(seed)])
    capsys.readouterr()
    assert 0 == main(["center", "user", "add", *data, "--name", "first"])
    password = capsys.readouterr().out.strip()
    assert 0o600 == (folder / "office-secret.bin").stat().st_mode & 0o777
    with serving(folder, "--sign-key", str(seed)) as port:
        context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
        person = Person(port, context)
        assert person.sign_in("first", password).body["must_change"]
        person.post("/session/password", {"old": password, "new": "My-Own-Secret-1"})
        assert person.get("/settings")["signing"]
        person.close()

    capsys.readouterr()
    assert 0 == main(["center", "office", "audit", "verify", *data])
    assert "whole: 3 entries\n" == capsys.readouterr().out
    with open_center(folder) as center, center.database.writing() as db:
        db.execute(update(AUDIT).where(AUDIT.c.seq == 2).values(who="nobody"))
    assert 1 == main(["center", "office", "audit", "verify", *data])
    told = capsys.readouterr().err
    assert "yibao-face: the log was altered: entry 2 does not fit\n" == told


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--name", "First!"), "a login name has 2 to 32 small letters, digits and ._- only"),
        (("--name", "li", "--scope", "region:99"), "is neither * nor a region or institution"),
        (("--name", "first"), "user first exists"),
    ],
)
def test_a_user_that_cannot_be_made_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], told: str
) -> None:
    data = ("--data", str(tmp_path / "center"))
    assert 0 == main(["center", "init", *data])
    assert 0 == main(["center", "user", "add", *data, "--name", "first"])

    assert 1 == main(["center", "user", "add", *data, *more])
    assert told in capsys.readouterr().err


def test_a_taken_port_ends_the_centre_in_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "center"
    assert 0 == main(["center", "init", "--data", str(folder)])
    with serving(folder) as port:
        program = [sys.executable, "-m", "yibao_face.daemon.cli.main", "center", "serve"]
        command = [*program, "--data", str(folder), "--port", "0", "--office-port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert 1 == done.returncode
    assert f"port {port} cannot be opened" in done.stderr.splitlines()[-1]
