"""The revocation list in force, as the newest record of one says."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import fields

from yibao_face.daemon.codes import DeviceRevokedError
from yibao_face.daemon.core.scene.event import Kind
from yibao_face.daemon.trust.revocation import Revoked, parse_revocation
from yibao_face.models.api import ModelRevokedError, ModelStamp
from yibao_face.sync.api import Query
from yibao_face.sync.outbox import Outbox

_NEWEST = Query(kinds=(Kind.REVOCATION.value,), newest=True, limit=1)
_LISTS = tuple(f.name for f in fields(Revoked))


class RevocationList:
    """Asked by every call: one indexed look into the log, whoever of this machine wrote there."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self._guard = threading.Lock()
        self._id, self._list = "", Revoked()

    def current(self) -> Revoked:
        """The list in force, empty where there never was one; raises ``StoreError``."""
        with self._guard:
            for brief in self._outbox.briefs(_NEWEST):
                if brief.id != self._id:
                    detail = json.loads(brief.detail)
                    self._list = parse_revocation({name: detail[name] for name in _LISTS})
                    self._id = brief.id
            return self._list

    def keys(self) -> frozenset[str]:
        """Ids of the centre's keys that are revoked."""
        return self.current().keys


def refuse_revoked(
    revoked: Revoked, devices: frozenset[str], stamps: Sequence[ModelStamp]
) -> None:
    """Raise where the centre trusts this device, or a network in use, no longer."""
    if not devices.isdisjoint(revoked.devices):
        raise DeviceRevokedError("this device is revoked by the centre")
    for stamp in stamps:
        if not revoked.models.isdisjoint((stamp.id, stamp.sha256)):
            raise ModelRevokedError(f"model {stamp.id} is revoked by the centre")
