"""What a built library may export, import and need: read from the file by binutils."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from yibao_face.shim.abi import functions

_MOST_BYTES = 48 * 1024
_SYSTEM = {"KERNEL32.dll", "WS2_32.dll", "ADVAPI32.dll"}
_GLIBC = (2, 17)
_EXPORTS = sorted(f.name for f in functions())
_FLAGS = {
    "x86": ("DYNAMIC_BASE", "NX_COMPAT"),
    "x64": ("DYNAMIC_BASE", "NX_COMPAT", "HIGH_ENTROPY_VA"),
}
_TOOL = {"x86": "i686-w64-mingw32-objdump", "x64": "x86_64-w64-mingw32-objdump", "elf": "objdump"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """``kind``: ``elf``, ``x86`` or ``x64``. ``pops``: the callee takes its arguments away."""

    kind: str
    pops: bool = False


def tool_of(wanted: Wanted) -> str:
    """The reader of such a file."""
    return _TOOL[wanted.kind]


def faults(file: Path, wanted: Wanted) -> list[str]:
    """Every way ``file`` differs from what may be shipped."""
    found = _elf(file) if wanted.kind == "elf" else _pe(file, wanted)
    if file.stat().st_size > _MOST_BYTES:
        found.append(f"{file.stat().st_size} bytes, more than {_MOST_BYTES}")
    return found


def _elf(file: Path) -> list[str]:
    shown = _objdump("elf", "-p", "-T", file)
    names = re.findall(r"^[0-9a-f]+ g\s.*\s(\w+)$", shown, re.MULTILINE)
    needed = re.findall(r"NEEDED\s+(\S+)", shown)
    versions = [tuple(map(int, v.split("."))) for v in re.findall(r"GLIBC_([\d.]+)", shown)]
    newest: tuple[int, ...] = max(versions, default=())
    exported = sorted(name for name in names if not name.startswith("HCF_"))
    return _told(
        (exported == _EXPORTS, f"exports {exported}"),
        (needed == ["libc.so.6"], f"needs {needed}"),
        (newest <= _GLIBC, f"needs glibc {newest}"),
    )


def _pe(file: Path, wanted: Wanted) -> list[str]:
    shown = _objdump(wanted.kind, "-p", file)
    table = shown.partition("[Ordinal/Name Pointer] Table")[2].partition("\n\n")[0]
    names = re.findall(r"\[\s*\d+\](?: \+base\[\s*\d+\]\s+\w+)? (\w+)$", table, re.MULTILINE)
    imports = set(re.findall(r"DLL Name: (\S+)", shown))
    version = re.findall(r"(?:Major|Minor)SubsystemVersion\s+(\d+)", shown)
    pops = wanted.kind == "x86" and _pops(file)
    return _told(
        (sorted(names) == _EXPORTS, f"exports {names}"),
        (imports <= _SYSTEM, f"imports {sorted(imports)}"),
        (version == ["6", "1"], f"subsystem {version}"),
        (all(flag in shown for flag in _FLAGS[wanted.kind]), "lacks ASLR or NX"),
        (pops == wanted.pops, "is of the other calling convention"),
    )


def _pops(file: Path) -> bool:
    """Whether both functions end in ``ret 8``; it occurs nowhere else than in stdcall."""
    code = _objdump("x86", "-d", file)
    return len(re.findall(r"\tret\s+\$0x8$", code, re.MULTILINE)) >= len(_EXPORTS)


def _objdump(kind: str, *options: str | Path) -> str:
    command = [_TOOL[kind], *map(str, options)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603  # binutils of the toolchain


def _told(*checks: tuple[bool, str]) -> list[str]:
    return [fault for holds, fault in checks if not holds]
