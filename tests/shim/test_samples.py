"""What a HIS vendor copies: every sample is compiled and calls the library and a server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import ROOT, require, require_file
from shim_server import PASS, Answering, Library, genuine, listening

from yibao_face.shim import build
from yibao_face.shim.source import monocypher

SAMPLES = ROOT / "shim" / "samples"
HEADER = ROOT / "shim" / "src" / "gen"
# Debian's libjna-java: no other registry is needed.
JNA = Path("/usr/share/java/jna.jar")
WARNINGS = ("-Wall", "-Wextra", "-Werror")
X86, X64 = "i686-w64-mingw32", "x86_64-w64-mingw32"
# 联通 in GBK is well-formed UTF-8: who guesses its charset gets it wrong.
GBK = '{"name":"联通"}'.encode("gbk")


def succeed(command: list[str], **more: str) -> bytes:
    """Standard output of ``command``; ``more``: for its environment."""
    done = subprocess.run(
        command, check=False, capture_output=True, timeout=60, env={**os.environ, **more}
    )
    assert 0 == done.returncode, (done.stdout + done.stderr).decode(errors="replace")
    return done.stdout


def c(out: Path, folder: Path) -> list[str]:
    source = str(SAMPLES / "c" / "call.c")
    linked = [f"-L{folder}", "-lHisCallFace", "-o", str(out / "call")]
    succeed([require("gcc"), "-std=c99", *WARNINGS, f"-I{HEADER}", source, *linked])
    return [str(out / "call")]


def cpp(out: Path, folder: Path) -> list[str]:
    del folder
    source = str(SAMPLES / "cpp" / "call.cpp")
    linked = ["-ldl", "-o", str(out / "call")]
    succeed([require("g++"), "-std=c++11", *WARNINGS, f"-I{HEADER}", source, *linked])
    return [str(out / "call")]


def python(out: Path, folder: Path) -> list[str]:
    del out, folder
    return [sys.executable, str(SAMPLES / "python" / "call.py")]


def java(out: Path, folder: Path) -> list[str]:
    javac, java = require("javac"), require("java")
    require_file(JNA, "libjna-java")
    source = str(SAMPLES / "java" / "src" / "main" / "java" / "Call.java")
    strict = ["-Xlint:all,-options", "-Werror", "--release", "8", "-encoding", "UTF-8"]
    succeed([javac, *strict, "-cp", str(JNA), "-d", str(out), source])
    return [java, f"-Djna.library.path={folder}", "-cp", f"{out}{os.pathsep}{JNA}", "Call"]


def csharp(out: Path, folder: Path) -> list[str]:
    del folder
    program = out / "Call.exe"
    succeed([require("mcs"), "-warnaserror", f"-out:{program}", str(SAMPLES / "csharp/Call.cs")])
    return [require("mono"), str(program)]


def pascal(out: Path, folder: Path) -> list[str]:
    source = str(SAMPLES / "pascal" / "call.pas")
    succeed([require("fpc"), "-vew", "-Sew", f"-Fl{folder}", f"-FE{out}", source])
    return [str(out / "call")]


Compile = Callable[[Path, Path], list[str]]


@pytest.fixture(scope="module", params=[c, cpp, python, java, csharp, pascal])
def sample(
    request: pytest.FixtureRequest, library: Library, tmp_path_factory: pytest.TempPathFactory
) -> list[str]:
    """Command line of a compiled sample."""
    compiled: Compile = request.param
    return compiled(tmp_path_factory.mktemp("sample"), folder_of(library))


def folder_of(library: Library) -> Path:
    return library.setting.parent / "linux-x86_64"


def ask(library: Library, command: list[str], answer: Answering) -> bytes:
    """What the sample prints when the server answers so."""
    with listening(answer) as port:
        library.install(port)
        return succeed(command, LD_LIBRARY_PATH=str(folder_of(library)))


@pytest.fixture
def call(tmp_path: Path) -> Path:
    """A file with a call in it, as the samples read it."""
    file = tmp_path / "call.json"
    file.write_bytes(GBK)
    return file


def test_value_and_answer_are_shown(library: Library, sample: list[str], call: Path) -> None:
    assert b"1\n" + PASS + b"\n" == ask(library, [*sample, str(call)], genuine(PASS))


def test_bytes_of_gbk_go_and_come_as_they_are(
    library: Library, sample: list[str], call: Path
) -> None:
    body = '{"code":2,"msg":"联通免核验","cp_no":"","type":0}'.encode("gbk")
    answered = genuine(body, b"Content-Type: application/json; charset=gbk\r\n")
    received: list[bytes] = []

    def answer(head: bytes, request: bytes) -> bytes:
        received.append(request)
        return answered(head, request)

    assert b"2\n" + body + b"\n" == ask(library, [*sample, str(call)], answer)
    assert [GBK] == received


def test_attendance_is_called(library: Library, sample: list[str], call: Path) -> None:
    body = b'{"code":-4,"msg":"no such doctor"}'
    paths: list[bytes] = []

    def answer(head: bytes, request: bytes) -> bytes:
        paths.append(head.split()[1])
        return genuine(body)(head, request)

    assert b"-4\n" + body + b"\n" == ask(library, [*sample, str(call), "attendance"], answer)
    assert [b"/hisCallAtten"] == paths


def test_an_answer_of_the_longest_fits(library: Library, sample: list[str], call: Path) -> None:
    body = json.dumps({"code": 1, "msg": "", "cp_no": "", "type": 1}).encode()
    body = body.replace(b'"msg": ""', b'"msg": "%s"' % (b"x" * (1023 - len(body))))

    assert 1023 == len(body)
    assert b"1\n" + body + b"\n" == ask(library, [*sample, str(call)], genuine(body))


def unsigned(body: bytes, status: bytes = b"200 OK") -> Answering:
    """As the daemon answers a caller without a nonce."""
    kind = b"Content-Type: application/json; charset=gbk\r\n"

    def answer(head: bytes, request: bytes) -> bytes:
        del request
        assert b"content-type: application/json" in head.lower()
        top = b"HTTP/1.1 " + status + b"\r\nConnection: close\r\n" + kind
        return top + b"Content-Length: %d\r\n\r\n" % len(body) + body

    return answer


def test_javascript_calls_by_http(call: Path) -> None:
    body = '{"code":2,"msg":"联通免核验","cp_no":"","type":0}'.encode("gbk")
    received: list[tuple[bytes, bytes]] = []
    answered = unsigned(body)

    def answer(head: bytes, request: bytes) -> bytes:
        received.append((head.split()[1], request))
        return answered(head, request)

    node = [require("node"), str(SAMPLES / "javascript" / "call.js"), str(call)]
    with listening(answer) as port:
        address = f"http://127.0.0.1:{port}"
        shown = [succeed([*node, address]), succeed([*node, "attendance", address])]

    assert [b"2\n" + body + b"\n"] * 2 == shown
    assert [(b"/stdcashFaceAuth", GBK), (b"/hisCallAtten", GBK)] == received


def test_javascript_takes_no_refusal_for_a_pass(call: Path) -> None:
    node = [require("node"), str(SAMPLES / "javascript" / "call.js"), str(call)]
    with listening(unsigned(PASS, b"403 Forbidden")) as port:
        command = [*node, f"http://127.0.0.1:{port}"]
        done = subprocess.run(command, check=False, capture_output=True, timeout=60)

    assert (1, b"", b"stop: HTTP 403\n") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("machine", "defines", "symbol"),
    [
        (X86, (), "_zjHisFunCall@8"),
        (X86, ("-DHCF_CDECL",), "_zjHisFunCall"),
        (X64, (), "zjHisFunCall"),
    ],
)
def test_c_calls_by_the_convention_of_the_header(
    tmp_path: Path, machine: str, defines: tuple[str, ...], symbol: str
) -> None:
    compiler, dump = require(f"{machine}-gcc"), require(f"{machine}-objdump")
    to = str(tmp_path / "call.o")
    source = str(SAMPLES / "c" / "call.c")
    succeed([compiler, *WARNINGS, *defines, f"-I{HEADER}", "-c", source, "-o", to])

    names = {line.split()[-1] for line in succeed([dump, "-t", to]).decode().splitlines() if line}
    assert {symbol} == {name for name in names if "zjHisFunCall" in name}


@pytest.mark.parametrize("target", build.TARGETS[1:], ids=lambda target: target.folder)
def test_c_and_cpp_are_linked_for_windows(target: build.Target, tmp_path: Path) -> None:
    """The C sample imports the undecorated name straight from the library."""
    gcc = require(target.compiler)
    machine = target.compiler.removesuffix("-gcc")
    gxx, dump = require(f"{machine}-g++"), require(f"{machine}-objdump")
    library = build.compile_target(target, tmp_path, monocypher(build.CACHE))
    defines = ["-DHCF_CDECL"] if "-DHCF_CDECL" in target.options else []
    c, cpp = SAMPLES / "c" / "call.c", SAMPLES / "cpp" / "call.cpp"
    common = [*defines, "-Wall", "-Wextra", f"-I{HEADER}"]
    fixup = [str(library), "-Wl,--enable-stdcall-fixup", "-o", str(tmp_path / "c.exe")]
    succeed([gcc, *common, "-Werror", str(c), *fixup])
    succeed([gxx, *common, "-std=c++11", "-Werror", str(cpp), "-o", str(tmp_path / "cpp.exe")])

    imports = succeed([dump, "-p", str(tmp_path / "c.exe")]).decode()
    used = imports.split("DLL Name: HisCallFace.dll")[1].split("DLL Name:")[0]
    assert {"zjHisFunCall", "HisCallAtten"} <= set(used.split())


@pytest.mark.parametrize("name", ["c/call.c", "cpp/call.cpp", "pascal/call.pas", "csharp/Call.cs"])
def test_no_line_ends_in_chinese(name: str) -> None:
    """A compiler that takes the file for GBK may swallow the newline behind a half character."""
    lines = (SAMPLES / name).read_bytes().splitlines()

    assert [] == [line.decode() for line in lines if line[-1:] >= b"\x80"]


def test_visual_basic_gets_its_own_kind_of_file() -> None:
    data = (SAMPLES / "vb6" / "HisCallFace.bas").read_bytes()

    assert data.isascii()
    assert data.count(b"\n") == data.count(b"\r\n")
