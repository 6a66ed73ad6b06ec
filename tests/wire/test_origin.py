"""What headers say about the caller: nobody outside the list is welcomed, whatever is sent."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from yibao_face.daemon.wire.origin import (
    by_name,
    is_from_browser,
    is_json,
    is_plain_text,
    objection,
    origin_of,
)

LISTED = ("http://his.example", "https://his.example:8443")
HOST = ("Host", "127.0.0.1:51518")
_PIECES = st.sampled_from(
    [
        *("http://", "https://", "HTTP://", "//", "his.example", "HIS.EXAMPLE", ".evil.example"),
        *(":8443", ":80", ":", "@", "/", "\\", "?", "#", "%2e", "127.0.0.1", ":51518", " ", "\t"),
        *("localhost", "[::1]", "null", "", ",", "\u017f", "\u212a", "\udcff", "*"),
    ]
)
WRITTEN = st.lists(_PIECES, max_size=7).map("".join) | st.text(max_size=40)


@pytest.mark.parametrize(
    ("headers", "welcome"),
    [
        ([], True),
        ([("Origin", "http://his.example")], True),
        ([("Origin", "https://his.example:8443"), ("Sec-Fetch-Site", "cross-site")], True),
        ([("Origin", "http://his.example"), ("Sec-Fetch-Site", "elsewhere")], False),
        ([("Origin", "http://his.example"), ("Referer", "http://his.example/a?b#c")], True),
        ([("Origin", "http://his.example"), ("Referer", "http://evil.example/")], False),
        ([("Origin", "http://his.example"), ("Referer", "http://127.0.0.1:51518/")], False),
        ([("Origin", "http://evil.example"), ("Referer", "http://his.example/")], False),
        ([("Origin", "http://evil.example"), ("Referer", "http://127.0.0.1:51518/")], False),
        ([("Origin", "HTTP://his.example")], False),
        ([("Origin", "http://his.example/")], False),
        ([("Origin", "https://his.example")], False),
        ([("Origin", "null")], False),
        ([("Origin", "")], False),
        ([("Origin", "http://his.example"), ("ORIGIN", "http://his.example")], False),
        ([("Referer", "http://his.example/page")], True),
        ([("Referer", "HTTP://HIS.example:80/page")], True),
        ([("Referer", "http://his.example/page"), ("Sec-Fetch-Site", "cross-site")], True),
        ([("Referer", "http://his.example@evil.example/")], False),
        ([("Referer", "http://evil.example/http://his.example")], False),
        ([("Referer", "http://his.example.evil.example/")], False),
        ([("Referer", "http://his.example:99999/")], False),
        ([("Referer", "about:blank")], False),
        ([("Referer", "")], False),
        ([("Referer", "http://his.example/"), ("Referer", "http://his.example/")], False),
        ([("Referer", "http://localhost:51518/a")], True),
        ([("Referer", "http://[::1]:51518")], True),
        ([("Referer", "http://localhost:51518/a"), ("Sec-Fetch-Site", "same-origin")], True),
        ([("Referer", "http://localhost:51518/a"), ("Sec-Fetch-Site", "same-site")], False),
        ([("Referer", "https://localhost:51518/a")], False),
        ([("Referer", "http://localhost:8080/a")], False),
        ([("Referer", "http://localhost/a")], False),
        ([("Sec-Fetch-Site", "none")], True),
        ([("Sec-Fetch-Site", "same-site")], False),
        ([("Sec-Fetch-Site", "None")], False),
        ([("Sec-Fetch-Site", "none"), ("Sec-Fetch-Site", "none")], False),
        ([("Host", "127.0.0.1:51518")], False),
    ],
    ids=str,
)
def test_who_is_welcome(headers: list[tuple[str, str]], welcome: bool) -> None:
    assert welcome == (objection(by_name([HOST, *headers]), LISTED) is None)


def test_without_a_host_no_page_is_our_own() -> None:
    assert objection(by_name([]), ()) is None
    assert objection(by_name([("Referer", "http://localhost/")]), ()) is not None
    assert objection(by_name([("Host", "localhost"), ("Referer", "http://[::1]/")]), ()) is None


@given(WRITTEN)
@example("http://his.example\\@evil.example/")
def test_whatever_origin_is_named_only_a_listed_one_is_welcome(origin: str) -> None:
    welcome = objection(by_name([HOST, ("Origin", origin)]), LISTED) is None

    assert welcome == (origin in LISTED)


@given(WRITTEN, st.none() | WRITTEN)
@example("http://his.example@evil.example", None)
@example("http\u017f://his.example:8443", None)
def test_whatever_referer_is_named_only_a_listed_or_own_one_is_welcome(
    referer: str, origin: str | None
) -> None:
    pages = [("Referer", referer)] + ([] if origin is None else [("Origin", origin)])
    own = {f"http://{name}:51518" for name in ("127.0.0.1", "localhost", "[::1]")}
    if objection(by_name([HOST, *pages]), LISTED) is None:
        # After the authority nothing of the text may count.
        begun = referer.lower().removesuffix(":80").split("?")[0].split("#")[0]
        scheme, _, rest = begun.partition("://")
        found = f"{scheme}://{rest.partition('/')[0].removesuffix(':80')}"
        assert found in LISTED or (origin is None and found in own)
        assert origin is None or origin in LISTED


@given(WRITTEN)
def test_the_origin_of_an_origin_is_itself(url: str) -> None:
    found = origin_of(url)

    assert found is None or found == origin_of(found) == origin_of(f"{found}/page")


@given(st.lists(st.tuples(st.sampled_from(["Origin", "Referer", "Host", "X"]), WRITTEN)))
def test_no_page_is_welcome_where_none_is_listed(headers: list[tuple[str, str]]) -> None:
    read = by_name(headers)

    assert "origin" not in read or objection(read, ()) is not None


@pytest.mark.parametrize(
    ("header", "browser"),
    [
        *(
            ("Origin", True),
            ("referer", True),
            ("Sec-Fetch-Mode", True),
            ("SEC-CH-UA-Mobile", True),
        ),
        *(("Access-Control-Request-Method", True), ("User-Agent", False), ("Accept", False)),
        *(("X-HCF-Nonce", False), ("Sec-WebSocket-Key", False), ("X-Origin", False)),
    ],
)
def test_a_browser_is_known_by_headers_no_program_sends(header: str, browser: bool) -> None:
    assert browser == is_from_browser(by_name([(header, "Mozilla/5.0")]))


@pytest.mark.parametrize(
    ("types", "json", "text"),
    [
        ([], False, False),
        ([""], False, False),
        (["application/json"], True, False),
        (["Application/JSON ; charset=gbk"], True, False),
        (["application/vnd.his+json"], True, False),
        (["application/jsonp"], False, False),
        (["text/plain, application/json"], False, False),
        (["application/json", "application/json"], False, False),
        (["application/json", "text/plain"], False, True),
        (["text/plain;application/json"], False, True),
        (["TEXT/PLAIN"], False, True),
        (["+json"], False, False),
        (["application/x-www-form-urlencoded"], False, False),
    ],
    ids=str,
)
def test_what_a_content_type_says(types: list[str], json: bool, text: bool) -> None:
    headers = by_name([("Content-Type", kind) for kind in types])

    assert (json, text) == (is_json(headers), is_plain_text(headers))
