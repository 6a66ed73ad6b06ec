"""Evidence as files of one folder."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

from yibao_face.sync.center.api import RefusedError, StoreDownError
from yibao_face.sync.center.store.blob.api import NoBlobError, key_of, verified, whole


class FolderBlob:
    """Files in ``folder``, which is made. ``free_bytes``: left to what is more important."""

    def __init__(self, folder: Path, free_bytes: int) -> None:
        self._folder, self._free_bytes = folder, free_bytes
        with _told("made"):
            folder.mkdir(parents=True, exist_ok=True)

    def put(self, sha256: str, data: bytes) -> bool:
        """See ``Blob``."""
        self.check()
        file = self._file(sha256)
        with _told("written"):
            if file.exists() and whole(sha256, file.read_bytes()):
                return False
            _write(file, data)
        return True

    def get(self, sha256: str) -> bytes:
        """See ``Blob``."""
        with _told("read"):
            try:
                data = self._file(sha256).read_bytes()
            except FileNotFoundError as exc:
                raise NoBlobError("no such piece of evidence") from exc
        return verified(sha256, data)

    def size(self, sha256: str) -> int | None:
        """See ``Blob``."""
        with _told("read"):
            try:
                return self._file(sha256).stat().st_size
            except FileNotFoundError:
                return None

    def delete(self, sha256: str) -> None:
        """See ``Blob``."""
        with _told("removed"):
            self._file(sha256).unlink(missing_ok=True)

    def check(self) -> None:
        """See ``Blob``."""
        with _told("written"):
            free = shutil.disk_usage(self._folder).free
        if free < self._free_bytes:
            raise RefusedError(503, "disk", "no room for evidence", retry_after_s=600)

    def _file(self, sha256: str) -> Path:
        return self._folder / key_of(sha256)


def files_in(folder: Path) -> Iterator[Path]:
    """Whole blobs of a folder, by address; each has its address for a name."""
    return (f for f in sorted(folder.rglob("*")) if f.is_file() and f.suffix != ".part")


def _write(file: Path, data: bytes) -> None:
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}.part")
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with draft.open("xb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
        _fsync_folder(file.parent)
    finally:
        draft.unlink(missing_ok=True)


def _fsync_folder(folder: Path) -> None:
    # Windows cannot open folders; there the file system keeps the rename.
    with contextlib.suppress(PermissionError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def _told(done: str) -> Generator[None, None, None]:
    try:
        yield
    except OSError as exc:
        raise StoreDownError(f"evidence cannot be {done}: {exc.strerror}") from exc
