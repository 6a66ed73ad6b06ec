"""What of Windows a program needs, read from the import tables of its files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from yibao_face.installer.command import run
from yibao_face.installer.windows.wine import COMPILER, tool

_DUMP = COMPILER.replace("gcc", "objdump")
_LIBRARY = re.compile(r"^\s*DLL Name: (\S+)", re.MULTILINE)
_ENTRY = re.compile(r"^\s+[0-9a-f]+\s+(?:<none>|\d+)\s+(\S+)\s*$")
# Functions and libraries that came after Windows 7, with the version they came with.
_SINCE: dict[str, str] = {
    **dict.fromkeys(
        (
            "CreateFile2",
            "GetSystemTimePreciseAsFileTime",
            "GetProcessMitigationPolicy",
            "WaitOnAddress",
            "WakeByAddressAll",
            "WakeByAddressSingle",
            "PathCchCombineEx",
            "PathCchSkipRoot",
            "PathCchRemoveFileSpec",
            "PathCchCanonicalizeEx",
            "GetOverlappedResultEx",
            "PrefetchVirtualMemory",
            "MFCreateDXGIDeviceManager",
        ),
        "8",
    ),
    **dict.fromkeys(("CreateDXGIFactory2", "DCompositionCreateDevice2"), "8.1"),
    **dict.fromkeys(
        ("ProcessPrng", "CompareObjectHandles", "GetSystemCpuSetInformation", "D3D12CreateDevice"),
        "10",
    ),
    **dict.fromkeys(("SetThreadDescription", "GetThreadDescription"), "10 1607"),
    **dict.fromkeys(("VirtualAlloc2", "MapViewOfFile3"), "10 1803"),
}
_LIBRARIES_SINCE = {
    "bcryptprimitives.dll": "10",
    "d3d12.dll": "10",
    "icuuc.dll": "10 1703",
    "icuin.dll": "10 1703",
    "icu.dll": "10 1903",
    "api-ms-win-core-path-l1-1-0.dll": "8",
    "api-ms-win-core-synch-l1-2-0.dll": "8",
}
ORDER = ("7", "8", "8.1", "10", "10 1607", "10 1703", "10 1803", "10 1903")


@dataclass(frozen=True, slots=True)
class Need:
    """``since``: oldest Windows whose names all imports are among. ``reasons``: what asks for it.

    ``libraries``: imported ones, in lower case.
    """

    since: str = "7"
    reasons: tuple[str, ...] = ()
    libraries: frozenset[str] = field(default_factory=frozenset[str])


def need_of(file: Path) -> Need:
    """What one file needs. Delayed imports are no need: the program may do without."""
    told = run([tool(_DUMP), "-p", file])
    libraries = frozenset(name.lower() for name in _LIBRARY.findall(told))
    names = {match[1] for line in told.splitlines() if (match := _ENTRY.match(line))}
    found = [(_SINCE[name], name) for name in names if name in _SINCE]
    found += [(_LIBRARIES_SINCE[name], name) for name in libraries if name in _LIBRARIES_SINCE]
    since = max((when for when, _ in found), key=ORDER.index, default="7")
    return Need(since, tuple(sorted(name for when, name in found if when == since)), libraries)


def needs(folder: Path) -> dict[str, Need]:
    """Of every program and library below ``folder``, by its path within."""
    files = (f for f in folder.rglob("*") if f.suffix.lower() in (".exe", ".dll", ".pyd"))
    return {file.relative_to(folder).as_posix(): need_of(file) for file in sorted(files)}


def floor_of(found: dict[str, Need]) -> str:
    """The oldest Windows all of them load on."""
    return max((need.since for need in found.values()), key=ORDER.index, default="7")


def missing(found: dict[str, Need], system: frozenset[str]) -> dict[str, list[str]]:
    """By file, libraries that lie neither beside it nor in Windows (``system``, in lower case)."""
    carried = {Path(name).name.lower() for name in found}
    lacks = {
        name: sorted(
            library
            for library in need.libraries - carried - system
            if not library.startswith(("api-ms-win-", "ext-ms-"))
        )
        for name, need in found.items()
    }
    return {name: libraries for name, libraries in lacks.items() if libraries}
