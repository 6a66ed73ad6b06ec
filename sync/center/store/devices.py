"""Which machine is bound to which institution: enrolment codes, certificates, revocations."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from yibao_face.sync.center.api import Caller, CenterError, RefusedError
from yibao_face.sync.center.device.authority import Issued
from yibao_face.sync.center.device.key import DeviceKeys
from yibao_face.sync.center.store.database import Database, put_once, raise_alarm, rows
from yibao_face.sync.center.store.tables import CERTIFICATE, CODE, DEVICE_KEY

Issue = Callable[[str, str], Issued]


class Devices:
    """Of all institutions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_code(  # noqa: PLR0913  # what a code binds, and until when
        self,
        code: str,
        device: str,
        institution: str,
        expires_ms: int,
        now_ms: int,
        *,
        replace: bool = False,
    ) -> None:
        """Keep a one-time code. ``replace``: the device may have a certificate already, which is
        revoked once the code is used; else ``CenterError``."""
        with self._database.writing() as db:
            if not replace and _valid(db, device, now_ms):
                raise CenterError(f"device {device} has a valid certificate: revoke or replace it")
            values = {"sha256": _digest(code), "device": device, "institution": institution}
            db.execute(insert(CODE).values(**values, expires_ms=expires_ms))

    def enrol(self, code: str, key_sha256: str, issue: Issue, now_ms: int) -> Issued:
        """Use up a code for the certificate ``issue`` makes of device and institution.

        The same code with the same key gives the same certificate again: an answer may be lost.
        """
        with self._database.writing() as db:
            own = select(CODE).where(CODE.c.sha256 == _digest(code)).with_for_update()
            found = db.execute(own).mappings().first()
            if found is None or found["expires_ms"] <= now_ms:
                raise _code_refused()
            if found["used_ms"] is not None:
                return _again(db, found["serial"], key_sha256)
            _revoke(db, CERTIFICATE.c.device == found["device"], "replaced", now_ms)
            issued = issue(found["device"], found["institution"])
            _add(db, issued, key_sha256, now_ms)
            used = {"used_ms": now_ms, "serial": issued.caller.serial}
            db.execute(update(CODE).where(CODE.c.sha256 == found["sha256"]).values(**used))
        return issued

    def renew(self, caller: Caller, key_sha256: str, issue: Issue, now_ms: int) -> Issued:
        """A further certificate for a device that has a valid one, which stays valid."""
        with self._database.writing() as db:
            issued = issue(caller.device, caller.institution)
            _add(db, issued, key_sha256, now_ms)
        return issued

    def bind_keys(self, caller: Caller, keys: DeviceKeys, now_ms: int) -> bool:
        """Keep a device's public keys; ``True`` when it signed with another key before.

        ``RefusedError`` when another device that is let in signs with this key: whose records a
        stick carries is told by it.
        """
        with self._database.writing() as db:
            if _signs(db, keys.key_id, caller.device, now_ms):
                raise RefusedError(422, "keys", "keys.sign is another device's")
            before = sign_key(db, caller.device)
            sign, seal = (base64.b64encode(key).decode() for key in (keys.sign, keys.seal))
            row = {"device": caller.device, "key_id": keys.key_id, "sign": sign, "seal": seal}
            if not put_once(db, DEVICE_KEY, {**row, "since_ms": now_ms}, "key_id"):
                own = (DEVICE_KEY.c.device == caller.device, DEVICE_KEY.c.key_id == keys.key_id)
                db.execute(update(DEVICE_KEY).where(*own).values(seal=seal, since_ms=now_ms))
            changed = before not in (None, keys.sign)
            if changed:
                raise_alarm(db, caller.device, "sign-key-changed", keys.key_id, now_ms)
        return changed

    def named(self, key_id: str) -> Caller | None:
        """The device that signs with this key, as its last certificate names it; ``None``.

        ``RefusedError`` when it was shut out. An expired certificate is no reason: a stick comes
        from where there is no network.
        """
        with self._database.reading() as db:
            own = select(DEVICE_KEY.c.device).where(DEVICE_KEY.c.key_id == key_id)
            device = db.execute(own.order_by(DEVICE_KEY.c.since_ms.desc()).limit(1)).scalar()
            its = select(CERTIFICATE).where(CERTIFICATE.c.device == device)
            last = its.order_by(CERTIFICATE.c.issued_ms.desc(), CERTIFICATE.c.not_after_ms.desc())
            found = db.execute(last.limit(1)).mappings().first()
        if found is None:
            return None
        if found["revoked_ms"] is not None:
            raise RefusedError(403, "revoked", "the device was shut out")
        return Caller(
            found["device"], found["institution"], found["serial"], found["not_after_ms"]
        )

    def sign_keys(self, device: str) -> dict[str, bytes]:
        """All keys a device ever signed with, by their short names; raw."""
        with self._database.reading() as db:
            own = select(DEVICE_KEY.c.key_id, DEVICE_KEY.c.sign)
            found = db.execute(own.where(DEVICE_KEY.c.device == device)).all()
        return {key_id: base64.b64decode(sign) for key_id, sign in found}

    def check(self, caller: Caller, now_ms: int) -> None:
        """Raise ``RefusedError`` unless this certificate is ours, in time and not revoked."""
        if caller.not_after_ms <= now_ms:
            raise RefusedError(403, "expired", "the certificate has expired")
        with self._database.reading() as db:
            own = select(CERTIFICATE.c.device, CERTIFICATE.c.institution, CERTIFICATE.c.revoked_ms)
            found = db.execute(own.where(CERTIFICATE.c.serial == caller.serial)).first()
        if found is None or (found.device, found.institution) != (
            caller.device,
            caller.institution,
        ):
            raise RefusedError(403, "unknown-certificate", "the certificate is not on our list")
        if found.revoked_ms is not None:
            raise RefusedError(403, "revoked", "the certificate was revoked")

    def revoke(self, device: str, reason: str, now_ms: int) -> int:
        """Revoke all certificates of a device, from the next request on; how many there were."""
        with self._database.writing() as db:
            return _revoke(db, CERTIFICATE.c.device == device, reason, now_ms)

    def revoked_serials(self) -> list[str]:
        """The revocation list."""
        with self._database.reading() as db:
            own = select(CERTIFICATE.c.serial).where(CERTIFICATE.c.revoked_ms.is_not(None))
            return sorted(row["serial"] for row in rows(db, own))


def sign_key(db: Connection, device: str) -> bytes | None:
    """The raw public key a device signs with now; ``None`` where it has given none."""
    own = select(DEVICE_KEY.c.sign).where(DEVICE_KEY.c.device == device)
    found = db.execute(own.order_by(DEVICE_KEY.c.since_ms.desc()).limit(1)).scalar()
    return None if found is None else base64.b64decode(found)


def _signs(db: Connection, key_id: str, device: str, now_ms: int) -> bool:
    """Whether another device, which has a valid certificate, has this key."""
    others = select(DEVICE_KEY.c.device).where(DEVICE_KEY.c.key_id == key_id)
    found = db.execute(others.where(DEVICE_KEY.c.device != device)).scalars().all()
    return any(_valid(db, other, now_ms) for other in found)


def _add(db: Connection, issued: Issued, key_sha256: str, now_ms: int) -> None:
    values = {
        "serial": issued.caller.serial,
        "device": issued.caller.device,
        "institution": issued.caller.institution,
        "key_sha256": key_sha256,
        "issued_ms": now_ms,
        "not_after_ms": issued.caller.not_after_ms,
        "pem": issued.pem,
    }
    db.execute(insert(CERTIFICATE).values(**values))


def _again(db: Connection, serial: str, key_sha256: str) -> Issued:
    own = select(CERTIFICATE).where(CERTIFICATE.c.serial == serial)
    found = db.execute(own).mappings().one()
    if found["key_sha256"] != key_sha256 or found["revoked_ms"] is not None:
        raise _code_refused()
    caller = Caller(found["device"], found["institution"], serial, found["not_after_ms"])
    return Issued(caller, found["pem"])


def _revoke(db: Connection, whose: Any, reason: str, now_ms: int) -> int:
    valid = update(CERTIFICATE).where(whose, CERTIFICATE.c.revoked_ms.is_(None))
    return db.execute(valid.values(revoked_ms=now_ms, reason=reason)).rowcount


def _valid(db: Connection, device: str, now_ms: int) -> bool:
    own = select(func.count()).select_from(CERTIFICATE).where(CERTIFICATE.c.device == device)
    live = own.where(CERTIFICATE.c.revoked_ms.is_(None), CERTIFICATE.c.not_after_ms > now_ms)
    return bool(db.execute(live).scalar_one())


def _code_refused() -> RefusedError:
    # One answer for unknown, used and expired: nobody learns which codes exist.
    return RefusedError(403, "code", "the code is not valid")


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
