"""Answers to what cameras ask for: RFC 2617's own example, and challenges that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.drivers.network import login
from yibao_face.drivers.network.address import Credentials
from yibao_face.drivers.network.login import authorization

MUFASA = Credentials("Mufasa", "Circle Of Life")
CHALLENGE = (
    'Digest realm="testrealm@host.com", qop="auth,auth-int", '
    'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)


def test_the_example_of_the_standard_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def cnonce(_: int) -> str:
        return "0a4f113b"

    monkeypatch.setattr(login.secrets, "token_hex", cnonce)

    answer = authorization(["Basic realm=x", CHALLENGE], MUFASA, "GET", "/dir/index.html")

    assert answer is not None
    assert 'response="6629fae49393a05397450978507c4ef1"' in answer
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in answer


def test_basic_is_answered_where_it_is_all_that_is_asked() -> None:
    answer = authorization(['Basic realm="x"'], Credentials("Aladdin", "open sesame"), "GET", "/")

    assert "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==" == answer


@pytest.mark.parametrize(
    "challenge",
    [
        "",
        "Negotiate",
        "Digest",
        'Digest realm="x"',
        'Digest realm="x", nonce="1", algorithm=SHA-256',
        'Digest realm="x", nonce="1", qop="auth-int"',
    ],
)
def test_what_ffmpeg_cannot_answer_is_not_answered(challenge: str) -> None:
    assert authorization([challenge], MUFASA, "DESCRIBE", "rtsp://h/") is None


@given(st.text(max_size=80))
def test_no_challenge_breaks_it_or_gets_the_password(text: str) -> None:
    answer = authorization(["Digest " + text], MUFASA, "DESCRIBE", "rtsp://h/")

    assert "Circle" not in str(answer)
