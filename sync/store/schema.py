"""The tables of the record file, schema 3."""

from __future__ import annotations

from yibao_face.sync.api import FIELDS

VERSION = 3
NAMES = ", ".join(FIELDS)
INTEGERS = frozenset({"at_unix_ms", "code", "who", "demo"})
BLOB = "sealed_request"
WAITING, SENT, DEAD = STATES = ("waiting", "sent", "dead")

# In the order written; what is hashed is never changed: the triggers keep a slip from doing it.
_RECORD = ", ".join(
    f"{c} {'INTEGER' if c in INTEGERS else 'BLOB' if c == BLOB else 'TEXT'} NOT NULL"
    for c in FIELDS
)
TABLES = (
    f"CREATE TABLE record (seq INTEGER PRIMARY KEY, {_RECORD}, hash BLOB NOT NULL, UNIQUE (id))"
    " STRICT",
    "CREATE TRIGGER record_changed BEFORE UPDATE ON record"
    " BEGIN SELECT raise(ABORT, 'records are never changed'); END",
    "CREATE TRIGGER record_removed BEFORE DELETE ON record"
    " BEGIN SELECT raise(ABORT, 'records are never removed'); END",
    # Beside the record: how far it has come on its way. Lower priority numbers go first.
    "CREATE TABLE delivery (seq INTEGER PRIMARY KEY, priority INTEGER NOT NULL,"
    " state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'dead')),"
    " attempts INTEGER NOT NULL, next_at_ms INTEGER NOT NULL, error TEXT NOT NULL,"
    " sent_at INTEGER) STRICT",
    # The end of the chain and every 64th link, signed by the device.
    "CREATE TABLE head (seq INTEGER PRIMARY KEY, hash BLOB NOT NULL, at_ms INTEGER NOT NULL,"
    " signature BLOB NOT NULL) STRICT",
    # Losses a repair found and told; a gap is a link of the chain.
    "CREATE TABLE gap (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, at_ms INTEGER NOT NULL,"
    " reason TEXT NOT NULL, hash BLOB NOT NULL, signature BLOB NOT NULL) STRICT",
    "CREATE TABLE evidence (name TEXT PRIMARY KEY, size_bytes INTEGER NOT NULL,"
    " lane TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'dropped')),"
    " record_id TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT",
    "CREATE TABLE store (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT",
)
INDEXES = (
    "CREATE INDEX record_deal ON record (institution, deal_no)",
    "CREATE INDEX record_kind ON record (kind, day)",
    # Partial: whether a settlement was let go must not cost more after many refusals of it.
    "CREATE INDEX record_let_go ON record (institution, deal_no) WHERE code > 0",
    "CREATE INDEX record_person ON record (person, kind, cause, at_unix_ms)",
    "CREATE INDEX record_certificate ON record (certificate_no)",
    # With the time in it, those not due are passed over without a look at their rows.
    "CREATE INDEX delivery_waiting ON delivery (priority, seq, next_at_ms)"
    " WHERE state = 'waiting'",
    "CREATE INDEX delivery_dead ON delivery (seq) WHERE state = 'dead'",
)

_MARKS = ", ".join("?" * (len(FIELDS) + 2))
INSERT_RECORD = f"INSERT INTO record (seq, {NAMES}, hash) VALUES ({_MARKS})"  # noqa: S608  # own names
INSERT_DELIVERY = "INSERT INTO delivery VALUES (?, ?, ?, ?, ?, ?, ?)"
INSERT_HEAD = "INSERT OR REPLACE INTO head VALUES (?, ?, ?, ?)"
INSERT_GAP = "INSERT INTO gap VALUES (?, ?, ?, ?, ?, ?)"
# Number and hash of the last link, a record or a gap: as one query ten times slower.
LAST_RECORD = "SELECT seq, hash FROM record ORDER BY seq DESC LIMIT 1"
LAST_GAP = "SELECT last, hash FROM gap ORDER BY first DESC LIMIT 1"
