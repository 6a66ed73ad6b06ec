"""The way of a batch: unpacked, read, record by record, stored, answered."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any

from yibao_face.sync.center.api import Caller, StoreDownError
from yibao_face.sync.center.center import Center
from yibao_face.sync.center.ingest.batch import Batch, check_caller, read_batch, with_records
from yibao_face.sync.center.ingest.body import strict_json, unpacked
from yibao_face.sync.center.ingest.health import HealthError, read_health
from yibao_face.sync.center.ingest.record import Incoming, UnsoundError, read_record
from yibao_face.sync.center.log import event, warning
from yibao_face.sync.center.store.database import raise_alarm
from yibao_face.sync.center.store.records import Taken

_REJECTED = "reject"


def take_batch(center: Center, caller: Caller, data: bytes, encoding: str) -> dict[str, Any]:
    """The answer to a batch, but for ``budget``; what it calls new is on disk, here or on the bus.

    ``data``: the body as it came. After ``RefusedError`` or ``StoreDownError`` nothing is stored.
    """
    plain = unpacked(data, encoding, center.limits.unpacked_bytes)
    batch = read_batch(strict_json(plain), center.limits.records)
    check_caller(batch, caller)
    now_ms = center.clock()
    results, taken = take_in(center, caller, batch, now_ms)
    _keep_health(center, caller, batch, now_ms)
    gaps = [[first, last] for first, last in taken.gaps]
    evidence = center.lane.slot(caller.device, now_ms)
    return {"now_ms": now_ms, "results": results, "gaps": gaps, "evidence": evidence}


def take_in(
    center: Center, caller: Caller, batch: Batch, now_ms: int
) -> tuple[list[dict[str, str]], Taken]:
    """One result per record, and what the store says; whichever way the batch came."""
    sound = [_read(body, batch, caller) for body in batch.records]
    incoming = [one for one in sound if isinstance(one, Incoming)]
    if len(incoming) < len(sound):
        pairs = zip(batch.records, sound, strict=True)
        batch = with_records(batch, [raw for raw, one in pairs if isinstance(one, Incoming)])
    taken = (center.relay or center.records).take(caller, batch, incoming, now_ms)
    statuses = iter(taken.statuses)
    results = [
        _result(one.id, _REJECTED, str(one))
        if isinstance(one, UnsoundError)
        else _result(one.record.id, next(statuses), "")
        for one in sound
    ]
    _tell(center, caller, batch, results, taken.alarms)
    return results, taken


def _keep_health(center: Center, caller: Caller, batch: Batch, now_ms: int) -> None:
    """After the records and apart from them: what a machine says of itself delays no result.

    Here and not by the writer behind a bus: of the facts only the newest counts. Where they
    cannot be written the answer is that to the records all the same.
    """
    try:
        health = read_health(batch.health)
        if health is not None:
            center.health.note(caller.device, health, now_ms - batch.sent_ms, now_ms)
    except HealthError as exc:
        warning("health", device=caller.device, reason=str(exc))
        with suppress(StoreDownError), center.database.writing() as db:
            raise_alarm(db, caller.device, "health", str(exc), now_ms)
    except StoreDownError as exc:
        warning("health", device=caller.device, reason=str(exc))


def _read(body: object, batch: Batch, caller: Caller) -> Incoming | UnsoundError:
    try:
        return read_record(body, batch.schema, caller.institution, batch.algorithm)
    except UnsoundError as exc:
        return exc


def _result(id_: str, status: str, reason: str) -> dict[str, str]:
    return {"id": id_, "status": status, "reason": reason}


def _tell(
    center: Center,
    caller: Caller,
    batch: Batch,
    results: list[dict[str, str]],
    alarms: tuple[str, ...],
) -> None:
    """Count it, and write it into the log."""
    counts = Counter(result["status"] for result in results)
    told = {status: counts[status] for status in ("new", "dup", "conflict", _REJECTED)}
    whose = {"device": caller.device, "institution": caller.institution, "boot": batch.boot_id}
    event("batch", **whose, **told)
    for kind in alarms:
        warning("alarm", device=caller.device, kind=kind)
    reasons = [r["reason"] for r in results if r["status"] == _REJECTED]
    center.metrics.batch(told, reasons, alarms)
    for reason in sorted({*reasons}):
        warning("record rejected", device=caller.device, reason=reason)
