"""The launcher starts the version that is named; a switch that was cut off is undone first."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from harness import lacking, require, require_file
from shim_bed import WINE
from update_site import NEW, OLD, Counter, Vendor, cut_off

from yibao_face.installer.command import PackageError
from yibao_face.installer.update.swap.launcher import build_launcher
from yibao_face.installer.update.swap.lock import take

ECHO = r"""
#include <stdio.h>
#include <string.h>
int main(int n, char **w) {
    const char *at = strstr(w[0], "app-");
    printf("%.9s", at ? at : "?");
    for (int i = 1; i < n; i++) printf("|%s", w[i]);
    printf("\n");
    return n > 1 && strcmp(w[1], "update") != 0 ? 7 : BROKEN;
}
"""


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The launcher, and a program that tells what it was started as."""
    compiler = require("cc")
    folder = tmp_path_factory.mktemp("launcher")
    build_launcher(folder / "yibao-face")
    (folder / "echo.c").write_text(ECHO, "utf-8")
    for name, code in (("echo", 0), ("broken", 1)):
        words = [compiler, f"-DBROKEN={code}", "-o", folder / name, folder / "echo.c"]
        subprocess.run(words, check=True)
    return folder


@pytest.fixture
def root(built: Path, tmp_path: Path) -> Path:
    """Two versions and the launcher, in a folder with blanks and Chinese in its name."""
    root = tmp_path / "医保 核验"
    (root / "update").mkdir(parents=True)
    shutil.copy(built / "yibao-face", root)
    for version in (OLD, NEW):
        (root / version.folder).mkdir()
        shutil.copy(built / "echo", root / version.folder / "yibao-face")
    return root


def started(root: Path, *words: str, name: str = "yibao-face") -> tuple[int, str, str]:
    done = subprocess.run([root / name, *words], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("line", ["app-1.1.0", "app-1.1.0\n", "app-1.1.0\r\n"])
def test_the_version_of_the_pointer_is_started_with_the_words_given(root: Path, line: str) -> None:
    (root / "current.txt").write_bytes(line.encode())

    assert (7, "app-1.1.0|serve|a b|中文|\n", "") == started(root, "serve", "a b", "中文", "")


def test_the_version_of_the_link_is_started(root: Path) -> None:
    (root / "current").symlink_to("app-1.0.0")

    assert (7, "app-1.0.0|serve\n", "") == started(root, "serve")


def test_another_programs_launcher_starts_that_one(root: Path) -> None:
    (root / "current.txt").write_text("app-1.0.0\n")
    shutil.copy(root / "yibao-face", root / "yibao-face-agent")
    shutil.copy(root / "app-1.0.0" / "yibao-face", root / "app-1.0.0" / "yibao-face-agent")

    assert 7 == started(root, "serve", name="yibao-face-agent")[0]


def test_a_link_to_the_launcher_finds_its_folder(root: Path, tmp_path: Path) -> None:
    (root / "current.txt").write_text("app-1.0.0\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "yibao-face").symlink_to(root / "yibao-face")

    assert (7, "app-1.0.0|serve\n", "") == started(tmp_path / "bin", "serve")


def test_the_one_that_began_a_switch_is_asked_first(root: Path) -> None:
    (root / "current.txt").write_text("app-1.1.0\n")
    (root / "update" / "keeper").write_text("app-1.0.0\n")

    _, out, _ = started(root, "serve")
    assert "app-1.0.0|update|resume|--no-restart\napp-1.1.0|serve\n" == out


def test_where_nothing_could_be_put_right_the_keeper_serves(root: Path, built: Path) -> None:
    """The daemon's user may not write where versions lie; what is named is in doubt then."""
    (root / "current.txt").write_text("app-1.1.0\n")
    (root / "update" / "keeper").write_text("app-1.0.0\n")
    shutil.copy(built / "broken", root / "app-1.0.0" / "yibao-face")

    _, out, _ = started(root, "serve")
    assert "app-1.0.0|update|resume|--no-restart\napp-1.0.0|serve\n" == out


@pytest.mark.parametrize(
    "line",
    [
        *("", "\n", "app-", "app-1.1", "app-1.1.0.0", "app-1.1.x", "../app-1.1.0", "app-1.1.0/.."),
        *("app-1.1.0\napp-1.0.0", "app-1.1.0\0", "app-..", "app-1..0", " app-1.1.0"),
        *("app-1.1.0000000", "x" * 5000),
    ],
)
def test_a_pointer_that_names_no_version_starts_nothing(root: Path, line: str) -> None:
    (root / "current.txt").write_bytes(line.encode())

    code, out, err = started(root, "serve")
    assert (127, "") == (code, out)
    assert "请重新安装" in err


def test_where_the_named_version_is_gone_the_keeper_serves(root: Path) -> None:
    (root / "current.txt").write_text("app-1.1.0\n")
    (root / "update" / "keeper").write_text("app-1.0.0\n")
    shutil.rmtree(root / "app-1.1.0")

    assert started(root, "serve")[1].endswith("app-1.0.0|serve\n")


def test_after_a_power_failure_the_launcher_brings_the_old_version_back(
    built: Path, vendor: Vendor, counter: Counter
) -> None:
    """The whole way: launcher, the old program's ``update resume``, then the old program."""
    shutil.copy(built / "yibao-face", counter.root)
    settings = (
        f"data = {str(counter.data)!r}\nrestart = ['true']\nswitch = {counter.kind!r}\n"
        f"platform = 'linux-x86_64'\n"
    )
    (counter.place.own / "update.toml").write_text(settings, "utf-8")
    vendor.release()
    counter.updater().take(vendor.stick())
    assert cut_off(lambda at: counter.updater(at).apply(), "watch")
    assert NEW == counter.current

    environment = {**os.environ, "YIBAO_FACE_ROOT": str(counter.root)}
    done = subprocess.run(
        [counter.root / "yibao-face", "--version"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert "yibao-face 1.0.0" == done.stdout.splitlines()[-1], done
    assert OLD == counter.current
    assert "1.1.0" == counter.updater().state().waiting


@pytest.mark.parametrize("alive", [False, True], ids=["updater-died", "updater-at-work"])
def test_a_daemon_without_rights_runs_the_version_that_is_not_in_doubt(
    built: Path, vendor: Vendor, alive: bool
) -> None:
    """Started by the system as its own user, who may change nothing below the root."""
    if os.geteuid() != 0:
        lacking("an administrator")
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        counter = Counter(Path(name) / "root", Path(name) / "data").trust(vendor)
        shutil.copy(built / "yibao-face", counter.root)
        settings = f"data = '{counter.data}'\nrestart = ['true']\nplatform = 'linux-x86_64'\n"
        (counter.place.own / "update.toml").write_text(settings, "utf-8")
        vendor.release()
        counter.updater().take(vendor.stick())
        assert cut_off(lambda at: counter.updater(at).apply(), "watch")
        counter.stop()
        held = take(counter.place.lock) if alive else None
        done = subprocess.run(
            [counter.root / "yibao-face", "--version"],
            capture_output=True,
            text=True,
            check=False,
            user=65534,
            group=65534,
            extra_groups=[],
            env={"YIBAO_FACE_ROOT": str(counter.root), "PATH": os.environ["PATH"]},
        )
        if held is not None:
            held.close()
        version = "1.1.0" if alive else "1.0.0"
        assert f"yibao-face {version}" == done.stdout.splitlines()[-1], done
        assert NEW == counter.current
        counter.updater().resume(restart=False)
        assert OLD == counter.current


def test_a_launcher_without_console_is_for_windows(tmp_path: Path) -> None:
    with pytest.raises(PackageError):
        build_launcher(tmp_path / "yibao-face", windowed=True)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("windowed", [False, True])
def test_on_windows_the_pointer_is_followed(tmp_path: Path, windowed: bool) -> None:
    compiler, wine = require("x86_64-w64-mingw32-gcc"), require("wine")
    require_file(WINE / "x64" / "system.reg", "Wine as .ci/wine sets it up, run as root,")
    root = tmp_path / "医保 核验"
    (root / "update").mkdir(parents=True)
    name = "yibao-face-agent.exe" if windowed else "yibao-face.exe"
    build_launcher(root / name, compiler, windowed=windowed)
    (tmp_path / "echo.c").write_text(ECHO, "utf-8")
    for version in (OLD, NEW):
        (root / version.folder).mkdir()
        for program in {name, "yibao-face.exe"}:
            out = root / version.folder / program
            words = [compiler, "-DBROKEN=0", "-o", out, tmp_path / "echo.c"]
            subprocess.run(words, check=True)
    (root / "current.txt").write_text("app-1.1.0\n")
    (root / "update" / "keeper").write_text("app-1.0.0\n")

    environment = {**os.environ, "WINEPREFIX": str(WINE / "x64"), "WINEDEBUG": "-all"}
    done = subprocess.run(
        [wine, root / name, "serve", "a b"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        env={**environment, "LANG": "C.UTF-8"},
    )
    lines = done.stdout.decode().replace("\r", "").splitlines()
    assert 7 == done.returncode, done
    assert "app-1.1.0|serve|a b" == lines[-1]
    if lines[:-1]:
        assert ["app-1.0.0|update|resume|--no-restart"] == lines[:-1]
