"""Insured persons and their agents in one SQLite file; names, numbers and templates sealed."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum, unique
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from yibao_face.daemon.core.encounter import Who
from yibao_face.daemon.core.template import Growth, Kept, Probe, Sample, Source, grown, weights
from yibao_face.daemon.gallery.file import GalleryError, opened, prepare
from yibao_face.daemon.gallery.lookup import Change, Lookup
from yibao_face.daemon.gallery.vault import Vault
from yibao_face.models.api import Embedding, ModelStamp
from yibao_face.models.embed import fuse

_ENROLLED = (
    "SELECT digest, name, consent, enrolled_by, at,"
    " (SELECT count(*) FROM sample WHERE person = digest) FROM person"
)


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
class Picture:
    """One sample to keep. ``merit``: how well the face is seen, higher is better."""

    embedding: Embedding
    source: Source = Source.ENROLMENT
    merit: float = 0.0


@unique
class Op(StrEnum):
    """What is done to a person: more samples, all samples anew, or erased."""

    ADD = "add"
    REPLACE = "replace"
    ERASE = "erase"


@dataclass(frozen=True, slots=True, eq=False)
class Delivered:
    """One person's part of a delivery of the centre. ``samples``: by network and day taken.

    ``enrolment``: of whom; not looked at but for the numbers where he is erased.
    """

    op: Op
    enrolment: Enrolment
    samples: tuple[tuple[ModelStamp, date, Picture], ...] = ()


@dataclass(frozen=True, slots=True)
class Relation:
    """``agent`` may buy for ``principal`` up to and including ``until``; ``None``: no longer."""

    principal: str
    agent: str
    relation: str
    until: date | None


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """One sample that is kept; ``id``: its row."""

    id: int
    sample: Sample
    embedding: Embedding


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """One face the probe may match: the insured person's own or a registered agent's.

    ``template``: all samples fused; ``anchors``: those somebody vouched for, fused, where there
    are others too. ``expired``: an agent whose registration is over, kept apart from a stranger.
    """

    who: Who
    person: str
    template: Embedding
    expired: bool = False
    samples: int = 1
    anchors: Embedding | None = None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A person as a list shows it; ``samples``: of all networks."""

    person: str
    name: str
    consent: str
    enrolled_by: str
    at: str
    samples: int


@dataclass(frozen=True, slots=True)
class Agency:
    """``agent`` may buy for ``person``, both digests, up to and including ``until``."""

    person: str
    agent: str
    relation: str
    until: date


def reference_of(who: Who, person: str, stored: Sequence[Stored], expired: bool) -> Reference:
    """The reference ``stored`` samples of one person make."""
    template = fuse([s.embedding for s in stored], weights([s.sample for s in stored]))
    anchors = [s.embedding for s in stored if s.sample.source.is_anchor]
    fused = fuse(anchors) if 0 < len(anchors) < len(stored) else None
    return Reference(who, person, template, expired, len(stored), fused)


@dataclass(frozen=True, slots=True)
class Gallery:
    """The file and the vault its values lie under.

    Each call opens, commits and closes, but for ``find``, which every HIS call asks.
    """

    path: Path
    vault: Vault
    _lookup: Lookup = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_lookup", Lookup(self.path, partial(prepare, self.path)))

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

    def add(self, enrolment: Enrolment, samples: Sequence[Picture], stamp: ModelStamp) -> str:
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
            self._insert_samples(db, person, samples, stamp, enrolment.at[:10])
        return person

    def add_samples(
        self, person: str, samples: Sequence[Picture], stamp: ModelStamp, day: date
    ) -> None:
        """Add templates to an enrolled person: several days make a better reference."""
        with self._open() as db:
            self._insert_samples(db, person, samples, stamp, day.isoformat())

    def grow(self, person: str, embedding: Embedding, stamp: ModelStamp, probe: Probe) -> str:
        """Let a pass become a sample where ``core.template`` allows it; what became of it."""
        picture = Picture(embedding, Source.PASS, probe.merit)
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            stored = self._samples(db, person, stamp)
            place = grown([s.sample for s in stored], probe, Growth())
            if isinstance(place, Kept):
                return place
            if place is not None:
                db.execute("DELETE FROM sample WHERE id = ?", (stored[place].id,))
            self._insert_samples(db, person, [picture], stamp, probe.day.isoformat())
        return "replaced" if place is not None else "added"

    def samples(self, person: str, stamp: ModelStamp) -> list[Stored]:
        """The samples of ``person`` made by the network ``stamp``."""
        with self._open() as db:
            return self._samples(db, person, stamp)

    def templates(
        self, persons: Collection[str], stamp: ModelStamp
    ) -> list[tuple[str, Embedding]]:
        """Every sample of ``persons`` made by the network ``stamp``, as of one moment."""
        with self._open() as db:
            db.execute("BEGIN")
            found = [(p, self._samples(db, p, stamp)) for p in sorted(persons)]
        return [(person, s.embedding) for person, stored in found for s in stored]

    def reference(self, person: str, stamp: ModelStamp) -> Reference | None:
        """The person's own reference; ``None`` where the network ``stamp`` made no sample."""
        stored = self.samples(person, stamp)
        return reference_of(Who.SELF, person, stored, expired=False) if stored else None

    def change(self) -> Change:
        """Another value than before once anything was written, by any process."""
        try:
            return self._lookup.change()
        except (sqlite3.Error, OSError) as exc:
            raise GalleryError(f"{self.path.name}: {exc}") from exc

    def name(self, person: str) -> str:
        """The enrolled name."""
        sealed = self._fact(person, "name")
        return self.vault.open(sealed, f"person/{person}").decode()

    def consent(self, person: str) -> str:
        """Version of the consent text the person agreed to (S0-49)."""
        return str(self._fact(person, "consent"))

    def history(self, person: str) -> list[tuple[Source, str, str]]:
        """Source, day and network of each sample, of all networks; nothing is unsealed."""
        query = "SELECT source, day, model FROM sample WHERE person = ? ORDER BY id"
        with self._open() as db:
            rows = db.execute(query, (person,)).fetchall()
        return [(Source(source), str(day), str(model)) for source, day, model in rows]

    def drop_grown(self, person: str) -> int:
        """Erase the samples later passes added, those somebody vouched for stay; how many."""
        query = "DELETE FROM sample WHERE person = ? AND source = ?"
        with self._open() as db:
            return db.execute(query, (person, Source.PASS)).rowcount

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
        return [reference_of(who, p, stored, over) for who, p, stored, over in found if stored]

    def revoke_agent(self, principal: str, agent: str) -> None:
        """End a relation at once; ``UnknownPersonError`` where there is none."""
        with self._open() as db:
            pair = (principal, agent)
            gone = db.execute("DELETE FROM agent WHERE principal = ? AND agent = ?", pair)
            if not gone.rowcount:
                raise UnknownPersonError("no such agent relation")

    def relate(self, relations: Iterable[Relation]) -> None:
        """All of ``relations`` or none; what is so already is left as it is."""
        with self._open() as db:
            for r in relations:
                if r.until is None:
                    pair = (r.principal, r.agent)
                    db.execute("DELETE FROM agent WHERE principal = ? AND agent = ?", pair)
                else:
                    row = (r.principal, r.agent, r.relation, r.until.isoformat())
                    db.execute("INSERT OR REPLACE INTO agent VALUES (?, ?, ?, ?)", row)

    def deliver(self, changes: Iterable[Delivered]) -> None:
        """All of ``changes`` or none, in their order; done twice they are done once.

        ``NumbersConflictError`` where the numbers of one name two.
        """
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            for change in changes:
                self._deliver(db, change)

    def remove(self, person: str) -> None:
        """Erase a person with templates, numbers and every agent relation."""
        with self._open() as db:
            if not db.execute("DELETE FROM person WHERE digest = ?", (person,)).rowcount:
                raise UnknownPersonError("no such person")

    def count(self) -> int:
        """Persons enrolled."""
        with self._open() as db:
            return int(db.execute("SELECT count(*) FROM person").fetchone()[0])

    def enrolled(self, first: int, count: int) -> list[Enrolled]:
        """``count`` persons from the ``first``, 0-based, last enrolled first."""
        query = f"{_ENROLLED} ORDER BY at DESC, digest LIMIT ? OFFSET ?"
        with self._open() as db:
            rows = db.execute(query, (count, first)).fetchall()
        return [self._enrolled(row) for row in rows]

    def alike(self, start: str) -> Enrolled | None:
        """The person whose digest begins with ``start`` (12 characters tell all apart)."""
        query = f"{_ENROLLED} WHERE digest >= ? AND digest < ? LIMIT 1"
        with self._open() as db:
            row = db.execute(query, (start, f"{start}g")).fetchone()
        return self._enrolled(row) if row else None

    def names(self) -> list[str]:
        """Every name, to be kept out of what leaves the machine."""
        with self._open() as db:
            rows = db.execute("SELECT digest, name FROM person").fetchall()
        return [self.vault.open(name, f"person/{digest}").decode() for digest, name in rows]

    def relations(self) -> list[Agency]:
        """Who may buy for whom, expired ones too, by person."""
        query = "SELECT principal, agent, relation, until FROM agent ORDER BY principal, agent"
        with self._open() as db:
            rows = db.execute(query).fetchall()
        return [Agency(p, a, relation, date.fromisoformat(u)) for p, a, relation, u in rows]

    def _enrolled(self, row: tuple[str, bytes, str, str, str, int]) -> Enrolled:
        person, sealed, consent, by, at, samples = row
        name = self.vault.open(sealed, f"person/{person}").decode()
        return Enrolled(person, name, consent, by, at, samples)

    def _fact(self, person: str, column: str) -> Any:
        query = f"SELECT {column} FROM person WHERE digest = ?"  # noqa: S608  # own names only
        with self._open() as db:
            row = db.execute(query, (person,)).fetchone()
        if row is None:
            raise UnknownPersonError("no such person")
        return row[0]

    def _deliver(self, db: sqlite3.Connection, change: Delivered) -> None:
        digests = self.digests(change.enrolment.numbers)
        person = _named(db, digests)
        if change.op is Op.ERASE:
            db.execute("DELETE FROM person WHERE digest = ?", (person,))
            return
        if change.op is Op.REPLACE:
            db.execute("DELETE FROM sample WHERE person = ?", (person,))
        person = self._put_person(db, person or digests[0], digests, change.enrolment)
        for stamp, day, picture in change.samples:
            stored = self._samples(db, person, stamp)
            if not any(np.array_equal(s.embedding, picture.embedding) for s in stored):
                self._insert_samples(db, person, [picture], stamp, day.isoformat())

    def _put_person(
        self, db: sqlite3.Connection, person: str, digests: tuple[str, ...], given: Enrolment
    ) -> str:
        name = self.vault.seal(given.name.encode(), f"person/{person}")
        facts = (name, given.consent, given.enrolled_by, given.at)
        db.execute(
            "INSERT INTO person (name, consent, enrolled_by, at, digest) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (digest) DO UPDATE SET name = excluded.name,"
            " consent = excluded.consent",
            (*facts, person),
        )
        rows = [(digest, person) for digest in digests]
        db.executemany("INSERT OR IGNORE INTO number VALUES (?, ?)", rows)
        return person

    def _insert_samples(
        self,
        db: sqlite3.Connection,
        person: str,
        samples: Sequence[Picture],
        stamp: ModelStamp,
        day: str,
    ) -> None:
        label = _sample_label(person, stamp)
        rows = [
            (
                *(person, stamp.id, stamp.sha256),
                self.vault.seal(s.embedding.astype("<f4").tobytes(), label),
                *(s.source, day, s.merit),
            )
            for s in samples
        ]
        columns = "person, model, model_sha256, template, source, day, merit"
        insert = f"INSERT INTO sample ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608  # own names only
        db.executemany(insert, rows)

    def _samples(self, db: sqlite3.Connection, person: str, stamp: ModelStamp) -> list[Stored]:
        rows = db.execute(
            "SELECT id, template, source, day, merit FROM sample"
            " WHERE person = ? AND model = ? AND model_sha256 = ? ORDER BY id",
            (person, stamp.id, stamp.sha256),
        )
        label = _sample_label(person, stamp)
        return [self._stored(row, label) for row in rows]

    def _stored(self, row: Any, label: str) -> Stored:
        sample = Sample(Source(row[2]), date.fromisoformat(row[3]), float(row[4]))
        opened = np.frombuffer(self.vault.open(row[1], label), "<f4").astype(np.float32)
        return Stored(int(row[0]), sample, opened)

    def _open(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        return opened(self.path)


def _named(db: sqlite3.Connection, digests: tuple[str, ...]) -> str:
    """The person these numbers are of; empty: nobody yet. ``NumbersConflictError`` for two."""
    query = "SELECT person FROM number WHERE digest = ?"
    rows = [db.execute(query, (digest,)).fetchone() for digest in digests]
    persons = {str(row[0]) for row in rows if row}
    if len(persons) > 1:
        raise NumbersConflictError("id number and person number name two persons")
    return next(iter(persons), "")


def _sample_label(person: str, stamp: ModelStamp) -> str:
    return f"sample/{person}/{stamp.id}/{stamp.sha256}"
