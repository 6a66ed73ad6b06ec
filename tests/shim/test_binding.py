"""The library as a Python extension, and the trial that carries Python into its host."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from harness import ROOT, require
from shim_server import PASS, Answering, Library, genuine, listening

from yibao_face.shim import build
from yibao_face.shim.abi import OUT_BYTES
from yibao_face.shim.binding import api_module, embed_library
from yibao_face.shim.source import monocypher

CANARY = b"\xa5" * 64


@pytest.fixture(scope="module")
def module(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The extension module, with the settings file of ``library``."""
    defines = (f'-DHCF_SETTING_FILE="{library.setting}"',)
    out = tmp_path_factory.mktemp("api")
    file = api_module(out, monocypher(build.CACHE), defines=defines)
    spec = importlib.util.spec_from_file_location("_hcf", file)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def called(module: Any, function: str, body: bytes) -> tuple[int, bytes]:
    """Value and answer; canaries lie around the buffer."""
    ffi = module.ffi
    room = ffi.new("char[]", CANARY + bytes(OUT_BYTES) + CANARY)
    given = ffi.new("char[]", body)
    value = getattr(module.lib, function)(given, room + len(CANARY))
    after = bytes(ffi.buffer(room))[:-1]
    assert (CANARY, CANARY) == (after[: len(CANARY)], after[-len(CANARY) :])
    assert body == ffi.string(given)
    return value, after[len(CANARY) : -len(CANARY)].partition(b"\0")[0]


@pytest.mark.parametrize("body", [PASS, b'{"code":1,"msg":"%s"}' % (b"x" * 3000), b"no JSON"])
def test_the_extension_answers_as_the_library(library: Library, module: Any, body: bytes) -> None:
    with listening(genuine(body)) as port:
        library.install(port)
        for function, attendance in (("zjHisFunCall", False), ("HisCallAtten", True)):
            expected = library.call(b"{}", attendance=attendance)
            assert expected == called(module, function, b"{}")


def test_the_extension_refuses_a_foreign_signature(library: Library, module: Any) -> None:
    with listening(genuine(PASS)) as port:
        library.install(port, key=bytes(32))

        assert 0 == called(module, "zjHisFunCall", b"{}")[0]


def unsigned(body: bytes, status: bytes = b"200 OK") -> Answering:
    """As the daemon answers a caller without a nonce."""
    top = b"HTTP/1.1 " + status + b"\r\nContent-Length: %d\r\n\r\n" % len(body)
    return lambda _head, _request: top + body


@dataclass(frozen=True, slots=True)
class Host:
    """The C sample, a host without Python, linked to the embedding library in ``folder``."""

    folder: Path
    answering: list[Answering]

    def shown(self, answer: Answering, *words: str, **changed: str) -> bytes:
        """What it prints when the server answers so; ``changed``: of its environment."""
        self.answering[:] = [answer]
        libraries = f"{self.folder}{os.pathsep}{sysconfig.get_config_var('LIBDIR')}"
        packages = os.pathsep.join(p for p in sys.path if p.endswith("site-packages"))
        python = {"PYTHONHOME": sys.base_prefix, "PYTHONPATH": packages, **changed}
        env = {**os.environ, "LD_LIBRARY_PATH": libraries, **python}
        command = [str(self.folder / "call"), str(self.folder / "call.json"), *words]
        done = subprocess.run(command, check=True, capture_output=True, timeout=60, env=env)
        return done.stdout


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Generator[Host, None, None]:
    """The host, and a server on the port its library calls."""
    if not sysconfig.get_config_var("Py_ENABLE_SHARED"):
        pytest.skip("this Python has no shared library to embed")
    made = Host(tmp_path_factory.mktemp("embed"), [])

    def answer(head: bytes, request: bytes) -> bytes:
        return made.answering[0](head, request)

    with listening(answer) as port:
        embed_library(made.folder, port=port).rename(made.folder / "libHisCallFace.so")
        shim = ROOT / "shim"
        source = [f"-I{shim / 'src' / 'gen'}", str(shim / "samples" / "c" / "call.c")]
        # The shared Python is found when the host starts.
        linked = [f"-L{made.folder}", "-lHisCallFace", "-Wl,--allow-shlib-undefined"]
        command = [require("gcc"), *source, *linked, "-o", str(made.folder / "call")]
        subprocess.run(command, check=True)
        (made.folder / "call.json").write_bytes(b"{}")
        yield made


def test_a_host_without_python_gets_the_answer_of_the_server(host: Host) -> None:
    body = b'{"code":-4,"msg":"no such doctor"}'

    assert b"1\n" + PASS + b"\n" == host.shown(unsigned(PASS))
    assert b"-4\n" + body + b"\n" == host.shown(unsigned(body), "attendance")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (PASS, b"500 Internal Server Error"),
        (b"no JSON", b"200 OK"),
        (b'{"code":7}', b"200 OK"),
        (b'{"code":true}', b"200 OK"),
        (b'{"code":1,"msg":"%s"}' % (b"x" * 1024), b"200 OK"),
    ],
)
def test_a_host_without_python_fails_closed(host: Host, body: bytes, status: bytes) -> None:
    value, _, answer = host.shown(unsigned(body, status)).partition(b"\n")

    assert b"0" == value
    assert 0 == json.loads(answer)["code"]


def test_known_limit_nothing_is_written_where_cffi_is_missing(host: Host) -> None:
    # Found first; this Python may have one of its own behind it.
    (host.folder / "_cffi_backend.py").write_text("raise ImportError\n", "ascii")

    assert b"0\n\n" == host.shown(unsigned(PASS), PYTHONPATH=str(host.folder))


def test_known_limit_the_host_ends_where_python_cannot_start(host: Host) -> None:
    with pytest.raises(subprocess.CalledProcessError) as ended:
        host.shown(unsigned(PASS), PYTHONHOME=str(host.folder))

    assert (1, b"") == (ended.value.returncode, ended.value.stdout)
