"""The centre's receipt for records that came to it on a stick."""

from __future__ import annotations

from typing import Any, cast

from yibao_face.daemon.inbox.kind.payload import fields_of
from yibao_face.daemon.inbox.kind.site import Site
from yibao_face.daemon.inbox.letter import NotUnderstoodError
from yibao_face.daemon.inbox.parcel import Applied, Parcel
from yibao_face.sync.api import StoreError
from yibao_face.sync.delivery import Receipt, Taken
from yibao_face.sync.outbox import Outbox

RECEIPT = "queue-receipt"


def receipt_of(payload: Any, version: int, device: str) -> Receipt:
    """``{"device", "taken": [[first, last, hash]], "refused": [[id, reason]]}``, if it is ours."""
    try:
        fields = fields_of(payload).only("device", "taken", "refused")
        ours = fields.text("device") == device
        taken = tuple(_taken(*cast(list[Any], entry)) for entry in fields.items("taken"))
        refused = (cast(tuple[Any, Any], entry) for entry in fields.items("refused"))
        turned_down = tuple((str(id_), str(why)) for id_, why in refused)
    except (NotUnderstoodError, TypeError, ValueError) as exc:
        raise NotUnderstoodError("the document is no receipt / 文件不是回执") from exc
    if not ours:
        raise NotUnderstoodError("the receipt is for another device / 回执属于其他设备")
    return Receipt(version, taken, turned_down)


def take_receipt(outbox: Outbox, receipt: Receipt, now_ms: int) -> int:
    """How many records it acknowledges that were not; one taken in before changes nothing."""
    if outbox.file.setting("receipt") == str(receipt.version):
        return 0
    return outbox.delivery.receive(receipt, now_ms)


def apply_receipt(site: Site, parcel: Parcel) -> Applied:
    """Acknowledge what the centre says it has of this device."""
    document, ledger = parcel.document, site.desk.ledger
    receipt = receipt_of(document.payload, document.version, site.device)
    try:
        done = take_receipt(ledger.outbox, receipt, ledger.clock.unix_ms())
    except StoreError as exc:
        if exc.__cause__ is None:  # no fault of the file: the receipt is of another chain, or old
            raise NotUnderstoodError(str(exc)) from exc
        raise
    return Applied({"acknowledged": done, "refused": len(receipt.refused)})


def _taken(first: object, last: object, hash_: object) -> Taken:
    if type(first) is not int or type(last) is not int or not isinstance(hash_, str):
        raise ValueError("a range is two numbers and a hash")
    return Taken(first, last, bytes.fromhex(hash_))
