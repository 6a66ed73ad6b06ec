"""Signed documents on their way to the devices: the newest version of each."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import delete, func, insert, select

from yibao_face.sync.center.api import Caller, CenterError
from yibao_face.sync.center.store.database import Database
from yibao_face.sync.center.store.tables import DOCUMENT, META

EVERYBODY = "*"


@dataclass(frozen=True, slots=True)
class Letter:
    """A document for somebody. ``envelope``: the signed text, not to be changed by a byte.

    ``name``: tells documents of one kind apart, empty where there is but one. ``target``:
    ``EVERYBODY``, an institution code, or ``device:`` and a device id.
    """

    kind: str
    name: str
    target: str
    version: int
    envelope: str


class Documents:
    """Of all devices. ``place``: the order of publication, the cursor of ``GET /v1/pull``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def publish(self, letter: Letter, now_ms: int) -> int:
        """Its place; ``CenterError`` unless it is newer than the one it takes the place of."""
        same = (
            DOCUMENT.c.kind == letter.kind,
            DOCUMENT.c.name == letter.name,
            DOCUMENT.c.target == letter.target,
        )
        with self._database.writing() as db:
            # Locked first: places become visible in their order, so no cursor passes one by.
            db.execute(select(META).where(META.c.name == "schema").with_for_update())
            held = db.execute(select(DOCUMENT.c.version).where(*same)).scalar()
            if held is not None and held >= letter.version:
                raise CenterError(f"{letter.kind} version {letter.version} is not newer: {held}")
            # Removed documents leave no hole that a new one could fall into: the top one stays.
            place = 1 + (db.execute(select(func.max(DOCUMENT.c.place))).scalar() or 0)
            db.execute(delete(DOCUMENT).where(*same))
            values = {**asdict(letter), "place": place, "published_ms": now_ms}
            db.execute(insert(DOCUMENT).values(values))
        return place

    def after(self, cursor: int, caller: Caller, most: int) -> list[tuple[int, Letter]]:
        """At most ``most`` documents for this device behind ``cursor``, in order of place."""
        mine = (EVERYBODY, caller.institution, f"device:{caller.device}")
        columns = (DOCUMENT.c.kind, DOCUMENT.c.name, DOCUMENT.c.target, DOCUMENT.c.version)
        own = select(DOCUMENT.c.place, *columns, DOCUMENT.c.envelope)
        own = own.where(DOCUMENT.c.place > cursor, DOCUMENT.c.target.in_(mine))
        with self._database.reading() as db:
            found = db.execute(own.order_by(DOCUMENT.c.place).limit(most)).all()
        return [(place, Letter(*rest)) for place, *rest in found]

    def top(self) -> int:
        """The place of the document published last; 0: none."""
        with self._database.reading() as db:
            return int(db.execute(select(func.max(DOCUMENT.c.place))).scalar() or 0)
