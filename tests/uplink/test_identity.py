"""A code becomes an identity once, whatever is lost on the way; what is kept is whole."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from center_bed import INSTITUTION
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from uplink_bed import KEYS, SECRET, Centre, Machine, cable, centre

from yibao_face.sync.center.device.authority import Authority, Issued, Request
from yibao_face.sync.uplink.api import (
    CentreRefusedError,
    IdentityError,
    NoAnswerError,
    Place,
    UntrustedError,
)
from yibao_face.sync.uplink.identity.enrol import Application, enrol
from yibao_face.sync.uplink.identity.file import replace_secret
from yibao_face.sync.uplink.identity.identity import IdentityFolder, checked, read_ca
from yibao_face.sync.uplink.wire.client import Client

if sys.platform != "win32":
    import resource


@pytest.fixture
def folder(tmp_path: Path) -> IdentityFolder:
    return IdentityFolder(tmp_path / "link", SECRET)


@contextmanager
def no_room() -> Generator[None, None, None]:
    """No file may grow beyond 100 bytes: what a full disk is to a writer."""
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, kept[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)


def test_a_code_binds_this_machine(site: Centre, stranger: Machine) -> None:
    identity = stranger.enrol(site)

    assert ("counter-1", INSTITUTION) == (identity.device, identity.institution)
    assert identity == stranger.identities.load()
    file = stranger.folder / "link" / "identity.pem"
    assert b"ENCRYPTED PRIVATE KEY" in file.read_bytes()
    assert not (stranger.folder / "link" / "draft.json").exists()
    if sys.platform != "win32":
        assert 0o600 == file.stat().st_mode & 0o777


def test_the_code_is_taken_as_people_type_it(site: Centre, stranger: Machine) -> None:
    typed = f"  {site.code().lower()}\n"

    assert "counter-1" == stranger.enrol(site, code=typed).device


def test_the_centre_is_told_both_keys(site: Centre, stranger: Machine) -> None:
    heard: list[bytes] = []

    class Listening(Client):
        def ask(self, request: Any) -> bytes:
            heard.append(request.body)
            return super().ask(request)

    client = Listening(site.place, stranger.identities.context(site.ca, known=False))
    enrol(stranger.identities, client, Application(site.ca, site.code(), KEYS))
    client.close()

    body = json.loads(heard[0])
    assert {"code", "csr", "keys"} == body.keys()
    assert {"sign", "seal"} == body["keys"].keys()
    assert {44} == {len(text) for text in body["keys"].values()}


def test_an_answer_that_is_lost_gives_the_same_certificate_again(
    site: Centre, tmp_path: Path
) -> None:
    with cable(site.port) as wire:
        machine = Machine(tmp_path / "counter", Place("localhost", wire.port))
        code = site.code()
        # Each exchange is cut where something comes back; this many are tried at one call.
        wire.lose_answers(3)
        with pytest.raises(NoAnswerError):
            machine.enrol(site, code=code)
        draft = (machine.folder / "link" / "draft.json").read_bytes()
        machine.place = site.place
        first = machine.enrol(site, code=code)
        # The centre has committed, this machine lost everything but its draft.
        (machine.folder / "link" / "identity.pem").unlink()
        replace_secret(machine.folder / "link" / "draft.json", draft)
        again = machine.enrol(site, code=code)
        machine.close()

    assert first.serial == again.serial


def test_an_identity_that_cannot_be_written_is_asked_for_again(
    site: Centre, stranger: Machine
) -> None:
    blocked = stranger.folder / "link" / "identity.pem"
    (blocked / "full").mkdir(parents=True)
    code = site.code()
    with pytest.raises(IdentityError, match=r"identity\.pem cannot be written"):
        stranger.enrol(site, code=code)
    (blocked / "full").rmdir()
    blocked.rmdir()

    assert "counter-1" == stranger.enrol(site, code=code).device


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits exist on POSIX only")
def test_on_a_full_disk_the_old_identity_stays(site: Centre, stranger: Machine) -> None:
    old = stranger.enrol(site)
    key = ec.generate_private_key(ec.SECP256R1())

    with no_room(), pytest.raises(IdentityError, match="cannot be written"):
        stranger.identities.keep(key, old)

    assert old == stranger.identities.load()
    assert ["identity.pem"] == [f.name for f in (stranger.folder / "link").iterdir()]


def test_a_code_works_once_and_only_for_its_key(site: Centre, stranger: Machine) -> None:
    code = site.code()
    stranger.enrol(site, code=code)

    with pytest.raises(CentreRefusedError) as told:
        stranger.enrol(site, code=code)

    assert (403, "code") == (told.value.status, told.value.word)
    assert stranger.identities.load() is not None


def test_a_code_for_another_machine_is_not_kept(site: Centre, stranger: Machine) -> None:
    with pytest.raises(IdentityError, match="the code is for device counter-1, not counter-2"):
        _enrol_as(stranger, site, "counter-2")

    assert stranger.identities.load() is None


def _enrol_as(machine: Machine, site: Centre, device: str) -> None:
    client = Client(site.place, machine.identities.context(site.ca, known=False))
    try:
        wanted = Application(site.ca, site.code("counter-1"), KEYS, device)
        enrol(machine.identities, client, wanted)
    finally:
        client.close()


def test_another_centres_ca_stops_it_before_the_code_is_sent(
    site: Centre, stranger: Machine, tmp_path: Path
) -> None:
    code = site.code()
    with centre(tmp_path / "other") as other, pytest.raises(UntrustedError):
        context = stranger.identities.context(other.ca, known=False)
        client = Client(site.place, context)
        enrol(stranger.identities, client, Application(other.ca, code, KEYS))

    assert "counter-1" == stranger.enrol(site, code=code).device


def test_a_certificate_must_be_of_key_authority_and_device(site: Centre, tmp_path: Path) -> None:
    issued, key = site.issue()
    with centre(tmp_path / "other") as other:
        foreign, foreign_key = other.issue()
    pem = issued.pem.encode()
    assert "counter-1" == checked(key, pem, site.ca).device

    with pytest.raises(IdentityError, match="not for the key"):
        checked(foreign_key, pem, site.ca)
    with pytest.raises(IdentityError, match="not of the centre"):
        checked(foreign_key, foreign.pem.encode(), site.ca)
    with pytest.raises(IdentityError, match="names no device"):
        checked(_server_key(site), (site.folder / "server.pem").read_bytes(), site.ca)
    with pytest.raises(IdentityError, match="one certificate as PEM"):
        checked(key, b"", site.ca)


def test_names_that_do_not_agree_are_no_identity(site: Centre) -> None:
    class Careless(Authority):
        def device_certificate(
            self, request: Request, device: str, institution: str, days: int = 1
        ) -> Issued:
            return super().device_certificate(request, f"{device}/x", institution, days)

    key = ec.generate_private_key(ec.SECP256R1())
    made = Careless(site.folder).device_certificate(
        Request(key.public_key(), ""), "counter-1", INSTITUTION
    )

    with pytest.raises(IdentityError, match="names no device"):
        checked(key, made.pem.encode(), site.ca)


@pytest.mark.parametrize("data", [b"", b"-----BEGIN CERTIFICATE-----", b"\xff" * 50])
def test_a_file_that_is_no_authority_is_refused(data: bytes) -> None:
    with pytest.raises(IdentityError):
        read_ca(data)


def test_a_device_certificate_is_no_authority(site: Centre) -> None:
    with pytest.raises(IdentityError, match="no certificate of an authority"):
        read_ca(site.issue()[0].pem.encode())


def test_the_key_is_of_no_use_under_another_device_key(site: Centre, stranger: Machine) -> None:
    stranger.enrol(site)
    thief = IdentityFolder(stranger.folder / "link", "6" * 64)

    with pytest.raises(IdentityError, match="not of this machine: enrol again"):
        thief.load()
    with pytest.raises(IdentityError):
        thief.context(site.ca, known=True)


@pytest.mark.skipif(sys.platform == "win32", reason="modes exist on POSIX only")
def test_an_identity_others_may_read_is_refused(site: Centre, stranger: Machine) -> None:
    stranger.enrol(site)
    (stranger.folder / "link" / "identity.pem").chmod(0o644)

    with pytest.raises(IdentityError, match=r"identity\.pem may be read by others"):
        stranger.identities.load()


@pytest.mark.parametrize("cut", [0, 1, 50, 400, 900, 1500])
def test_a_damaged_identity_is_named_not_believed(
    site: Centre, stranger: Machine, cut: int
) -> None:
    stranger.enrol(site)
    file = stranger.folder / "link" / "identity.pem"
    data = file.read_bytes()
    file.write_bytes(data[:cut])

    with pytest.raises(IdentityError, match=r"enrol again|damaged|expected"):
        stranger.identities.load()


def test_a_damaged_draft_costs_a_new_key_only(folder: IdentityFolder, tmp_path: Path) -> None:
    first = folder.drafted("enrol:A")
    assert _raw(first) == _raw(folder.drafted("enrol:A"))
    replace_secret(tmp_path / "link" / "draft.json", b"{")

    assert _raw(first) != _raw(folder.drafted("enrol:A"))
    assert b"enrol" not in (tmp_path / "link" / "draft.json").read_bytes()


def test_another_purpose_gets_another_key(folder: IdentityFolder) -> None:
    assert _raw(folder.drafted("enrol:A")) != _raw(folder.drafted("enrol:B"))


def test_a_short_secret_guards_nothing(tmp_path: Path) -> None:
    with pytest.raises(IdentityError, match="too short"):
        IdentityFolder(tmp_path, "short")


def test_the_identity_shows_nothing_of_the_key(site: Centre, stranger: Machine) -> None:
    told = repr(stranger.enrol(site))

    assert "BEGIN" not in told
    assert "PRIVATE" not in told


def _raw(key: ec.EllipticCurvePrivateKey) -> int:
    return key.private_numbers().private_value


def _server_key(site: Centre) -> ec.EllipticCurvePrivateKey:
    data = (site.folder / "server-key.pem").read_bytes()
    key = serialization.load_pem_private_key(data, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def test_the_draft_is_of_no_use_to_others(folder: IdentityFolder, tmp_path: Path) -> None:
    folder.drafted("enrol:A")

    assert b"ENCRYPTED" in (tmp_path / "link" / "draft.json").read_bytes()
    assert "SECRET-CODE" not in repr(Application(b"", "SECRET-CODE", KEYS))
