"""What goes wrong at a counter, through the setup under Wine: ``package windows --check``.

Each time an exit code that says which, and the machine as it was.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness import ROOT, lacking, require
from setup_bed import ROOT_KEY, RUN_KEY, Windows, clean, path, stand_in, windows
from ui_bed import until

from yibao_face.installer.command import run
from yibao_face.installer.windows.wine import COMPILER

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not os.environ.get("YIBAO_FACE_PACKAGED"),
        reason="made and checked by: package windows --check",
    ),
]
HERE = Path(__file__).resolve().parent
ORG = "org_code = H44010600001"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Generator[Windows, None, None]:
    """A Windows with nothing of ours."""
    found = windows(
        ROOT / ".dev" / "windows" / "prefix-standin", tmp_path_factory.mktemp("trouble")
    )
    (found.wine.drive / "his 程序").mkdir(exist_ok=True)
    clean(found)
    yield found
    clean(found)
    found.wine.kill()


@pytest.fixture(scope="module")
def setup(machine: Windows) -> Path:
    return stand_in(machine, "0.1.0")


def answers(machine: Windows, text: str = ORG) -> str:
    file = machine.held / "answer.ini"
    file.write_text(f"[install]\n{text}\n", "utf-8")
    return f'/ANSWER="{path(file)}"'


def nothing_is_there(machine: Windows, program: Path | None = None) -> None:
    folder = program or machine.program
    assert not folder.exists() or [] == list(folder.rglob("*"))
    assert machine.value(ROOT_KEY, "Version") is None
    assert machine.value(RUN_KEY, "yibao-face") is None


def test_without_rights_nothing_is_begun(machine: Windows, setup: Path) -> None:
    """Under a token without administrators, as the clerk's account has."""
    plain = machine.held / "plain.exe"
    words = ["-municode", "-s", HERE / "plain.c", "-o", plain, "-ladvapi32"]
    run([require(COMPILER), *words])
    line = f'"{path(setup)}" /S {answers(machine)}'
    code, told = machine.wine.call([plain], more={"PLAIN": line}, wait_s=60)

    assert 2 == code, told
    nothing_is_there(machine)


def test_a_folder_with_chinese_and_blanks_is_as_good(machine: Windows, setup: Path) -> None:
    place = machine.wine.drive / "医保 程序"
    assert 0 == machine.setup(setup, answers(machine), r"/D=C:\医保 程序")

    assert "app-0.1.0\n" == (place / "current.txt").read_text("ascii")
    # The console of Wine has no Chinese to print it.
    command = machine.value(RUN_KEY, "yibao-face") or ""
    assert command.endswith(r'\yibao-face-agent.exe" agent --wait')
    assert 0 == machine.uninstall("/PURGE", folder=place)
    nothing_is_there(machine, place)


@contextmanager
def drive(machine: Windows, folder: Path, size: str) -> Generator[Path, None, None]:
    """A small drive E."""
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if subprocess.run(words, check=False, capture_output=True).returncode != 0:
        lacking("a file system of its own (mount)")
    letter = machine.wine.prefix / "dosdevices" / "e:"
    letter.unlink(missing_ok=True)
    letter.symlink_to(folder)
    try:
        yield folder
    finally:
        letter.unlink()
        run(["umount", folder])


def test_a_full_disk_leaves_nothing_behind(machine: Windows, tmp_path: Path) -> None:
    large = stand_in(machine, "0.1.2", large_bytes=6_000_000)
    with drive(machine, tmp_path / "small", "2m") as small:
        assert 2 == machine.setup(large, answers(machine), r"/D=E:\YibaoFace")
        assert [] == list(small.rglob("*"))
    nothing_is_there(machine)


def test_two_setups_at_once_do_not_meet(machine: Windows, setup: Path) -> None:
    hold = machine.data / "hold"
    machine.data.mkdir(exist_ok=True)
    hold.touch()
    (machine.data / "calls.txt").unlink(missing_ok=True)
    with machine.begun(setup, answers(machine)) as first:
        try:
            until(lambda: "setup test" in asked(machine), 60)
            assert 2 == machine.setup(setup, answers(machine))
        finally:
            hold.unlink()
        assert 0 == first.wait(60)

    assert "0.1.0" == machine.value(ROOT_KEY, "Version")
    clean(machine)


def asked(machine: Windows) -> str:
    return machine.calls() if (machine.data / "calls.txt").is_file() else ""


def test_what_was_broken_off_is_no_hindrance(machine: Windows, setup: Path) -> None:
    half = machine.program / "app-0.1.0.new" / "_internal"
    half.mkdir(parents=True)
    (half / "part.dll").write_bytes(b"half")
    (machine.program / "current.new").write_text("app-0.1.0\n", "ascii")
    (machine.program / "update").mkdir(exist_ok=True)
    (machine.program / "update" / "keeper").write_text("app-0.0.9\n", "ascii")

    assert 0 == machine.setup(setup, answers(machine))
    assert ["app-0.1.0"] == [one.name for one in machine.program.glob("app-*")]
    assert not (machine.program / "update" / "keeper").exists()
    assert not (machine.program / "current.new").exists()
    clean(machine)


def test_what_is_to_be_mended_is_told_and_installed_all_the_same(machine: Windows) -> None:
    troubled = stand_in(machine, "0.1.3", ["offline", "bare", "barred"])
    assert 0 == machine.setup(troubled, answers(machine))

    report = (machine.data / "logs" / "install-report.txt").read_text("utf-16")
    for word in ("no answer", "no registry", "no settings", "update key"):
        assert word in report
    clean(machine)
