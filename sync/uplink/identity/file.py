"""Files that say who this machine is: for its owner alone, replaced whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import time
from pathlib import Path

from yibao_face.sync.uplink.api import IdentityError

_MAX_BYTES = 64 * 1024
_TRIES, _PAUSE_S = 10, 0.02


def read_secret(path: Path) -> bytes | None:
    """The bytes of a file nobody else may read, ``None`` without one; ``IdentityError``."""
    try:
        with path.open("rb") as file:
            _refuse_open_mode(path, os.fstat(file.fileno()).st_mode)
            data = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise IdentityError(f"{path.name} cannot be read: {exc.strerror}") from exc
    if len(data) > _MAX_BYTES:
        raise IdentityError(f"{path.name} is longer than {_MAX_BYTES} bytes")
    return data


def replace_secret(path: Path, data: bytes) -> None:
    """Put ``data`` there, mode 0600, on disk when this returns; else the old file stays.

    Raises ``IdentityError``.
    """
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            _replace(part, path)
            _fsync_folder(path.parent)
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
    except OSError as exc:
        raise IdentityError(f"{path.name} cannot be written: {exc.strerror}") from exc


def stamp_of(path: Path) -> tuple[int, int, int]:
    """Changes when the file is replaced; zeros where there is none."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0, 0
    return status.st_mtime_ns, status.st_size, status.st_ino


def _replace(part: Path, path: Path) -> None:
    """Windows refuses while somebody has the old file open, for the moment of reading it."""
    for _ in range(_TRIES if sys.platform == "win32" else 0):
        with contextlib.suppress(PermissionError):
            part.replace(path)
            return
        time.sleep(_PAUSE_S)
    part.replace(path)


def _fsync_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return  # folders cannot be opened there; the file system keeps the rename
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refuse_open_mode(path: Path, mode: int) -> None:
    if sys.platform != "win32" and mode & 0o077:
        raise IdentityError(f"{path.name} may be read by others: chmod 600 it")
