"""Every kind of document by its name: what it is called, and who applies it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from yibao_face.daemon.desk.ward import TASK_KIND
from yibao_face.daemon.inbox.kind import kept, person, receipt, review, roster
from yibao_face.daemon.inbox.kind.site import Site
from yibao_face.daemon.inbox.parcel import Applied, Parcel
from yibao_face.daemon.trust import configuration, policy, revocation


@dataclass(frozen=True, slots=True)
class Kind:
    """``named``: key of the signed payload that tells documents of the kind apart, empty: there
    is but one. ``sealed``: only to be read by the device. ``records``: the inbox writes it down.
    """

    apply: Callable[[Site, Parcel], Applied]
    named: str = ""
    sealed: bool = False
    records: bool = True

    def name_of(self, parcel: Parcel) -> str:
        """Taken from what is signed: another name would be another floor to step over."""
        return parcel.fields.text(self.named, 128, least=0) if self.named else ""


KINDS: dict[str, Kind] = {
    policy.KIND: Kind(kept.apply_policy, records=False),
    configuration.KIND: Kind(kept.apply_configuration),
    revocation.KIND: Kind(kept.apply_revocation),
    kept.UPDATE: Kind(kept.apply_manifest),
    roster.ROSTER: Kind(roster.apply_roster, named="institution"),
    roster.AGENTS: Kind(roster.apply_agents, named="name"),
    TASK_KIND: Kind(roster.apply_task, named="task"),
    person.PERSONS: Kind(person.apply_persons, named="name", sealed=True),
    receipt.RECEIPT: Kind(receipt.apply_receipt),
    review.REVIEW: Kind(review.apply_review, named="of"),
}
