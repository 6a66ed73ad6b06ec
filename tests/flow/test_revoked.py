"""A daemon that runs follows what the centre sends: revocations at once, settings at its start."""

from __future__ import annotations

import base64
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from harness import FIRST, Running, his_call, put_before_camera, running
from inbox_bed import CENTRE, Letter, persons, sealed_to, signed

from yibao_face.daemon.config import Config
from yibao_face.daemon.trust.document import keys_text
from yibao_face.daemon.trust.sealed import public_key_of
from yibao_face.daemon.wiring import centre_keys_path


@pytest.fixture
def site(cast: Config, clips: Path) -> Generator[Running, None, None]:
    """A counter with FIRST before the camera."""
    centre_keys_path(cast).write_text(keys_text([CENTRE]), "utf-8")
    put_before_camera(cast, clips, "live-first")
    with running(cast) as site:
        yield site


def take(site: Running, kind: str, version: int, payload: object) -> None:
    site.daemon.inbox.take(Letter(kind, "", version, signed(kind, version, payload)))


def ask(site: Running, **changed: Any) -> dict[str, Any]:
    return dict(site.caller.authenticate(his_call(FIRST, **changed)))


def test_a_revoked_device_lets_nobody_pass_until_it_is_given_back(site: Running) -> None:
    call = his_call(FIRST)
    assert 1 == site.caller.authenticate(call)["code"]
    own = site.daemon.ledger.signer.key_id
    take(site, "revocation", 1, {"devices": [own]})

    # Not even what it had answered before.
    for answer in (ask(site), dict(site.caller.authenticate(call))):
        assert (0, "") == (answer["code"], answer["cp_no"])
        assert "本机已被医保中心停用" in answer["msg"]
    take(site, "revocation", 2, {"devices": ["another"]})
    assert 1 == ask(site)["code"]


def test_a_revoked_network_lets_nobody_pass(site: Running) -> None:
    take(site, "revocation", 1, {"models": ["sface-2021dec"]})

    answer = ask(site)
    assert 0 == answer["code"]
    assert "算法模型已被医保中心停用" in answer["msg"]


def test_a_revoked_certificate_is_never_given_out_again(site: Running) -> None:
    call = his_call(FIRST)
    first = site.caller.authenticate(call)
    assert first["cp_no"] == site.caller.authenticate(call)["cp_no"]
    take(site, "revocation", 1, {"certificates": [first["cp_no"]]})

    again = site.caller.authenticate(call)
    assert (1, 1) == (first["code"], again["code"])
    assert first["cp_no"] != again["cp_no"]


def test_settings_of_the_centre_are_in_force_after_the_next_start(
    site: Running, cast: Config
) -> None:
    take(site, "configuration", 1, {"values": {"match.margin": 0.4}})
    assert 0.04 == site.daemon.config.match.margin
    with running(cast) as anew:
        assert 0.4 == anew.daemon.config.match.margin
        assert 0 == ask(anew)["code"]
        # Compared with what the site has itself, not with what the centre said before.
        take(anew, "configuration", 2, {"values": {"match.margin": 0.04}})


def test_a_picture_the_centre_sends_makes_a_person_who_passes(
    site: Running, portrait: Callable[[str], bytes]
) -> None:
    desk = site.daemon.desk
    take_out = {"op": "erase", "id": FIRST}
    photo = base64.b64encode(portrait("first-1")).decode()
    back = {"op": "add", "id": FIRST, "name": "张三", "consent": "v1", "photos": [photo]}
    to = public_key_of(desk.gallery.vault.seal_seed)
    for version, one, code in ((1, take_out, 0), (2, back, 1)):
        sealed = sealed_to(to, "person-references", version, persons(one))
        site.daemon.inbox.take(Letter("person-references", "", version, sealed))
        assert code == ask(site)["code"]
