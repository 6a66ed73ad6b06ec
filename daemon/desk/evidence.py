"""Where evidence of a data folder is listed, how much room it has, and who is told what went."""

from __future__ import annotations

import logging

from yibao_face.daemon.config import Config
from yibao_face.daemon.core.decision import refused
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.scene.event import Kind
from yibao_face.daemon.desk.desk import Desk
from yibao_face.daemon.gallery.crop import CropStore, crop_path
from yibao_face.daemon.gallery.evidence import EvidenceError
from yibao_face.daemon.gallery.keeper import ATTACK, MB, WORTH, Dropped, EvidenceKeeper
from yibao_face.daemon.ledger import Entry, Ledger
from yibao_face.sync.api import StoreError
from yibao_face.sync.evidence import EvidenceLane, Quota

logger = logging.getLogger(__name__)


def keeper_of(config: Config, ledger: Ledger) -> EvidenceKeeper:
    """The list of evidence files; what was dropped unsent is on record."""
    folder = config.data / "evidence"

    def tell(dropped: Dropped) -> None:
        for piece in dropped.pieces:
            if piece.lane == ATTACK and piece.record_id:
                # Its first name, or the room would not be free.
                crop_path(config.data / "attacks", piece.record_id).unlink(missing_ok=True)
        if dropped.lost:
            entry = Entry(Kind.ALARM, refused(Cause.RECORDED), detail=dropped.detail())
            ledger.write(ledger.new_id(), entry)

    quota = Quota(config.evidence.quota_mb * MB, WORTH)
    return EvidenceKeeper(EvidenceLane(ledger.outbox.file, folder), folder, quota, tell)


def crops_of(config: Config, desk: Desk) -> CropStore:
    """Where pictures of attacks are kept for some days."""
    kept, vault = config.liveness, desk.gallery.vault
    days, keep = kept.crop_days, kept.keep_attack_crops
    return CropStore(config.data / "attacks", vault, days, keep, desk.keeper)


def mend_evidence(desk: Desk, crops: CropStore) -> None:
    """What cannot be listed now is at the next start: nobody waits for it."""
    try:
        crops.mend()
        desk.keeper.mend(desk.ledger.clock.unix_ms() / 1000)
    except (EvidenceError, StoreError, OSError) as exc:
        logger.warning("evidence cannot be listed now: %s", exc)
