"""What the centre revokes is trusted no longer: its keys, devices, certificates, networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from inbox_bed import CENTRE, SPARE, Counter, counter_at, policy, roster, signed

from yibao_face.daemon.codes import DeviceRevokedError
from yibao_face.daemon.inbox.kind.revoked import RevocationList, refuse_revoked
from yibao_face.daemon.trust.document import DocumentError
from yibao_face.daemon.trust.revocation import MAX_ENTRIES, Revoked, parse_revocation
from yibao_face.models.api import ModelRevokedError, ModelStamp
from yibao_face.sync.uplink.api import LetterRefusedError


def revoke(counter: Counter, version: int, **lists: list[str]) -> None:
    counter.take_signed("revocation", version, lists)


def test_a_revoked_key_opens_no_document_any_more(tmp_path: Path, counter: Counter) -> None:
    counter.take(signed("roster", 1, roster(), SPARE))
    revoke(counter, 1, keys=[SPARE.key_id])

    for each in (counter, None):
        if each is None:
            with counter_at(tmp_path / "data") as anew, pytest.raises(LetterRefusedError) as no:
                anew.take(signed("roster", 3, roster(), SPARE))
        else:
            with pytest.raises(LetterRefusedError) as no:
                each.take(signed("roster", 2, roster(), SPARE))
        assert "signed with a key the centre has revoked" in str(no.value)
    counter.take(signed("roster", 4, roster(), CENTRE))


def test_a_revoked_key_cannot_give_itself_back(counter: Counter) -> None:
    revoke(counter, 1, keys=[SPARE.key_id])

    with pytest.raises(LetterRefusedError, match="a key the centre has revoked"):
        counter.take(signed("revocation", 2, {"keys": []}, SPARE))
    with pytest.raises(LetterRefusedError, match="leaves out a key that is revoked"):
        revoke(counter, 2, keys=[])


def test_a_policy_of_a_key_that_is_revoked_is_in_force_no_longer(
    tmp_path: Path, counter: Counter
) -> None:
    counter.take(signed("policy", 1, policy(1), SPARE))
    policies = counter.inbox._site.policies
    assert policies.current() is not None
    with counter_at(tmp_path / "data") as beside:
        revoke(beside, 1, keys=[SPARE.key_id])

    assert policies.current() is None
    assert policies.current() is None
    assert ["it was signed with a key that is trusted no longer"] == counter.alarms()
    with counter_at(tmp_path / "data") as anew:
        assert anew.inbox._site.policies.current() is None


def test_the_newest_list_is_in_force_as_a_whole_in_every_process(
    tmp_path: Path, counter: Counter
) -> None:
    seen = RevocationList(counter.desk.ledger.outbox)
    assert Revoked() == seen.current()
    revoke(counter, 1, devices=["counter-1"], models=["m1"])
    assert (frozenset({"counter-1"}), frozenset({"m1"})) == (
        seen.current().devices,
        seen.current().models,
    )
    with counter_at(tmp_path / "data") as beside:
        revoke(beside, 2, certificates=["X1"])

    assert Revoked(certificates=frozenset({"X1"})) == seen.current()


def test_a_revoked_device_and_a_revoked_network_may_not_go_on(counter: Counter) -> None:
    stamps = (ModelStamp("eye", "a" * 64), ModelStamp("face", "b" * 64))
    own = counter.desk.ledger.signer.key_id
    refuse_revoked(Revoked(devices=frozenset({"other"})), frozenset({own}), stamps)

    with pytest.raises(DeviceRevokedError):
        refuse_revoked(Revoked(devices=frozenset({own})), frozenset({own}), stamps)
    for named in ("face", "b" * 64):
        with pytest.raises(ModelRevokedError, match="model face"):
            refuse_revoked(Revoked(models=frozenset({named})), frozenset({own}), stamps)


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (None, "an object of lists"),
        ({"people": []}, "unknown key 'people'"),
        ({"keys": "abc"}, "keys is not a list"),
        ({"keys": [1]}, "keys is not a list"),
        ({"keys": [""]}, "keys is not a list"),
        ({"devices": ["a" * 65]}, "devices is not a list"),
        ({"devices": ["设备"]}, "devices is not a list"),
        ({"models": [str(n) for n in range(MAX_ENTRIES + 1)]}, "more than"),
    ],
)
def test_a_list_that_is_not_understood_is_refused(payload: Any, told: str) -> None:
    with pytest.raises(DocumentError, match=told):
        parse_revocation(payload)


def test_a_list_reads_back_from_its_record() -> None:
    made = Revoked(frozenset({"d"}), frozenset({"k1", "k2"}), frozenset({"c"}), frozenset({"m"}))

    assert made == parse_revocation(made.detail())
