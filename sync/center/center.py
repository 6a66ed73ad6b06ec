"""The whole centre over one data folder and one database."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from yibao_face.sync.center.api import Limits, UnixMs, unix_ms
from yibao_face.sync.center.bus.api import Bus
from yibao_face.sync.center.bus.relay import Relay
from yibao_face.sync.center.device.authority import Authority
from yibao_face.sync.center.lane import Lane
from yibao_face.sync.center.metric import Metrics
from yibao_face.sync.center.office.fleet.health import HealthLog
from yibao_face.sync.center.store.blob.place import EVIDENCE_FOLDER, open_blob
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
    lane: Lane
    health: HealthLog
    limits: Limits = field(default_factory=Limits)
    clock: UnixMs = unix_ms
    metrics: Metrics = field(default_factory=Metrics)
    relay: Relay | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.relay:
            self.relay.bus.close()
        self.database.close()


def database_url(folder: Path, url: str | None) -> str:
    """``url``, or that of the SQLite file in the data folder."""
    return url or f"sqlite:///{folder / 'center.db'}"


def open_center(  # noqa: PLR0913  # where each of its parts lies
    folder: Path,
    url: str | None = None,
    limits: Limits | None = None,
    clock: UnixMs = unix_ms,
    *,
    evidence: str | None = None,
    bus: Bus | None = None,
) -> Center:
    """The centre set up in ``folder``, its records in the database ``url``; ``CenterError``.

    Without ``url`` in the SQLite file ``center.db`` of the folder. ``evidence``: see
    ``open_blob``; without, in a folder of the folder. ``bus``: who takes batches in hands them
    to it, and somebody else writes them; closed with the centre.
    """
    authority, limits = Authority(folder), limits or Limits()
    blob = open_blob(evidence, folder / EVIDENCE_FOLDER, limits.free_disk_bytes)
    database = Database(database_url(folder, url))
    records = Records(database, limits)
    return Center(
        folder,
        authority,
        database,
        records,
        Devices(database),
        Documents(database),
        Evidence(database, blob),
        Lane(database, limits),
        HealthLog(database),
        limits,
        clock,
        relay=Relay(bus, records) if bus else None,
    )
