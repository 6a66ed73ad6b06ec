"""ONVIF cameras: asked for their stream with a login, believed in nothing else."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from beds.network.onvif_responder import Onvif, envelope
from beds.network.rtsp_bed import Server, free_port
from camera_points import check, each_point

from yibao_face.drivers.api import (
    CameraInfo,
    Capability,
    DeviceConfigError,
    DeviceError,
    DeviceMissingError,
    DevicePermissionError,
    DeviceStalledError,
    DeviceUnsupportedError,
)
from yibao_face.drivers.conformance.bed import Bed
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.network.address import parse_address
from yibao_face.drivers.network.onvif import DRIVER, open_onvif, stream_address
from yibao_face.drivers.network.rtsp import RtspCamera
from yibao_face.drivers.network.soap import CALL_S, Told, ask

LOGIN = ("clerk", "p@ss:w/rd")
ENCODED = "clerk:p%40ss%3Aw%2Frd"
SIZE = (640, 480)


@pytest.fixture(scope="module")
def onvif(server: Server) -> Iterator[Onvif]:
    with Onvif(f"rtsp://127.0.0.1:{server.port}/cam?of={{token}}", LOGIN).serve() as camera:
        yield camera


def open_at(port: int, rest: str = "") -> RtspCamera:
    return open_onvif(f"//{ENCODED}@127.0.0.1:{port}{rest}", Settings())


@pytest.fixture
def bed(server: Server, onvif: Onvif) -> Bed:
    return Bed(
        "onvif",
        lambda: open_at(onvif.port),
        absent=lambda: open_at(free_port()),
        unplug=server.kill,
        replug=server.start,
        stall=server.freeze,
        resume=server.thaw,
    )


@each_point()
def test_the_onvif_driver_keeps(bed: Bed, point_id: str) -> None:
    check(bed, point_id)


def told(camera: Onvif, login: str = ENCODED + "@", profile: str = "") -> Told:
    return ask(parse_address("onvif", f"//{login}127.0.0.1:{camera.port}"), profile, SIZE)


def test_what_the_camera_says_of_itself_is_its_identity(onvif: Onvif) -> None:
    with open_at(onvif.port) as camera:
        assert camera.info == CameraInfo(
            "onvif",
            f"onvif://127.0.0.1:{onvif.port}/sub",
            "Acme Eye 3",
            "SN-77",
            Capability.RGB,
            "1.2.3",
        )


@pytest.mark.parametrize(
    ("size", "token"), [((640, 480), "sub"), ((1280, 1024), "main"), ((0, 0), "sub")]
)
def test_the_profile_nearest_in_size_is_taken(
    onvif: Onvif, size: tuple[int, int], token: str
) -> None:
    address = parse_address("onvif", f"//{ENCODED}@127.0.0.1:{onvif.port}")

    found = ask(address, "", size)

    assert (token, True) == (found.profile, found.stream.endswith(f"?of={token}"))


@pytest.mark.parametrize("named", ["main", "main stream"])
def test_a_profile_is_taken_by_token_or_name(onvif: Onvif, named: str) -> None:
    assert "main" == told(onvif, profile=named).profile


def test_a_profile_that_is_not_there_is_a_fault_of_the_configuration(onvif: Onvif) -> None:
    with pytest.raises(DeviceConfigError):
        told(onvif, profile="third")


@pytest.mark.parametrize("login", ["clerk:wrong@", "nobody:p%40ss%3Aw%2Frd@", ""])
def test_a_wrong_login_is_refused(onvif: Onvif, login: str) -> None:
    with pytest.raises(DevicePermissionError):
        told(onvif, login)


@pytest.mark.parametrize("behind", [timedelta(days=400), timedelta(hours=-9)])
def test_a_wrong_clock_of_the_camera_does_not_spoil_the_login(behind: timedelta) -> None:
    with Onvif("rtsp://127.0.0.1/", LOGIN, behind).serve() as camera:
        assert "SN-77" == told(camera).serial


def test_a_camera_that_knows_only_the_older_question_is_asked_it() -> None:
    with Onvif("rtsp://127.0.0.1/", LOGIN, services=False).serve() as camera:
        assert "SN-77" == told(camera).serial

    assert "GetCapabilities" in camera.asked


@pytest.mark.parametrize(("login", "admitted"), [(ENCODED, True), ("clerk:wrong", False)])
def test_a_camera_may_ask_for_the_digest_of_http(login: str, admitted: bool) -> None:
    with Onvif("rtsp://127.0.0.1/", LOGIN, http_digest=True).serve() as camera:
        if admitted:
            assert "SN-77" == told(camera, login + "@").serial
        else:
            with pytest.raises(DevicePermissionError):
                told(camera, login + "@")


def test_services_are_asked_where_the_camera_was_named_not_where_it_points() -> None:
    with Onvif("rtsp://127.0.0.1/").serve() as elsewhere:
        pointing = f"http://localhost:{elsewhere.port}/"
        with Onvif("rtsp://127.0.0.1/", LOGIN, xaddr=pointing).serve() as camera:
            told(camera)

    assert [] == elsewhere.asked


def test_a_redirect_is_not_followed() -> None:
    with Onvif("rtsp://127.0.0.1/").serve() as elsewhere:
        to = f"http://127.0.0.1:{elsewhere.port}/"
        with Onvif("", LOGIN, location=to).serve() as camera, pytest.raises(DeviceError):
            told(camera)

    assert [] == elsewhere.asked


@pytest.mark.parametrize(
    "stream",
    [
        "rtsp://192.0.2.7/cam",
        "rtsp://127.0.0.1@192.0.2.7/cam",
        "http://127.0.0.1/cam",
        "file:///etc/passwd",
        "concat:rtsp://127.0.0.1",
        "",
    ],
)
def test_a_stream_elsewhere_is_refused(stream: str) -> None:
    camera = parse_address("onvif", "//a:b@127.0.0.1")

    with pytest.raises(DeviceUnsupportedError):
        stream_address(stream, camera)


def test_a_stream_at_the_address_of_the_host_name_is_taken_with_our_login() -> None:
    camera = parse_address("onvif", "//a:b@localhost")

    stream = stream_address("rtsp://x:y@127.0.0.1:8554/cam?channel=1", camera)

    assert "rtsp://a:b@127.0.0.1:8554/cam?channel=1" == stream.secret


def test_a_silent_camera_is_told_in_time() -> None:
    with Onvif("", pause_s=CALL_S + 1).serve() as camera:
        started = time.monotonic()
        with pytest.raises(DeviceStalledError):
            told(camera)
        assert time.monotonic() - started < CALL_S + 3


def test_nothing_at_the_address_is_a_missing_camera() -> None:
    with pytest.raises(DeviceMissingError):
        open_at(free_port())


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "aaaaaaaaaa">'
    b'<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><b>&b;</b>'
)


@pytest.mark.parametrize(
    "action", ["GetSystemDateAndTime", "GetDeviceInformation", "GetProfiles", "GetStreamUri"]
)
@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00\xff garbage",
        b"<html>not found</html>",
        BOMB,
        b"<a>" * 100_000,
        b" " * 600_000,
        envelope(""),
        envelope("<s:Fault/>"),
        envelope("<trt:GetProfilesResponse/>"),
        envelope("<tds:GetSystemDateAndTimeResponse/>"),
    ],
    ids=[
        "nothing",
        "garbage",
        "html",
        "bomb",
        "deep",
        "long",
        "empty",
        "fault",
        "none",
        "no time",
    ],
)
def test_an_answer_that_is_none_is_refused(action: str, answer: bytes) -> None:
    camera = Onvif("rtsp://127.0.0.1/", answers={action: answer})

    with camera.serve(), pytest.raises(DeviceUnsupportedError):
        stream_address(told(camera, "").stream, parse_address("onvif", "//192.0.2.1"))


def test_what_a_camera_says_of_itself_is_one_short_line() -> None:
    long = envelope(
        "<tds:GetDeviceInformationResponse><tds:Manufacturer>A\nb\x7f</tds:Manufacturer>"
        f"<tds:Model>{'x' * 500}</tds:Model><tds:FirmwareVersion>\u202e1</tds:FirmwareVersion>"
        "<tds:SerialNumber/><tds:HardwareId/></tds:GetDeviceInformationResponse>"
    )
    with Onvif("rtsp://127.0.0.1/", answers={"GetDeviceInformation": long}).serve() as camera:
        found = told(camera, "")

    assert ("A b " + "x" * 60, "1", "") == (found.model, found.firmware, found.serial)


def test_the_library_leaves_our_log_alone() -> None:
    assert not [one for one in logging.getLogger().handlers if type(one) is logging.StreamHandler]


def test_without_the_library_nothing_is_found_and_opening_names_it(
    onvif: Onvif, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "yibao_face.drivers.network.soap")
    monkeypatch.setitem(sys.modules, "onvif", None)

    assert [] == DRIVER.discover(Settings())
    with pytest.raises(DeviceUnsupportedError, match="onvif-zeep-async"):
        open_at(onvif.port)
