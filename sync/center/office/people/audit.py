"""The log of what was done in the office: only ever added to, each entry tied to the one before.

The hashes show that an entry was changed or taken out of the middle; the code over the last one,
made with a secret that is not in the database, shows that the end was cut or all written anew.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from yibao_face.sync.center.office.people.secret import Secrets
from yibao_face.sync.center.office.store.tables import AUDIT, AUDIT_HEAD
from yibao_face.sync.center.store.database import put_once
from yibao_face.sync.chain import GENESIS, canonical, next_hash

DONE, REFUSED = "done", "refused"
_HEAD = "head"
_PAGE = 5000


@dataclass(frozen=True, slots=True)
class Entry:
    """Who did what to which subject, from where. ``old``, ``new``: digests, empty for nothing."""

    at_ms: int
    who: str
    what: str
    subject: str
    institution: str
    source: str
    old: str = ""
    new: str = ""
    result: str = DONE


@dataclass(frozen=True, slots=True)
class Report:
    """``broken_at``: number of the first entry that does not fit, ``None``: all do."""

    entries: int
    broken_at: int | None


def state_digest(state: object) -> str:
    """What the log keeps of a state before or after: a digest, never the values."""
    if state is None:
        return ""
    text = json.dumps(state, ensure_ascii=False, sort_keys=True, default=_told)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def note(db: Connection, secrets: Secrets, entry: Entry) -> None:
    """Add an entry, in the transaction of what it tells of."""
    head = _locked_head(db, secrets)
    seq, prev = head["seq"] + 1, head["hash"]
    hash_ = next_hash(prev, _content(seq, asdict(entry)))
    db.execute(insert(AUDIT).values(seq=seq, **asdict(entry), prev=prev, hash=hash_))
    values = {"seq": seq, "hash": hash_, "code": _code(secrets, seq, hash_)}
    db.execute(update(AUDIT_HEAD).where(AUDIT_HEAD.c.name == _HEAD).values(**values))


def verify(db: Connection, secrets: Secrets) -> Report:
    """Look at every entry."""
    prev, seq = GENESIS, 0
    for row in _entries(db):
        hash_ = next_hash(prev, _content(row["seq"], row))
        if row["seq"] != seq + 1 or row["prev"] != prev or row["hash"] != hash_:
            return Report(seq, seq + 1)
        prev, seq = hash_, row["seq"]
    found = db.execute(select(AUDIT_HEAD).where(AUDIT_HEAD.c.name == _HEAD)).mappings().first()
    if found is None:
        return Report(seq, None if seq == 0 else seq)
    code = _code(secrets, found["seq"], found["hash"])
    sound = hmac.compare_digest(code, found["code"])
    sound = sound and (found["seq"], found["hash"]) == (seq, prev)
    return Report(seq, None if sound else seq + 1)


def _entries(db: Connection) -> Iterator[dict[str, Any]]:
    """All, in their order, not all at once."""
    after = 0
    while True:
        own = select(AUDIT).where(AUDIT.c.seq > after).order_by(AUDIT.c.seq).limit(_PAGE)
        found = [dict(row) for row in db.execute(own).mappings()]
        yield from found
        if len(found) < _PAGE:
            return
        after = found[-1]["seq"]


def _locked_head(db: Connection, secrets: Secrets) -> dict[str, Any]:
    """The head, held until the end: entries get their places one by one."""
    own = select(AUDIT_HEAD).where(AUDIT_HEAD.c.name == _HEAD).with_for_update()
    found = db.execute(own).mappings().first()
    if found is None:
        fresh = {"name": _HEAD, "seq": 0, "hash": GENESIS, "code": _code(secrets, 0, GENESIS)}
        put_once(db, AUDIT_HEAD, fresh, "name")
        found = db.execute(own).mappings().one()
    return dict(found)


def _content(seq: int, values: dict[str, Any]) -> bytes:
    names = asdict(Entry(0, "", "", "", "", "")).keys()
    return canonical({"seq": seq, **{name: values[name] for name in names}})


def _code(secrets: Secrets, seq: int, hash_: bytes) -> bytes:
    return secrets.code("audit", f"{seq}\n{hash_.hex()}".encode())


def _told(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
