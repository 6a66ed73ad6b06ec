"""Monocypher's two C files, from the source package on PyPI: pinned by hash, never in here."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
from pathlib import Path

_NAME, _VERSION = "pymonocypher", "4.0.3.4"
_SHA256 = "5e56e3d3eb770a53e0b9f6274146663c11a11f3d0de5cd48e3be0428d1b07a4a"
FILES = ("monocypher.c", "monocypher.h")


class SourceError(Exception):
    """The package cannot be had, or is not the pinned one."""


def monocypher(cache: Path) -> Path:
    """Folder with ``monocypher.c`` and ``monocypher.h``; downloads at most once."""
    folder = cache / f"{_NAME}-{_VERSION}"
    archive = cache / f"{_NAME}-{_VERSION}.tar.gz"
    if not archive.is_file():
        _download(cache)
    if hashlib.sha256(archive.read_bytes()).hexdigest() != _SHA256:
        raise SourceError(f"{archive.name} is not the pinned file")
    folder.mkdir(exist_ok=True)
    with tarfile.open(archive) as packed:
        for name in FILES:
            member = packed.extractfile(f"{folder.name}/{name}")
            if member is None:
                raise SourceError(f"{archive.name} holds no {name}")
            (folder / name).write_bytes(member.read())
    return folder


def _download(cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    pinned = cache / "pin.txt"
    pinned.write_text(f"{_NAME}=={_VERSION} --hash=sha256:{_SHA256}\n", "ascii")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--no-binary", ":all:", "--no-build-isolation"]
    command += ["--require-hashes", "--dest", str(cache), "--requirement", str(pinned)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603  # our own command line
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise SourceError(f"{_NAME} {_VERSION} cannot be downloaded: {lines[-1]}")
