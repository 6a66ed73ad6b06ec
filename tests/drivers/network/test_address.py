"""Addresses of network cameras: what is taken, and that no secret is ever shown."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.drivers.api import DeviceConfigError, DeviceError
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.network.address import (
    Credentials,
    address_of,
    parse_address,
    parse_credentials,
)

# Long enough not to stand in a message by chance.
secrets = (
    st.text(min_size=4, max_size=10).filter(lambda text: not text.isspace()).map("Zq{}".format)
)


def test_an_address_is_taken_apart() -> None:
    address = parse_address("rtsp", "//clerk:p%40ss%3A@Cam.Local/live/1?channel=2&x=y")

    assert Credentials("clerk", "p@ss:") == address.credentials
    assert ("cam.local", 554, "/live/1?channel=2&x=y") == (
        address.host,
        address.port,
        address.path,
    )


@pytest.mark.parametrize(
    ("rest", "shown"),
    [
        ("//a:b@host/cam", "rtsp://host:554/cam"),
        ("//host", "rtsp://host:554/"),
        ("//[fe80::1]:8554/cam", "rtsp://[fe80::1]:8554/cam"),
        ("//host/realmonitor?channel=1&subtype=0", "rtsp://host:554/realmonitor?channel=1&subtype=0"),
        ("//host/user=admin&password=x&channel=1&stream=0.sdp?", "rtsp://host:554/user?channel=1&stream=0"),
        ("//host/user=admin_password=tlJw_channel=1_stream=0.sdp", "rtsp://host:554/user"),
        ("//host/a?token=channel=1234", "rtsp://host:554/a"),
    ],
)  # fmt: skip
def test_what_is_shown_tells_streams_apart_and_no_secret(rest: str, shown: str) -> None:
    assert shown == parse_address("rtsp", rest).shown


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "host/cam",
        "//",
        "///cam",
        "//a:b@",
        "//host:port/",
        "//host:70000/",
        "//a:b/c@host/",
        "//a:b?c@host/",
        "//a:b#c@host/",
        "//host/a b",
        "//host/a\r\nTEARDOWN x RTSP/1.0",
        "//host/门",
        "//[::1/cam",
        "//host/cam#part",
        f"//{'u' * 70}:{'p' * 70}@host/",
    ],
)
def test_another_form_is_refused(rest: str) -> None:
    with pytest.raises(DeviceConfigError):
        parse_address("rtsp", rest)


@given(secrets, secrets, st.sampled_from(["//{}:{}@host/cam", "//h/cam?user={}&pwd={}"]))
def test_a_written_address_shows_no_secret(user: str, password: str, form: str) -> None:
    quoted = [quote(text.encode(errors="replace"), safe="") for text in (user, password)]

    texts = said_of(form.format(*quoted))

    for secret in (user, password, *quoted):
        assert not [text for text in texts if secret in text]


@given(secrets, st.sampled_from(["//u:{}@host/cam", "//{}:x@host", "//u:{}", "//h:{}/"]))
def test_an_address_with_an_unquoted_secret_shows_none(secret: str, form: str) -> None:
    texts = said_of(form.format(secret))

    assert not [text for text in texts if secret in text]


def said_of(rest: str) -> list[str]:
    """All texts a log could get of an address."""
    try:
        address = parse_address("rtsp", rest)
    except DeviceError as exc:
        return [str(exc), repr(exc), repr(exc.__context__)]
    return [address.shown, repr(address), str(address), repr(address.credentials)]


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_credentials_file_is_one_line(end: str) -> None:
    assert Credentials("clerk", "p:a ss@") == parse_credentials("clerk:p:a ss@" + end)


@pytest.mark.parametrize("text", ["", "hunter2\n", ":hunter2", "a:hunter2\nb:hunter2"])
def test_another_credentials_file_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(DeviceConfigError) as refused:
        parse_credentials(text)

    assert "hunter2" not in str(refused.value)


def test_a_credentials_file_names_who_logs_in(tmp_path: Path) -> None:
    file = tmp_path / "camera.txt"
    file.write_text("ward:s3cret/@\n", "utf-8")

    address = address_of("rtsp", "//10.0.0.9/1", Settings(credentials=str(file)))

    assert Credentials("ward", "s3cret/@") == address.credentials
    assert "s3cret" not in repr(address)


@pytest.mark.parametrize("body", [b"no colon s3cret", b"\xffs3cret", b"", b"a:s3cret\nb:c"])
def test_a_credentials_file_that_is_none_is_refused_without_a_word_of_it(
    tmp_path: Path, body: bytes
) -> None:
    file = tmp_path / "camera.txt"
    file.write_bytes(body)

    with pytest.raises(DeviceConfigError) as refused:
        address_of("rtsp", "//10.0.0.9/1", Settings(credentials=str(file)))

    assert "s3cret" not in repr(refused.value)
    assert refused.value.__cause__ is None is refused.value.__context__


def test_a_credentials_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DeviceConfigError, match="credentials file cannot be read"):
        address_of("rtsp", "//10.0.0.9/1", Settings(credentials=str(tmp_path / "gone")))
