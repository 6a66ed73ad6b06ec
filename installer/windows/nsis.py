"""Compiles the setup programs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from yibao_face.installer.command import ROOT, run
from yibao_face.installer.windows.resource import numbers
from yibao_face.installer.windows.wine import tool

HERE = Path(__file__).resolve().parent
# What is said before the script begins; ``none`` for what is tried once and thrown away.
COMPRESSION = {
    "small": ("SetCompressor /SOLID lzma", "SetCompressorDictSize 64"),
    "quick": ("SetCompressor zlib",),
    "none": ("SetCompress off",),
}


@dataclass(frozen=True, slots=True)
class Payload:
    """What a setup lays down: the frozen folder, the launchers, the libraries of ``shim``.

    ``trust``: the vendor's ``root.json``, without which nothing is updated by itself.
    """

    bundle: Path
    launchers: Path
    shims: Path
    icon: Path
    trust: Path | None = None


def compile_setup(out: Path, version: str, payload: Payload, compression: str) -> Path:
    """The setup of the whole program as the file ``out``; raises ``PackageError``."""
    files = (file for file in payload.bundle.rglob("*") if file.is_file())
    more: dict[str, object] = {
        "PAYLOAD": payload.bundle,
        "LAUNCHERS": payload.launchers,
        "SIZE_KB": sum(file.stat().st_size for file in files) // 1024,
    }
    if payload.trust is not None:
        more["TRUST"] = payload.trust
    _compile("setup.nsi", {**_names(out, version, payload), **more}, compression)
    return out


def compile_shim_setup(out: Path, version: str, payload: Payload, target: str) -> Path:
    """The setup of the libraries alone; ``target``: ``x86-unicode``, which every PC runs."""
    _compile("shim.nsi", {**_names(out, version, payload), "TARGET": target}, "small")
    return out


def _names(out: Path, version: str, payload: Payload) -> dict[str, object]:
    return {
        "OUT": out,
        "VERSION": version,
        "NUMBERS": ".".join(map(str, numbers(version))),
        "SHIMS": payload.shims,
        "ICON": payload.icon,
        "LICENCE": ROOT / "LICENSE",
    }


def _compile(script: str, names: dict[str, object], compression: str) -> None:
    options = [f"-D{name}={value}" for name, value in names.items()]
    words = ["-V2", "-INPUTCHARSET", "UTF8", "-NOCD"]
    words += [f"-X{line}" for line in COMPRESSION[compression]]
    run([tool("makensis"), *words, *options, HERE / script], cwd=HERE)
