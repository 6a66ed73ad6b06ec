"""Where an update comes from: a file or folder on a stick, or an address. Nothing is believed."""

# The libraries put their public names together at run time, in __all__.
# pyright: reportPrivateImportUsage=false

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tuf.api.exceptions import DownloadError, DownloadHTTPError
from tuf.ngclient import FetcherInterface, Urllib3Fetcher

from yibao_face.installer.update.fault import SourceError

METADATA = "metadata"
TARGETS = "targets"
_SCHEME = "update:"
_NAME = re.compile(r"(metadata|targets)/[A-Za-z0-9][A-Za-z0-9._-]{0,255}")
_CHUNK_BYTES = 256 * 1024
_MAX_ENTRIES = 10_000


class Local(FetcherInterface):
    """Files of one repository, in a folder or an update file; ``close`` it."""

    base = _SCHEME

    def __init__(self, path: Path) -> None:
        self._folder, self._file = path, None
        try:
            if path.is_file():
                self._file = zipfile.ZipFile(path)
                if len(self._file.namelist()) > _MAX_ENTRIES:
                    raise SourceError(f"{path.name} holds more than {_MAX_ENTRIES} files")
            elif not (path / METADATA).is_dir():
                raise SourceError(f"{path.name} is no update file and no folder of one")
        except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as exc:
            raise SourceError(f"{path.name} is no update file, or cut off: {exc}") from exc

    def close(self) -> None:
        """Let the file go: a stick can be drawn."""
        if self._file is not None:
            self._file.close()

    def _fetch(self, url: str) -> Iterator[bytes]:
        name = url.removeprefix(_SCHEME)
        if not _NAME.fullmatch(name):
            raise DownloadHTTPError(f"{name!r} is no file of an update", 404)
        return self._chunks(name)

    def _chunks(self, name: str) -> Iterator[bytes]:
        try:
            with self._opened(name) as file:
                while chunk := file.read(_CHUNK_BYTES):
                    yield chunk
        except (KeyError, FileNotFoundError) as exc:
            raise DownloadHTTPError(f"{name} is not there", 404) from exc
        except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile) as exc:
            raise DownloadError(f"{name} cannot be read to its end: {exc}") from exc

    def _opened(self, name: str) -> BinaryIO:
        if self._file is None:
            return (self._folder / name).open("rb")
        info = self._file.getinfo(name)
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
            # Written so by nobody of ours, and what is packed well may unpack without an end.
            raise DownloadError(f"{name} is packed or locked")
        return self._file.open(info)  # type: ignore[return-value]  # typed IO[bytes]


class Remote(Urllib3Fetcher):
    """A repository behind an address."""

    def __init__(self, address: str) -> None:
        super().__init__(app_user_agent="yibao-face-update")
        self.base = address if address.endswith("/") else f"{address}/"

    def close(self) -> None:
        """Nothing is held."""


def open_source(where: str | Path) -> Local | Remote:
    """The repository at an address, in a folder or in an update file; raises ``SourceError``."""
    text = str(where)
    if text.startswith(("http://", "https://")):
        return Remote(text)
    return Local(Path(where))
