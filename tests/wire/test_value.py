"""What a text of a call means: a moment, an amount, a person's number, a deal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_calls import NUMBER

from yibao_face.daemon.wire.field import FIELDS
from yibao_face.daemon.wire.value import amount_of, deal_institution, moment_of, problems_of

CHINA = timezone(timedelta(hours=8))
BY_CODE = {known.code: known for known in FIELDS}


def problems(code: str, text: str) -> tuple[str, ...]:
    return problems_of(BY_CODE[code], text, text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("20220111", datetime(2022, 1, 11, tzinfo=CHINA)),
        ("20220111123059", datetime(2022, 1, 11, 12, 30, 59, tzinfo=CHINA)),
        ("2022-01-11", datetime(2022, 1, 11, tzinfo=CHINA)),
        ("2022-01-11 12:30", datetime(2022, 1, 11, 12, 30, tzinfo=CHINA)),
        ("2022-01-11T12:30:59+08:00", datetime(2022, 1, 11, 12, 30, 59, tzinfo=CHINA)),
        ("2022-01-11T20:30:00Z", datetime(2022, 1, 12, 4, 30, tzinfo=CHINA)),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-12:00", None),
        ("2022-01-11年12:30", None),
        ("２０２２-01-11", None),
        ("20220230", None),
        ("", None),
        ("7", None),
    ],
)
def test_a_moment_is_read_in_the_zone_of_china(text: str, moment: datetime | None) -> None:
    found = moment_of(text)

    assert moment == found
    assert found is None or CHINA == found.tzinfo


@given(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis wants bounds without a zone
def test_every_form_of_one_moment_is_the_same_moment(moment: datetime) -> None:
    whole = moment.replace(microsecond=0)
    here = whole.astimezone(CHINA)

    forms = [f"{here:%Y%m%d%H%M%S}", f"{here:%Y-%m-%d %H:%M:%S}", whole.isoformat()]

    assert [whole] * 3 == [moment_of(form) for form in forms]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0", "0"),
        ("0.0", "0.0"),
        ("+5", "5"),
        ("-5.00", "-5.00"),
        ("1300.10", "1300.10"),
        ("99999999999999.99", "99999999999999.99"),
        ("1.2300", "1.2300"),
    ],
)
def test_an_amount_is_exact(text: str, amount: str) -> None:
    assert Decimal(amount) == amount_of(text)


@pytest.mark.parametrize(
    "text",
    ["", "abc", "1.234", "1e2", "100000000000000", "１", "1 ", ".5", "5.", "true", "0" * 21,
     "0." + "0" * 20, "1,000", "NaN"],
)  # fmt: skip
def test_what_is_no_amount_of_16_digits_has_no_value(text: str) -> None:
    assert None is amount_of(text)


@given(st.integers(-(10**16) + 1, 10**16 - 1))
def test_any_amount_of_whole_cents_is_read_as_written(cents: int) -> None:
    amount = Decimal(cents).scaleb(-2)

    assert amount == amount_of(f"{amount:.2f}")


@pytest.mark.parametrize(
    ("number", "found"),
    [
        (NUMBER, ()),
        (NUMBER.lower(), ()),
        ("320101194202156744", ("check-digit",)),
        ("110105194912310020", ("check-digit",)),
        ("110105194913310021", ("birth-date",)),
        ("110105194913310020", ("check-digit", "birth-date")),
        ("110105194902300020", ("birth-date",)),
        ("110105184912310020", ("birth-date",)),
        ("110105491231002", ()),
        ("1101051949123100", ()),
        ("H12345678", ()),
        ("PASSPORT1949123100", ()),
    ],
)
def test_a_number_of_18_digits_is_checked_as_gb_11643_wants(
    number: str, found: tuple[str, ...]
) -> None:
    assert found == problems("id", number)


@given(st.sampled_from(range(17)), st.integers(1, 9))
def test_one_wrong_digit_never_passes(at: int, more: int) -> None:
    digit = str((int(NUMBER[at]) + more) % 10)

    assert "check-digit" in problems("id", NUMBER[:at] + digit + NUMBER[at + 1 :])


@pytest.mark.parametrize(
    ("deal_no", "institution"),
    [
        ("001000200030202201111411101234", "001000200030"),
        ("H23010200123202201111411101", "H23010200123"),
        ("00100020003020220111141110", None),
        ("001000200030202213111411101234", None),
        ("001000200030202201112511101234", None),
        ("001000200030111111111111111111", None),
        ("00100020003-202201111411101234", None),
        ("00100020003０202201111411101234", None),
        ("0010002000302022011114111012a4", None),
        ("HIS-7", None),
        ("", None),
    ],
)
def test_a_deal_number_names_its_institution(deal_no: str, institution: str | None) -> None:
    assert institution == deal_institution(deal_no)
