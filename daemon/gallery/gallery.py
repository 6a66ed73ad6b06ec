"""Insured persons and their agents in one SQLite file; names, numbers and templates sealed."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from yibao_face.daemon.core.encounter import Who
from yibao_face.daemon.gallery.lookup import Lookup
from yibao_face.daemon.gallery.vault import Vault
from yibao_face.models.api import Embedding, ModelStamp
from yibao_face.models.embed import fuse

_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE person (digest TEXT PRIMARY KEY, name BLOB NOT NULL, consent TEXT NOT NULL,
    enrolled_by TEXT NOT NULL, at TEXT NOT NULL) STRICT;
CREATE TABLE number (digest TEXT PRIMARY KEY,
    person TEXT NOT NULL REFERENCES person ON DELETE CASCADE) STRICT;
CREATE TABLE sample (id INTEGER PRIMARY KEY,
    person TEXT NOT NULL REFERENCES person ON DELETE CASCADE,
    model TEXT NOT NULL, model_sha256 TEXT NOT NULL, template BLOB NOT NULL) STRICT;
CREATE TABLE agent (principal TEXT NOT NULL REFERENCES person ON DELETE CASCADE,
    agent TEXT NOT NULL REFERENCES person ON DELETE CASCADE,
    relation TEXT NOT NULL, until TEXT NOT NULL, PRIMARY KEY (principal, agent)) STRICT;
CREATE INDEX sample_person ON sample (person);
"""


class GalleryError(Exception):
    """The gallery cannot be read or written."""


class UnknownPersonError(GalleryError):
    """Nobody with this number is in the gallery."""


class NumbersConflictError(GalleryError):
    """The id number and the person number of one call belong to two persons."""


class PersonExistsError(GalleryError):
    """Somebody with this number is already in the gallery."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """How a call names a person: id number, 医保 person number, or both; empty = not given."""

    id_number: str = ""
    person_number: str = ""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Who enrolled, who vouched for it, and under which consent text (S0-49)."""

    numbers: Numbers
    name: str
    consent: str
    enrolled_by: str
    at: str


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """One face the probe may match: the insured person's own or a registered agent's.

    ``expired``: an agent whose registration is over, kept apart from a stranger.
    """

    who: Who
    person: str
    template: Embedding
    expired: bool = False


@dataclass(frozen=True, slots=True)
class Gallery:
    """The file and the vault its values lie under.

    Each call opens, commits and closes, but for ``find``, which every HIS call asks.
    """

    path: Path
    vault: Vault
    _lookup: Lookup = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_lookup", Lookup(self.path, partial(_prepare, self.path)))

    def find(self, numbers: Numbers) -> str | None:
        """Digest of the person ``numbers`` name; ``NumbersConflictError`` when they name two.

        One number known and the other not is the known person: many are enrolled by one alone.
        """
        query = "SELECT person FROM number WHERE digest = ?"
        try:
            rows = [self._lookup.row(query, (digest,)) for digest in self.digests(numbers)]
        except (sqlite3.Error, OSError) as exc:
            raise GalleryError(f"{self.path.name}: {exc}") from exc
        persons = {str(row[0]) for row in rows if row}
        if len(persons) > 1:
            raise NumbersConflictError("id number and person number name two persons")
        return next(iter(persons), None)

    def digests(self, numbers: Numbers) -> tuple[str, ...]:
        """Keyed digests of the numbers given, id number first: what records name persons by."""
        given = (("id", numbers.id_number.upper()), ("psn", numbers.person_number))
        return tuple(self.vault.digest(kind, number) for kind, number in given if number)

    def person_of(self, numbers: Numbers) -> str:
        """The digest records name the person by: as enrolled, else of the first number given."""
        return self.find(numbers) or self.digests(numbers)[0]

    def add(self, enrolment: Enrolment, samples: list[Embedding], stamp: ModelStamp) -> str:
        """Keep a new person with ``samples`` of the network ``stamp``; returns the digest."""
        digests = self.digests(enrolment.numbers)
        if not digests or not samples:
            raise GalleryError("a person needs a number and a template")
        person = digests[0]
        with self._open() as db:
            marks = ",".join("?" * len(digests))
            query = f"SELECT 1 FROM number WHERE digest IN ({marks})"  # noqa: S608  # only marks
            if db.execute(query, digests).fetchone():
                raise PersonExistsError("this number is already enrolled")
            name = self.vault.seal(enrolment.name.encode(), f"person/{person}")
            facts = (enrolment.consent, enrolment.enrolled_by, enrolment.at)
            db.execute("INSERT INTO person VALUES (?, ?, ?, ?, ?)", (person, name, *facts))
            db.executemany("INSERT INTO number VALUES (?, ?)", [(d, person) for d in digests])
            self._insert_samples(db, person, samples, stamp)
        return person

    def add_samples(self, person: str, samples: list[Embedding], stamp: ModelStamp) -> None:
        """Add templates to an enrolled person: several days make a better reference."""
        with self._open() as db:
            self._insert_samples(db, person, samples, stamp)

    def name(self, person: str) -> str:
        """The enrolled name."""
        sealed = self._fact(person, "name")
        return self.vault.open(sealed, f"person/{person}").decode()

    def consent(self, person: str) -> str:
        """Version of the consent text the person agreed to (S0-49)."""
        return str(self._fact(person, "consent"))

    def allow_agent(self, principal: str, agent: str, relation: str, until: date) -> None:
        """Let ``agent`` buy for ``principal`` up to and including ``until`` (S0-58, S1-15)."""
        if principal == agent:
            raise GalleryError("nobody is his own agent")
        with self._open() as db:
            row = (principal, agent, relation, until.isoformat())
            db.execute("INSERT OR REPLACE INTO agent VALUES (?, ?, ?, ?)", row)

    def references(self, person: str, stamp: ModelStamp, today: date) -> list[Reference]:
        """Fused templates of ``person`` and the agents, those no longer allowed marked.

        Those of another model are left out.
        """
        with self._open() as db:
            agents = db.execute(
                "SELECT agent, until < ? FROM agent WHERE principal = ?",
                (today.isoformat(), person),
            ).fetchall()
            asked = [
                (Who.SELF, person, False),
                *((Who.AGENT, str(agent), bool(over)) for agent, over in agents),
            ]
            found = [(who, p, self._samples(db, p, stamp), over) for who, p, over in asked]
        return [
            Reference(who, p, fuse(samples), over) for who, p, samples, over in found if samples
        ]

    def revoke_agent(self, principal: str, agent: str) -> None:
        """End a relation at once; ``UnknownPersonError`` where there is none."""
        with self._open() as db:
            pair = (principal, agent)
            gone = db.execute("DELETE FROM agent WHERE principal = ? AND agent = ?", pair)
            if not gone.rowcount:
                raise UnknownPersonError("no such agent relation")

    def remove(self, person: str) -> None:
        """Erase a person with templates, numbers and every agent relation."""
        with self._open() as db:
            if not db.execute("DELETE FROM person WHERE digest = ?", (person,)).rowcount:
                raise UnknownPersonError("no such person")

    def count(self) -> int:
        """Persons enrolled."""
        with self._open() as db:
            return int(db.execute("SELECT count(*) FROM person").fetchone()[0])

    def _fact(self, person: str, column: str) -> Any:
        query = f"SELECT {column} FROM person WHERE digest = ?"  # noqa: S608  # own names only
        with self._open() as db:
            row = db.execute(query, (person,)).fetchone()
        if row is None:
            raise UnknownPersonError("no such person")
        return row[0]

    def _insert_samples(
        self, db: sqlite3.Connection, person: str, samples: list[Embedding], stamp: ModelStamp
    ) -> None:
        label = _sample_label(person, stamp)
        rows = [
            (person, stamp.id, stamp.sha256, self.vault.seal(s.astype("<f4").tobytes(), label))
            for s in samples
        ]
        db.executemany(
            "INSERT INTO sample (person, model, model_sha256, template) VALUES (?, ?, ?, ?)", rows
        )

    def _samples(self, db: sqlite3.Connection, person: str, stamp: ModelStamp) -> list[Embedding]:
        rows = db.execute(
            "SELECT template FROM sample WHERE person = ? AND model = ? AND model_sha256 = ?",
            (person, stamp.id, stamp.sha256),
        )
        label = _sample_label(person, stamp)
        opened = [self.vault.open(row[0], label) for row in rows]
        return [np.frombuffer(data, "<f4").astype(np.float32) for data in opened]

    def _open(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        return _opened(self.path)


@contextlib.contextmanager
def _opened(path: Path) -> Generator[sqlite3.Connection, None, None]:
    """A connection in one transaction; ``GalleryError`` for whatever SQLite refuses."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(path, timeout=5.0)) as db:
            db.execute("PRAGMA foreign_keys = ON")
            db.execute("PRAGMA secure_delete = ON")
            with db:
                _migrate(db)
                yield db
    except (sqlite3.Error, OSError) as exc:
        raise GalleryError(f"{path.name}: {exc}") from exc


def _prepare(path: Path) -> None:
    """Make the file and its tables where they are not there yet."""
    with _opened(path):
        pass


def _migrate(db: sqlite3.Connection) -> None:
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version > _SCHEMA_VERSION:
        raise GalleryError(f"gallery has schema {version}, this program knows {_SCHEMA_VERSION}")
    if version == 0:
        _create(db)


def _create(db: sqlite3.Connection) -> None:
    """All tables or none: sqlite3 would commit each statement alone, and others may race us."""
    db.execute("BEGIN IMMEDIATE")
    if int(db.execute("PRAGMA user_version").fetchone()[0]) == 0:
        for statement in _SCHEMA.split(";"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
    db.commit()


def _sample_label(person: str, stamp: ModelStamp) -> str:
    return f"sample/{person}/{stamp.id}/{stamp.sha256}"
