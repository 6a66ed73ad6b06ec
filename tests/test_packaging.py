"""What an editable install forgives is missing from the wheel: lists, data files, locks."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from harness import ROOT

REQUIREMENTS = ROOT / "requirements"
PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==([^ ;\\]+)")
# The library is built from a checkout: its sources and what the build makes are in no wheel.
_UNPACKED = ("src", "docs", "fuzz", "samples", "selftest", ".cache", "dist")
LIBRARY = tuple(ROOT / "shim" / name for name in _UNPACKED)
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}$")


def setup_cfg() -> configparser.ConfigParser:
    parsed = configparser.ConfigParser()
    parsed.read(ROOT / "setup.cfg", encoding="utf-8")
    return parsed


def rooms() -> dict[str, str]:
    """Import name of each room and its folder."""
    lines = setup_cfg()["options"]["package_dir"].strip().splitlines()
    return {
        name.strip(): folder.strip() for name, _, folder in (ln.partition("=") for ln in lines)
    }


def listed_packages() -> set[str]:
    return set(setup_cfg()["options"]["packages"].split())


def name_of(requirement: str) -> str:
    """Normalised distribution name of a requirement line; empty for comments and options."""
    found = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", requirement)
    return re.sub(r"[-_.]+", "-", found[1]).lower() if found else ""


def names_in(text: str) -> set[str]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("-")]
    return {name_of(line) for line in lines} - {""}


def pins(lock: str) -> dict[str, list[str]]:
    """``name==version`` of a lock and the hash lines below it."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in (REQUIREMENTS / lock).read_text("utf-8").splitlines():
        pin = PIN.match(line)
        if pin:
            current = found.setdefault(f"{name_of(pin[1])}=={pin[2]}", [])
        else:
            current.append(line.strip().removesuffix("\\").strip())
    return found


def pinned_names(lock: str) -> set[str]:
    return {pin.partition("==")[0] for pin in pins(lock)}


def test_every_package_folder_is_listed() -> None:
    found = {
        ".".join([name, *init.parent.relative_to(ROOT / folder).parts])
        for name, folder in rooms().items()
        for init in (ROOT / folder).rglob("__init__.py")
    }

    assert found == listed_packages()


def test_every_folder_with_code_is_a_package() -> None:
    folders = {
        module.parent
        for room in rooms().values()
        for module in (ROOT / room).rglob("*.py")
        if not of_library(module)
    }

    assert [] == [folder for folder in folders if not (folder / "__init__.py").is_file()]


@pytest.mark.parametrize("room", sorted(rooms().values()))
def test_every_room_says_that_it_is_typed(room: str) -> None:
    assert (ROOT / room / "py.typed").is_file()


def test_the_manifest_and_typing_marks_are_package_data() -> None:
    [patterns] = [v.split(",") for v in setup_cfg()["options.package_data"].values()]

    assert {"py.typed", "*.json"} <= {pattern.strip() for pattern in patterns}
    assert (ROOT / "models" / "manifest.json").is_file()


def built(folder: Path, *left_out: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Build a wheel into ``folder`` from a copy of the checkout."""
    for room in rooms().values():
        ignore = shutil.ignore_patterns("__pycache__", *left_out)
        shutil.copytree(ROOT / room, folder / "tree" / room, ignore=ignore)
    for file in ("setup.cfg", "setup.py", "pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / file, folder / "tree")
    shutil.copytree(ROOT / "tools", folder / "tree" / "tools")
    (folder / "tree" / "README.md").write_text("built by a test\n", "utf-8")
    build = "import setuptools.build_meta as b, sys; b.build_wheel(sys.argv[1])"
    return subprocess.run(
        [sys.executable, "-c", build, str(folder)],
        cwd=folder / "tree",
        env={**os.environ, **environment},
        check=False,
        capture_output=True,
        text=True,
    )


def test_the_wheel_holds_every_module_and_data_file(tmp_path: Path) -> None:
    done = built(tmp_path)

    assert 0 == done.returncode, done.stderr
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == {
        "/".join([*name.split("."), *file.relative_to(ROOT / folder).parts])
        for name, folder in rooms().items()
        for file in (ROOT / folder).rglob("*")
        if file.is_file() and file.parent.name != "__pycache__" and not of_library(file)
    }
    assert {"alpine.min.js", "pico.min.css"} <= {name.rpartition("/")[2] for name in packed}


def test_no_wheel_is_made_without_what_its_pages_need(tmp_path: Path) -> None:
    done = built(tmp_path, "asset", npm_config_registry="file:///nowhere")

    assert 0 != done.returncode
    assert "npm_config_registry" in done.stderr
    assert [] == [*tmp_path.glob("*.whl")]


def of_library(file: Path) -> bool:
    return any(folder in file.parents for folder in LIBRARY)


def test_the_command_line_is_installed() -> None:
    scripts = setup_cfg()["options.entry_points"]["console_scripts"]

    assert "yibao-face = yibao_face.daemon.cli.main:main" == scripts.strip()


@pytest.mark.parametrize(
    ("lock", "source"),
    [
        ("runtime.lock", "runtime.in"),
        ("runtime.lock", "mediapipe.in"),
        ("dev.lock", "runtime.in"),
        ("dev.lock", "mediapipe.in"),
        ("dev.lock", "dev.in"),
        ("cameras.lock", "cameras.in"),
        ("center.lock", "center.in"),
        ("ui.lock", "ui.in"),
        ("sm.lock", "sm.in"),
        ("bundle.lock", "bundle.in"),
        ("bundle-paper.lock", "bundle-paper.in"),
    ],
)
def test_every_named_requirement_is_pinned(lock: str, source: str) -> None:
    wanted = names_in((REQUIREMENTS / source).read_text("utf-8"))

    assert wanted
    assert set() == wanted - pinned_names(lock)


def test_every_dependency_of_the_distribution_is_pinned() -> None:
    cfg = setup_cfg()
    wanted = names_in(cfg["options"]["install_requires"])
    for extra in cfg["options.extras_require"].values():
        wanted |= names_in(extra)

    assert {"aiohttp", "onnx", "scipy"} <= wanted
    locks = ("runtime", "cameras", "center", "ui", "sm", "dev")
    pinned = (pinned_names(f"{lock}.lock") for lock in locks)
    assert set() == wanted - set().union(*pinned)


@pytest.mark.parametrize("lock", ["runtime.lock", "dev.lock"])
def test_every_pin_of_a_lock_carries_its_hashes(lock: str) -> None:
    unhashed = {pin for pin, lines in pins(lock).items() if not lines}
    strange = {line for lines in pins(lock).values() for line in lines if not HASH.match(line)}

    assert len(pins(lock)) > 20
    assert (set(), set()) == (unhashed, strange)


@pytest.mark.parametrize("lock", ["runtime.lock", "dev.lock"])
def test_no_lock_names_a_place_to_download_from(lock: str) -> None:
    text = (REQUIREMENTS / lock).read_text("utf-8")
    places = ("://", " @ ", "index-url", "find-links", "trusted-host", "pypi", "file:")

    assert [] == [place for place in places if place in text.lower()]


def test_developers_run_what_is_shipped() -> None:
    runtime, dev = pins("runtime.lock"), pins("dev.lock")

    assert set() == runtime.keys() - dev.keys()
    assert runtime == {pin: dev[pin] for pin in runtime}
