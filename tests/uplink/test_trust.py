"""Who may send and to whom: the matrix of certificates, names and times on both sides."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from harness import wait_for
from uplink_bed import PACE, Centre, Machine, centre

from yibao_face.sync.center.api import unix_ms
from yibao_face.sync.center.device.authority import make_authority
from yibao_face.sync.uplink.api import (
    CentreRefusedError,
    NoAnswerError,
    Place,
    State,
    UntrustedError,
)
from yibao_face.sync.uplink.identity import identity as module
from yibao_face.sync.uplink.identity.identity import Identity
from yibao_face.sync.uplink.wire.client import Client, Request


def bind(machine: Machine, site: Centre, *, days: int = 30, device: str = "counter-1") -> Identity:
    """An identity issued without the network, valid for ``days``."""
    issued, key = site.issue(device, days=days)
    found = module.checked(key, issued.pem.encode(), site.ca)
    machine.identities.keep(key, found)
    return found


def test_a_machine_nobody_bound_says_so_and_sends_nothing(site: Centre, stranger: Machine) -> None:
    stranger.put(1, 2)

    with stranger.sending():
        wait_for(lambda: stranger.status.state is State.UNBOUND)

    assert (2, []) == (stranger.status.waiting, site.script.batches)


def test_without_a_certificate_the_centre_refuses(site: Centre, stranger: Machine) -> None:
    client = Client(site.place, stranger.identities.context(site.ca, known=False))

    with pytest.raises(CentreRefusedError) as told:
        client.ask(Request("POST", "/v1/batch", b"{}"))

    assert (401, "no-certificate") == (told.value.status, told.value.word)
    client.close()


def test_revoked_in_mid_way_it_stops_says_so_and_keeps_its_records(
    site: Centre, counter: Machine
) -> None:
    with counter.sending():
        counter.put(1, 3)
        wait_for(lambda: counter.uplink.drained)
        site.center.devices.revoke("counter-1", "stolen", unix_ms())
        counter.put(4, 6)
        wait_for(lambda: counter.status.state is State.REFUSED)
        assert ("revoked", 3, 0) == (
            counter.status.reason,
            counter.status.waiting,
            counter.status.dead,
        )
        # Bound anew, by whatever process, it goes on by itself.
        counter.enrol(site)
        wait_for(lambda: counter.uplink.drained)

    assert 6 == len(site.stored())


def test_another_centre_behind_the_address_gets_nothing(site: Centre, tmp_path: Path) -> None:
    machine = Machine(tmp_path / "counter", site.place)
    with centre(tmp_path / "other") as other:
        machine.enrol(site)
        machine.place = other.place
        machine.uplink = machine.another()
        machine.put(1, 1)

        with pytest.raises(UntrustedError):
            machine.uplink.once()

        assert [] == other.script.batches
    status = machine.status
    assert (State.REFUSED, "server-certificate", 1) == (
        status.state,
        status.reason,
        status.waiting,
    )
    machine.close()


def test_a_centre_under_another_name_gets_nothing(tmp_path: Path) -> None:
    with centre(tmp_path / "center", hosts=("centre.example",)) as site:
        machine = Machine(tmp_path / "counter", site.place)
        bind(machine, site)
        machine.put(1, 1)

        with pytest.raises(UntrustedError, match="localhost"):
            machine.uplink.once()

        assert [] == site.script.batches
    machine.close()


def test_a_centre_whose_certificate_has_ended_gets_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "center"
    make_authority(folder, ["localhost"])
    _age(folder)
    with centre(folder) as site:
        machine = Machine(tmp_path / "counter", site.place)
        bind(machine, site)
        machine.put(1, 1)

        with pytest.raises(UntrustedError, match="expired"):
            machine.uplink.once()
    machine.close()


def test_an_own_certificate_that_has_ended_is_named(site: Centre, stranger: Machine) -> None:
    bind(stranger, site, days=0)
    stranger.put(1, 2)

    with stranger.sending():
        wait_for(lambda: stranger.status.state is State.REFUSED)

    assert ("expired", 2) == (stranger.status.reason, stranger.status.waiting)
    assert [] == site.script.batches


def test_a_certificate_the_centre_does_not_know_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "center"
    with centre(folder) as site:
        machine = Machine(tmp_path / "counter", site.place)
        bind(machine, site)
    for file in folder.glob("center.db*"):
        file.unlink()
    with centre(folder, port=site.port):
        with pytest.raises(CentreRefusedError, match="unknown-certificate"):
            machine.uplink.once()
        assert (State.REFUSED, "unknown-certificate") == (
            machine.status.state,
            machine.status.reason,
        )
    machine.close()


def test_a_copied_queue_of_another_machine_is_refused(site: Centre, counter: Machine) -> None:
    # The identity of the one in the folder of the other: what the envelope says is the
    # certificate's, so what betrays the copy is the chain.
    counter.put(1, 2)
    counter.uplink.once()
    other = Machine(counter.folder.parent / "copy", site.place)
    other.put(3, 4)
    (other.folder / "link").mkdir()
    data = (counter.folder / "link" / "identity.pem").read_bytes()
    (other.folder / "link" / "identity.pem").write_bytes(data)
    (other.folder / "link" / "identity.pem").chmod(0o600)

    other.uplink.once()

    assert "chain-fork" in site.alarms()
    other.close()


def test_tls_older_than_1_2_is_not_spoken(counter: Machine, site: Centre) -> None:
    context = counter.identities.context(site.ca, known=True)

    assert ssl.TLSVersion.TLSv1_2 == context.minimum_version
    assert context.check_hostname
    assert ssl.CERT_REQUIRED is context.verify_mode
    assert 1 == len(context.get_ca_certs())


def test_nobody_there_is_offline(counter: Machine) -> None:
    counter.place = Place("localhost", 1)
    counter.uplink = counter.another()

    with pytest.raises(NoAnswerError):
        counter.uplink.once()

    assert (State.OFFLINE, "no-answer") == (counter.status.state, counter.status.reason)


def test_a_certificate_is_renewed_with_a_new_key_when_a_third_is_left(
    site: Centre, stranger: Machine
) -> None:
    # Of 96 h (it is backdated by 48), less than a third is left 20 h from now.
    old = bind(stranger, site, days=2)
    key_before = stranger.identities.load()
    ahead_ms = 20 * 3_600_000
    machine = Machine(stranger.folder, site.place)
    machine.uplink = machine.another(pace=PACE)
    assert unix_ms() < old.renew_from_ms < unix_ms() + ahead_ms

    with centre(site.folder, clock=lambda: unix_ms() + ahead_ms) as later:
        machine.place = later.place
        machine.uplink = machine.another()
        with machine.sending():
            wait_for(lambda: machine.identities.load() != key_before)
            machine.put(1, 1)
            wait_for(lambda: machine.uplink.drained)
            assert machine.status.not_after_ms > old.not_after_ms

    young = machine.identities.load()
    assert young is not None
    assert young.serial != old.serial
    assert _key_of(young) != _key_of(old)
    machine.close()


def _key_of(identity: Identity) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    key = x509.load_pem_x509_certificate(identity.certificate_pem).public_key()
    return key.public_bytes(serialization.Encoding.DER, form)


def _age(folder: Path) -> None:
    """Let the server's certificate end yesterday."""
    server = x509.load_pem_x509_certificate((folder / "server.pem").read_bytes())
    key: Any = serialization.load_pem_private_key((folder / "ca-key.pem").read_bytes(), None)
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        server.issuer,
        server.subject,
        server.public_key(),
        server.serial_number,
        now - timedelta(days=9),
        now - timedelta(days=1),
        [*server.extensions],
    )
    made = builder.sign(key, hashes.SHA256())
    (folder / "server.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
