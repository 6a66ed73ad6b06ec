"""What was scanned is told by its form alone, and never guessed into a person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.daemon.wire.scan import Code, CodeKind, read_code


@pytest.mark.parametrize(
    ("text", "kind", "certificate_type"),
    [
        ("110101199003070003", CodeKind.ID_NUMBER, "02"),
        (" 11010519491231002x ", CodeKind.ID_NUMBER, "02"),
        # A wrong check digit; no such birthday; a payment code.
        ("110101199003070004", CodeKind.OPAQUE, "04"),
        ("110101199013070008", CodeKind.OPAQUE, "04"),
        ("134567890123456789", CodeKind.OPAQUE, "04"),
        ("4243669509084040896099330000", CodeKind.CERTIFICATE, "01"),
        ("0100000000000000000000000000", CodeKind.CERTIFICATE, "01"),
        ("424366950908404089609933000", CodeKind.OPAQUE, "04"),
        ("A12345678", CodeKind.SOCIAL_CARD, "03"),
        ("123456789", CodeKind.OPAQUE, "04"),
        ("https://example.com/qr?c=110101199003070003", CodeKind.OPAQUE, "04"),
        ("", CodeKind.OPAQUE, "04"),
    ],
)
def test_the_form_tells_the_kind(text: str, kind: CodeKind, certificate_type: str) -> None:
    code = read_code(text)

    assert (kind, certificate_type) == (code.kind, code.certificate_type)


def test_an_id_number_comes_in_capitals_and_another_code_as_scanned() -> None:
    assert "11010519491231002X" == read_code("11010519491231002x").text
    assert "https://x" == read_code(" https://x\t").text


def test_full_width_digits_are_no_number() -> None:
    assert CodeKind.OPAQUE is read_code("１１０１０１１９９００３０７０００３").kind


def test_the_repr_holds_nothing_that_was_scanned() -> None:
    assert "0003" not in repr(Code(CodeKind.ID_NUMBER, "110101199003070003"))


@given(st.text(max_size=60))
def test_no_text_does_anything_but_be_a_code(text: str) -> None:
    assert text.strip() in (read_code(text).text, read_code(text).text.lower())
