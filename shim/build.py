"""Build the library: ``python shim/build.py native|generate|check``; files land in ``dist/``.

``native`` needs gcc for Linux and Debian's mingw-w64 for Windows; ``--only`` asks for one.
``pybind`` and ``embed`` make what ``binding.py`` describes: for tests, never for a HIS.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from yibao_face.shim import abi, message
from yibao_face.shim.binary import Wanted, faults, tool_of
from yibao_face.shim.binding import api_module, embed_library
from yibao_face.shim.resource import resource, version
from yibao_face.shim.source import SourceError, monocypher

ROOM = Path(__file__).resolve().parent
CACHE = ROOM / ".cache"
SOURCES = ("call", "reply", "setting", "text", "sha512")
# Holds Monocypher; as a whole program, what nobody calls of it is left out.
_PROOF = ("-fwhole-program", "-c")
# How a program beside the library is called; .exe on Windows.
SELFTEST = "hcf-selftest"
_SELFTEST_SOURCES = ("main", "pipe")
_STRICT = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-fno-ident", "-Os")
_SHARED = ("-shared", "-s")
_LINUX = ("-fPIC", "-fvisibility=hidden", "-fstack-protector-strong", "-D_GNU_SOURCE")
_HARD = ("-Wl,-z,relro,-z,now,-z,noexecstack,-z,noseparate-code", "-Wl,--build-id=none")
_BARE = ("-ffreestanding", "-fno-builtin", "-fno-stack-protector", "-nostdlib")
_PE = (
    # The linker would choose a base address by the name of the output.
    *("-Wl,--dynamicbase", "-Wl,--nxcompat", "-Wl,--no-insert-timestamp"),
    "-Wl,--disable-auto-image-base",
    *("-Wl,--major-os-version=6", "-Wl,--minor-os-version=1"),
    *("-Wl,--major-subsystem-version=6", "-Wl,--minor-subsystem-version=1"),
)
_LIBRARIES = ("-lws2_32", "-ladvapi32", "-lkernel32", "-lgcc")
_ABOUT = {
    "x86-stdcall": "HIS library, 32-bit stdcall",
    "x86-cdecl": "HIS library, 32-bit cdecl",
    "x64": "HIS library, 64-bit",
}


class BuildError(Exception):
    """One line: what is missing or went wrong."""


@dataclass(frozen=True, slots=True)
class Target:
    """One file of ``dist/``."""

    folder: str
    file: str
    compiler: str
    options: tuple[str, ...]
    wanted: Wanted


TARGETS = (
    Target(
        *("linux-x86_64", "libHisCallFace.so", "gcc"),
        (*_LINUX, *_HARD, "-Wl,-soname,libHisCallFace.so", "-Wl,--version-script={gen}/hcf.map"),
        Wanted("elf"),
    ),
    Target(
        *("x86-stdcall", "HisCallFace.dll", "i686-w64-mingw32-gcc"),
        (*_BARE, *_PE, "-Wl,-e,_DllMain@12", "-Wl,--kill-at", "{gen}/stdcall.def", *_LIBRARIES),
        Wanted("x86", pops=True),
    ),
    Target(
        *("x86-cdecl", "HisCallFace.dll", "i686-w64-mingw32-gcc"),
        (*_BARE, *_PE, "-DHCF_CDECL", "-Wl,-e,_DllMain@12", "{gen}/plain.def", *_LIBRARIES),
        Wanted("x86"),
    ),
    Target(
        *("x64", "HisCallFace.dll", "x86_64-w64-mingw32-gcc"),
        (*_BARE, *_PE, "-Wl,-e,DllMain", "-Wl,--high-entropy-va", "{gen}/plain.def", *_LIBRARIES),
        Wanted("x64"),
    ),
)


def main(arguments: list[str] | None = None) -> int:
    """Run one action; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=tuple(_ACTIONS))
    parser.add_argument("--only", choices=("linux", "windows"), help="one system alone")
    parser.add_argument("--out", type=Path, default=ROOM / "dist")
    given = parser.parse_args(arguments)
    chosen = tuple(t for t in TARGETS if given.only in (None, system_of(t)))
    try:
        return _ACTIONS[given.action](given.out, chosen)
    except (BuildError, SourceError) as exc:
        print(f"build: {exc}", file=sys.stderr)  # noqa: T201  # a command's own voice
        return 1


def system_of(target: Target) -> str:
    """``linux`` or ``windows``."""
    return "linux" if target.wanted.kind == "elf" else "windows"


def selftest_of(target: Target) -> str:
    """File name of the self test beside the library."""
    return SELFTEST if system_of(target) == "linux" else f"{SELFTEST}.exe"


def generated() -> dict[str, str]:
    """Every file made from ``abi.py`` and ``message.py``, by its name in ``src/gen``."""
    return {
        "HisCallFace.h": abi.header(),
        "stdcall.def": abi.exports(stdcall=True),
        "plain.def": abi.exports(stdcall=False),
        "hcf.map": abi.version_map(),
        "message.h": message.header(),
        "selftest.h": message.selftest_header(),
    }


def compile_target(
    target: Target, out: Path, crypto: Path, *, defines: tuple[str, ...] = ()
) -> Path:
    """Compile one library into ``out``; ``defines``: for a test's own variant.

    ``crypto``: the folder ``monocypher`` gave.
    """
    file = out / target.folder / target.file
    file.parent.mkdir(parents=True, exist_ok=True)
    common = [_tool(target.compiler), *_STRICT, *defines, "-DHCF_BUILD"]
    common += [f"-I{ROOM / 'src'}", f"-I{crypto}"]
    options = [option.format(gen=ROOM / "src" / "gen") for option in target.options]
    compiling = [option for option in options if option.startswith("-f")]
    with tempfile.TemporaryDirectory() as held:
        proof = Path(held) / "proof.o"
        _run([*common, *compiling, *_PROOF, str(ROOM / "src" / "proof.c"), "-o", str(proof)])
        sources = [ROOM / "src" / f"{name}.c" for name in (*SOURCES, _platform(target))]
        made = [*sources, proof, *_resources(target, target.file, Path(held))]
        _run([*common, *_SHARED, *map(str, made), "-o", str(file), *options])
    return file


def compile_selftest(target: Target, out: Path) -> Path:
    """Compile the self test of one library into ``out``, beside it."""
    file = out / target.folder / selftest_of(target)
    file.parent.mkdir(parents=True, exist_ok=True)
    linux = system_of(target) == "linux"
    options = ["-D_GNU_SOURCE", "-pthread", *_HARD] if linux else [*_PE, "-static-libgcc"]
    if "-DHCF_CDECL" in target.options:
        options.append("-DHCF_CDECL")
    libraries = ["-ldl"] if linux else ["-lpsapi"]
    sources = [ROOM / "selftest" / f"{n}.c" for n in (*_SELFTEST_SOURCES, _platform(target))]
    with tempfile.TemporaryDirectory() as held:
        made = [*sources, *_resources(target, file.name, Path(held))]
        command = [_tool(target.compiler), *_STRICT, "-s", *map(str, made), "-o", str(file)]
        _run([*command, *options, *libraries])
    return file


def _platform(target: Target) -> str:
    return "posix" if system_of(target) == "linux" else "windows"


def _resources(target: Target, name: str, held: Path) -> list[Path]:
    """The compiled version block, of Windows alone."""
    if system_of(target) == "linux":
        return []
    script, made = held / "version.rc", held / "version.o"
    script.write_text(resource(name, _ABOUT[target.folder], version()), "ascii")
    _run([_tool(target.compiler.replace("gcc", "windres")), str(script), str(made)])
    return [made]


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise BuildError(f"{name} is missing")
    return found


def _run(command: list[str]) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603  # our own command line
    if done.returncode != 0:
        raise BuildError(f"{Path(command[-1]).name}: the compiler refuses:\n{done.stderr}")


def _native(out: Path, targets: tuple[Target, ...]) -> int:
    crypto = monocypher(CACHE)
    made = [compile_target(target, out, crypto) for target in targets]
    made += [compile_selftest(target, out) for target in targets]
    made.append(Path(shutil.copy(ROOM / "src" / "gen" / "HisCallFace.h", out)))
    sums = [f"{_sha256(file)}  {file.relative_to(out).as_posix()}" for file in made]
    (out / "SHA256SUMS").write_text("\n".join([*sums, ""]), "ascii")
    print("\n".join(sums))  # noqa: T201
    return 0


def _pybind(out: Path, targets: tuple[Target, ...]) -> int:
    del targets
    print(api_module(out / "python", monocypher(CACHE)).name)  # noqa: T201
    return 0


def _embed(out: Path, targets: tuple[Target, ...]) -> int:
    del targets
    print(embed_library(out / "embed").name)  # noqa: T201
    return 0


def _generate(out: Path, targets: tuple[Target, ...]) -> int:
    del out, targets
    for name, text in generated().items():
        (ROOM / "src" / "gen" / name).write_text(text, "ascii", newline="\n")
    return 0


def _check(out: Path, targets: tuple[Target, ...]) -> int:
    found = [
        f"src/gen/{n} is not what abi.py says" for n, t in generated().items() if _drift(n, t)
    ]
    for target in targets:
        file = out / target.folder / target.file
        _tool(tool_of(target.wanted))
        if not file.is_file():
            raise BuildError(f"{target.folder}/{target.file} is not built")
        found += [f"{target.folder}: {fault}" for fault in faults(file, target.wanted)]
    print("\n".join(found or ["check: ok"]))  # noqa: T201
    return 1 if found else 0


def _drift(name: str, text: str) -> bool:
    return (ROOM / "src" / "gen" / name).read_text("ascii") != text


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


_ACTIONS = {
    "native": _native,
    "generate": _generate,
    "check": _check,
    "pybind": _pybind,
    "embed": _embed,
}

if __name__ == "__main__":
    raise SystemExit(main())
