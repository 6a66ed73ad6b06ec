"""Pictures of attacks, kept for a few days: sealed, small, under the id of their encounter."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from yibao_face.daemon.gallery.evidence import EvidenceError, write_sealed
from yibao_face.daemon.gallery.keeper import ATTACK, EvidenceKeeper
from yibao_face.daemon.gallery.vault import Vault

_DAY_MS = 86_400_000
_NAME = re.compile(r"[0-9a-f-]{1,64}")
_SUFFIX = ".crop"


@dataclass(frozen=True, slots=True)
class CropStore:
    """A folder of sealed files that are erased after ``days``; the clock is the caller's.

    Without ``keep`` none is added; those there were go in their time. ``keeper``: lists each as
    evidence, under a second name, which goes with the first.
    """

    folder: Path
    vault: Vault
    days: int
    keep: bool = True
    keeper: EvidenceKeeper | None = None

    def put(self, id_: str, data: bytes, now_ms: int) -> None:
        """Keep ``data`` under ``id_`` and erase what is too old; raises ``EvidenceError``."""
        path = self._path(id_)
        self.expire(now_ms)
        if not self.keep:
            return
        try:
            write_sealed(path, self.vault.seal(data, _label(id_)))
            os.utime(path, (now_ms / 1000, now_ms / 1000))
        except OSError as exc:
            raise EvidenceError(f"crop cannot be written: {exc.strerror}") from exc
        self._list(path, id_, now_ms)

    def mend(self) -> None:
        """List those that are not: of an older program, or of one that died."""
        for path in sorted(self.folder.glob(f"*{_SUFFIX}")):
            self._list(path, path.name.removesuffix(_SUFFIX), round(path.stat().st_mtime * 1000))

    def get(self, id_: str) -> bytes:
        """The data again; ``EvidenceError`` when it is gone, ``VaultError`` when changed."""
        try:
            sealed = self._path(id_).read_bytes()
        except OSError as exc:
            raise EvidenceError(f"crop {id_[:8]} cannot be read: {exc.strerror}") from exc
        return self.vault.open(sealed, _label(id_))

    def expire(self, now_ms: int) -> None:
        """Erase what is older than ``days``, or as far ahead: written under a wrong clock.

        Raises ``EvidenceError``.
        """
        try:
            for path in self.folder.glob(f"*{_SUFFIX}*"):
                age_ms = abs(now_ms - path.stat().st_mtime * 1000)
                if age_ms > self.days * _DAY_MS:
                    # The second name first: one left alone would stay for good.
                    if self.keeper is not None:
                        self.keeper.erase([self._name(path.name.split(_SUFFIX)[0])])
                    path.unlink(missing_ok=True)
        except OSError as exc:
            raise EvidenceError(f"old crops cannot be erased: {exc.strerror}") from exc

    def _list(self, path: Path, id_: str, at_ms: int) -> None:
        if self.keeper is not None:
            self.keeper.link(path, self._name(id_), ATTACK, id_, at_ms)

    def _name(self, id_: str) -> str:
        return self.vault.digest("crop", id_)

    def _path(self, id_: str) -> Path:
        if not _NAME.fullmatch(id_):
            raise EvidenceError("no id of an encounter")
        return crop_path(self.folder, id_)


def crop_path(folder: Path, id_: str) -> Path:
    """Where the picture of the encounter ``id_`` lies."""
    return folder / f"{id_}{_SUFFIX}"


def _label(id_: str) -> str:
    return f"crop/{id_}"
