"""Documents the office signs: to all devices of an institution, or sealed to each of them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from yibao_face.sync.center.api import CenterError, RefusedError
from yibao_face.sync.center.office.office import Office
from yibao_face.sync.center.store.documents import Letter
from yibao_face.sync.center.store.tables import CERTIFICATE, DEVICE_KEY, DOCUMENT

_TRIES = 5


class NoKeyError(RefusedError):
    """The centre has no key of its own to sign with."""

    def __init__(self) -> None:
        super().__init__(409, "unsigned", "中心未配置签名密钥，不能下发，请联系管理员")


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be signed. ``payload``: JSON text; ``target``: as in ``Letter``."""

    kind: str
    name: str
    target: str
    payload: str


def publish(office: Office, parcel: Parcel, now_ms: int, key: bytes | None = None) -> int:
    """Sign and hand out; the version it got. ``key``: sealed to it, ``None``: in the clear.

    Raises ``NoKeyError`` where the centre cannot sign.
    """
    if office.sign is None or (key is not None and office.seal is None):
        raise NoKeyError
    for _ in range(_TRIES):
        version = _next_version(office, parcel)
        payload = parcel.payload
        if key is not None and office.seal is not None:
            sealed = office.seal(payload, key, parcel.kind, version)
            payload = json.dumps(sealed, separators=(",", ":"))
        envelope = office.sign(parcel.kind, version, payload).decode()
        letter = Letter(parcel.kind, parcel.name, parcel.target, version, envelope)
        try:
            office.center.documents.publish(letter, now_ms)
        except CenterError:
            # Somebody published this version in between: ours has to be newer.
            continue
        return version
    raise RefusedError(409, "taken", "同时有人在下发，请稍后重试")


def publish_sealed(office: Office, parcel: Parcel, institution: str, now_ms: int) -> list[str]:
    """To every device of an institution, each copy for it alone; the devices that got one.

    A device that has told no key gets nothing: what names people travels sealed only. Raises
    ``NoKeyError`` where the centre cannot sign.
    """
    if office.sign is None or office.seal is None:
        raise NoKeyError
    with office.reading() as db:
        keys = _seal_keys(db, devices_of(db, institution, now_ms))
    for device, key in sorted(keys.items()):
        own = Parcel(parcel.kind, parcel.name, f"device:{device}", parcel.payload)
        publish(office, own, now_ms, key)
    return sorted(keys)


def _next_version(office: Office, parcel: Parcel) -> int:
    """Newer than any of this kind and name, for whomever."""
    own = select(func.max(DOCUMENT.c.version))
    own = own.where(DOCUMENT.c.kind == parcel.kind, DOCUMENT.c.name == parcel.name)
    with office.reading() as db:
        return 1 + int(db.execute(own).scalar() or 0)


def devices_of(db: Connection, institution: str, now_ms: int) -> list[str]:
    """The devices of an institution that are let in."""
    own = select(CERTIFICATE.c.device.distinct()).where(
        CERTIFICATE.c.institution == institution,
        CERTIFICATE.c.revoked_ms.is_(None),
        CERTIFICATE.c.not_after_ms > now_ms,
    )
    return sorted(db.execute(own).scalars())


def _seal_keys(db: Connection, devices: list[str]) -> dict[str, bytes]:
    """The newest X25519 key each device has told at its enrolment."""
    own = select(DEVICE_KEY.c.device, DEVICE_KEY.c.seal).where(DEVICE_KEY.c.device.in_(devices))
    found = db.execute(own.order_by(DEVICE_KEY.c.since_ms))
    return {device: base64.b64decode(seal) for device, seal in found}
