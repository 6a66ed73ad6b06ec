"""WS-Discovery on loopback: cameras are found, other answers are not believed."""

from __future__ import annotations

import time

import pytest
from beds.network.discovery_responder import match, responding
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.drivers.api import CameraInfo, Capability
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.network.discovery import Found, parse_match, probe
from yibao_face.drivers.network.onvif import DRIVER

HERE = "http://127.0.0.1:8080/onvif/device_service"
SCOPES = "onvif://www.onvif.org/type/ptz onvif://www.onvif.org/hardware/Eye%203"


def found_by(*answers: bytes | None) -> list[Found]:
    """``None``: the answer of a camera."""
    right = match("{}", HERE, SCOPES).decode()
    with responding(lambda id_: [answer or right.format(id_).encode() for answer in answers]):
        return probe(["127.0.0.1"], wait_s=0.5)


def test_a_camera_is_found_once_however_often_it_answers() -> None:
    assert [Found("127.0.0.1", 8080, "Eye 3")] == found_by(None, None)


def test_the_driver_tells_its_uri_without_more() -> None:
    with responding(lambda id_: [match(id_, HERE, SCOPES)]):
        found = DRIVER.discover(Settings())

    assert [CameraInfo("onvif", "onvif://127.0.0.1:8080", "Eye 3", "", Capability.RGB)] == found


BOMB = b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\xff\x00 garbage",
        b"<unclosed>",
        b"<a>" * 5000,
        b"<a/>" + b" " * 60_000,
        BOMB + match("x", HERE)[21:],
        match("urn:uuid:of-another-probe", HERE),
    ],
)
def test_other_answers_are_passed_over(answer: bytes) -> None:
    assert [Found("127.0.0.1", 8080, "Eye 3")] == found_by(answer or b" ", None)


@pytest.mark.parametrize(
    ("places", "types"),
    [
        ("http://192.0.2.1/onvif", "dn:NetworkVideoTransmitter"),
        ("http://127.0.0.1@192.0.2.1/onvif", "dn:NetworkVideoTransmitter"),
        ("http://127.0.0.1:x/", "dn:NetworkVideoTransmitter"),
        ("http://[::1/", "dn:NetworkVideoTransmitter"),
        ("file://127.0.0.1/", "dn:NetworkVideoTransmitter"),
        ("", "dn:NetworkVideoTransmitter"),
        (HERE, "wsdp:Printer"),
    ],
)
def test_only_a_camera_at_the_sender_counts(places: str, types: str) -> None:
    answer = match("id", places, types=types)

    assert [] == list(parse_match(answer, "127.0.0.1", "id"))


def test_the_place_of_the_sender_is_taken_among_several() -> None:
    answer = match("id", f"http://[fe80::1]/onvif http://10.0.0.1/x {HERE}")

    assert [Found("127.0.0.1", 8080, "ONVIF")] == list(parse_match(answer, "127.0.0.1", "id"))


def test_a_name_is_one_short_line() -> None:
    scopes = "onvif://www.onvif.org/name/A%0A%1b%5B" + "x" * 500

    (found,) = parse_match(match("id", HERE, scopes), "127.0.0.1", "id")

    assert "A[" + "x" * 62 == found.model


def test_a_flood_of_answers_ends_in_time_and_is_bounded() -> None:
    many = [match("{}", f"http://127.0.0.1:{port}/").decode() for port in range(1, 300)]
    with responding(lambda id_: [text.format(id_).encode() for text in many]):
        started = time.monotonic()
        found = probe(["127.0.0.1"], wait_s=0.5)

    assert 64 == len(found)
    assert time.monotonic() - started < 3.0


@given(st.binary(max_size=300))
def test_no_answer_breaks_it(data: bytes) -> None:
    assert [] == list(parse_match(data, "127.0.0.1", "id"))


def test_an_interface_without_network_is_passed_over() -> None:
    assert [] == probe(["192.0.2.1"], wait_s=0.1)
