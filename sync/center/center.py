"""The whole centre over one data folder and one database."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from yibao_face.sync.center.api import Limits, UnixMs, unix_ms
from yibao_face.sync.center.device.authority import Authority
from yibao_face.sync.center.office.fleet.health import HealthLog
from yibao_face.sync.center.store.database import Database
from yibao_face.sync.center.store.devices import Devices
from yibao_face.sync.center.store.documents import Documents
from yibao_face.sync.center.store.evidence import Evidence
from yibao_face.sync.center.store.records import Records


@dataclass(frozen=True, slots=True)
class Center:
    """Everything the routes need. Close it, or use it as a context."""

    folder: Path
    authority: Authority
    database: Database
    records: Records
    devices: Devices
    documents: Documents
    evidence: Evidence
    health: HealthLog
    limits: Limits = field(default_factory=Limits)
    clock: UnixMs = unix_ms

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.database.close()


def open_center(
    folder: Path, url: str | None = None, limits: Limits | None = None, clock: UnixMs = unix_ms
) -> Center:
    """The centre set up in ``folder``, its records in the database ``url``; ``CenterError``.

    Without ``url`` in the SQLite file ``center.db`` of the folder.
    """
    authority, limits = Authority(folder), limits or Limits()
    database = Database(url or f"sqlite:///{folder / 'center.db'}")
    return Center(
        folder,
        authority,
        database,
        Records(database, limits),
        Devices(database),
        Documents(database),
        Evidence(database, folder / "evidence", limits),
        HealthLog(database),
        limits,
        clock,
    )
