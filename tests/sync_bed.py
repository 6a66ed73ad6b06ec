"""Invented records, a device key of the tests, and ways to change what may not be changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from yibao_face.daemon.trust.signature import BadSignatureError, Ed25519Signer, Ed25519Verifier
from yibao_face.sync.api import Record
from yibao_face.sync.outbox import Outbox
from yibao_face.sync.store.repair import Key

SIGNER = Ed25519Signer(bytes(range(32)))
AT_MS = 1_795_305_600_123


def check(signature: bytes, data: bytes) -> bool:
    """Whether it is the signature of the device of the tests."""
    try:
        Ed25519Verifier(SIGNER.public_key()).verify(signature, data)
    except BadSignatureError:
        return False
    return True


KEY = Key(SIGNER.sign, check)


def result(id_: str = "0001", **changed: str | bool | int | bytes) -> Record:
    """A record of common content."""
    made = Record(
        id=id_,
        kind="settlement",
        at_unix_ms=AT_MS,
        day="2026-11-22",
        request_sha256="0" * 64,
        institution="001000200030",
        deal_no="00100020003020261122000001",
        person="f" * 64,
        code=1,
        who=2,
        cause="matched-agent",
        rule="",
        certificate_no="0" * 30,
        certificate="{}",
        scores='{"similarity": 0.61}',
        models="{}",
        thresholds="{}",
        evidence_sha256="e" * 64,
        camera="replay/演示/1",
        consent="2023-106-1",
        consent_text="2023-106-1",
        findings="[]",
        detail="{}",
        sealed_request=b"\x00Y1\xff",
        demo=False,
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def filled(path: Path, count: int, **changed: str | bool | int | bytes) -> Path:
    """A closed file of ``count`` signed records ``0001``, ``0002``, …"""
    with Outbox(path, sign=SIGNER.sign) as outbox:
        for n in range(1, count + 1):
            outbox.put(result(f"{n:04d}", **changed))
    return path


@contextmanager
def tampering(path: Path) -> Generator[sqlite3.Connection, None, None]:
    """The file without its guards, as somebody with a SQLite shell has it."""
    with closing(sqlite3.connect(path)) as db:
        guards = ("record_changed", "record_removed")
        kept = db.execute("SELECT sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name in guards:
            db.execute(f"DROP TRIGGER {name}")
        yield db
        for (sql,) in kept:
            db.execute(sql)
        db.commit()
