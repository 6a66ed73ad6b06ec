"""The library, built from its sources for a settings file of the test's own."""

from __future__ import annotations

import sys

import cffi
import pytest
from harness import require
from shim_server import Library

from yibao_face.daemon.conform.library import load_library
from yibao_face.shim import build
from yibao_face.shim.abi import CDEF
from yibao_face.shim.source import monocypher


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """``libHisCallFace.so`` with another place of its settings, else as it is shipped."""
    if sys.platform == "win32":
        pytest.skip("the Linux library is built here")
    require("gcc")
    out = tmp_path_factory.mktemp("library")
    setting = out / "library.conf"
    linux = next(t for t in build.TARGETS if build.system_of(t) == "linux")
    defines = (f'-DHCF_SETTING_FILE="{setting}"',)
    path = build.compile_target(linux, out, monocypher(build.CACHE), defines=defines)
    ffi = cffi.FFI()
    ffi.cdef(CDEF)
    return Library(setting, load_library(path), ffi, ffi.dlopen(str(path)))
