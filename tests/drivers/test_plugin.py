"""Drivers of others, installed as their vendors would: taken, refused, and kept apart from us."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from beds.cabi.vendor import Stage, build
from camera_points import check, each_point

from yibao_face.drivers.api import (
    DeviceConfigError,
    DeviceLostError,
    DeviceStalledError,
    DeviceUnsupportedError,
    Frame,
)
from yibao_face.drivers.driver import Driver, Settings
from yibao_face.drivers.plugin import Plugins, plugins
from yibao_face.drivers.table import open_camera

PACKAGE = """
import dataclasses, os, time
import numpy as np
from yibao_face.drivers.api import CameraInfo, Capability, DeviceLostError, Frame, Intrinsics
from yibao_face.drivers.driver import Driver

INFO = CameraInfo("acme", "acme:", f"process {os.getpid()}", "A-1", Capability.RGB)

class AcmeCamera:
    info = INFO

    def __init__(self, rest):
        self.rest, self.seq = rest, 0

    def read(self, timeout_s):
        time.sleep(0.02)
        self.seq += 1
        if self.seq == 3 and self.rest == "crash":
            os.abort()
        if self.seq == 3 and self.rest == "hang":
            time.sleep(60)
        at_ns = time.monotonic_ns()
        bgr = np.full((12, 16, 3), self.seq, np.uint8)
        lens = Intrinsics(16, 12, 9, 9, 8, 6)
        return Frame(self.seq, at_ns, at_ns // 1000, bgr, None, None, lens)

    def close(self):
        pass

def discover(settings):
    return [dataclasses.replace(INFO, uri=settings.runtime or "acme:")]

DRIVER = Driver("acme", lambda rest, settings: AcmeCamera(rest), discover)
OLD = Driver("acme-old", lambda rest, settings: AcmeCamera(rest), api=0)
SHADOW = Driver("uvc", lambda rest, settings: AcmeCamera(rest))
FALSE_NAME = Driver("another", lambda rest, settings: AcmeCamera(rest))
TEXT = "no driver"
"""
CRASHING = "import os\nos.abort()\n"
SETUP = """
from setuptools import setup

setup(
    name="acme-camera",
    version="1.0",
    py_modules=["acme_camera", "acme_crashing"],
    entry_points={
        "yibao_face.drivers": [
            "acme = acme_camera:DRIVER",
            "acme-old = acme_camera:OLD",
            "uvc = acme_camera:SHADOW",
            "false-name = acme_camera:FALSE_NAME",
            "text = acme_camera:TEXT",
            "absent = acme_camera:NOTHING",
            "module = acme_camera",
            "crashing = acme_crashing:DRIVER",
        ]
    },
)
"""
BY_PACKAGE = {
    "acme-old": "of driver API 0, not 1",
    "uvc": "uvc is a driver of ours",
    "false-name": "calls itself 'another'",
    "text": "is a str, not a Driver",
    "absent": "no attribute 'NOTHING'",
    "module": "not module:attribute",
    "crashing": "SIGABRT",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder pip installed the vendor's package into."""
    source = tmp_path_factory.mktemp("source")
    for name, text in (("acme_camera", PACKAGE), ("acme_crashing", CRASHING), ("setup", SETUP)):
        (source / f"{name}.py").write_text(text, "utf-8")
    target = tmp_path_factory.mktemp("site")
    offline = ["--no-index", "--no-build-isolation", "--no-deps", "--quiet"]
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", *offline]
    subprocess.run([*pip, "--target", str(target), str(source)], check=True)
    return target


@pytest.fixture
def acme(site: Path, monkeypatch: pytest.MonkeyPatch) -> Plugins:
    """What is found with the package."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(site)])
    return plugins(None)


def read_until_error(uri: str, found: Plugins) -> None:
    with open_camera(uri, plugins=found.drivers) as camera:
        for _ in range(60):
            camera.read(0.1)


def test_an_installed_package_is_found_and_its_code_stays_out_of_this_process(
    acme: Plugins,
) -> None:
    with open_camera("acme:1", plugins=acme.drivers) as camera:
        frame = camera.read(5.0)
    infos = acme.drivers["acme"].discover(Settings())

    assert ["acme"] == list(acme.drivers)
    assert isinstance(frame, Frame)
    assert f"process {os.getpid()}" != camera.info.model
    assert "acme_camera" not in sys.modules
    assert [("acme", "acme:", "A-1")] == [(info.driver, info.uri, info.serial) for info in infos]


def test_a_plugin_finds_no_cameras_of_other_drivers(acme: Plugins) -> None:
    with pytest.raises(DeviceUnsupportedError, match="acme found uvc:0, which is not its own"):
        acme.drivers["acme"].discover(Settings(runtime="uvc:0"))


@pytest.mark.parametrize(("name", "reason"), BY_PACKAGE.items())
def test_a_package_is_refused_with_the_reason(acme: Plugins, name: str, reason: str) -> None:
    assert reason in acme.refused[f"acme-camera:{name}"]


def test_nothing_else_is_refused(acme: Plugins) -> None:
    assert {f"acme-camera:{name}" for name in BY_PACKAGE} == set(acme.refused)


@pytest.mark.parametrize(
    ("rest", "kind", "text"),
    [("crash", DeviceLostError, "SIGABRT"), ("hang", DeviceStalledError, "hung")],
)
def test_a_plugin_that_crashes_or_hangs_is_told_and_opens_again(
    acme: Plugins, rest: str, kind: type[Exception], text: str
) -> None:
    for _ in range(2):
        with pytest.raises(kind, match=text):
            read_until_error(f"acme:{rest}", acme)


def folder(home: Path, name: str, body: str) -> Path:
    made = home / name
    made.mkdir()
    (made / "driver.toml").write_text(body, "utf-8")
    return made


def toml(name: str, library: str, sha256: str) -> str:
    return f'name = "{name}"\nlibrary = "{library}"\nsha256 = "{sha256}"\n'


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plug-in folder with one library in it."""
    home = tmp_path_factory.mktemp("plugins")
    made = folder(home, "vendor", "")
    library = build(made / "libvendor.so")
    sha256 = hashlib.sha256(library.read_bytes()).hexdigest()
    (made / "driver.toml").write_text(toml("vendor", "libvendor.so", sha256), "utf-8")
    return home


@each_point()
def test_a_library_in_the_folder_keeps(vendor: Path, tmp_path: Path, point_id: str) -> None:
    stage = Stage(vendor / "vendor/libvendor.so", tmp_path)
    found = plugins(vendor).drivers
    bed = stage.bed("vendor", lambda device: open_camera(f"vendor:{device}", plugins=found))

    check(bed, point_id, "plugin")


def test_a_camera_of_a_plugin_goes_by_the_name_of_the_plugin(vendor: Path, tmp_path: Path) -> None:
    with open_camera(f"vendor:{tmp_path}", plugins=plugins(vendor).drivers) as camera:
        info = camera.info

    assert ("vendor", f"vendor:{tmp_path}") == (info.driver, info.uri)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (toml("uvc", "lib.so", "0" * 64), "uvc is a driver of ours"),
        (toml("auto", "lib.so", "0" * 64), "auto is a driver of ours"),
        (toml("../x", "lib.so", "0" * 64), "is no name"),
        (toml("new", "none.so", "0" * 64), "is no file in the folder"),
        (toml("new", "../vendor/libvendor.so", "0" * 64), "is no file in the folder"),
        (toml("new", "lib.so", ""), "sha256 is not 64 digits"),
        (toml("vendor", "lib.so", "0" * 64), "another plug-in is called vendor"),
        ('name = "new"\n', "must hold library, name, sha256"),
        (toml("new", "lib.so", "0" * 64) + "more = 1\n", "nothing else"),
        ("name = new", "cannot be read"),
    ],
)
def test_a_folder_is_refused_with_the_reason(vendor: Path, body: str, reason: str) -> None:
    made = folder(vendor, "zz", body)
    (made / "lib.so").touch()
    try:
        found = plugins(vendor)
    finally:
        (made / "lib.so").unlink()
        (made / "driver.toml").unlink()
        made.rmdir()

    assert ["zz"] == list(found.refused)
    assert reason in found.refused["zz"]
    assert ["vendor"] == list(found.drivers)


def test_a_library_that_was_changed_is_not_loaded(vendor: Path, tmp_path: Path) -> None:
    made = folder(tmp_path, "vendor", (vendor / "vendor/driver.toml").read_text("utf-8"))
    (made / "libvendor.so").write_bytes((vendor / "vendor/libvendor.so").read_bytes() + b"\0")
    found = plugins(tmp_path).drivers
    with pytest.raises(DeviceConfigError, match="is not the one of sha256"):
        open_camera(f"vendor:{tmp_path}", plugins=found)


def test_without_a_folder_there_is_none() -> None:
    assert Plugins() == plugins(None)


def test_a_plugin_of_a_folder_needs_no_process_to_be_found(vendor: Path) -> None:
    found: Driver = plugins(vendor).drivers["vendor"]

    assert [] == found.discover(Settings())
