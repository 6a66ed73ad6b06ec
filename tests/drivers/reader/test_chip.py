"""256 bytes of a chip become a card, or the name of the field that makes no sense."""

from __future__ import annotations

from datetime import date

import cv2
import numpy as np
import pytest
from beds.reader.bed import NUMBER, OLD_FOREIGN_WIDTHS, pixels, resident, text_of
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.drivers.reader.api import CardKind, IdCard, Sex, check_mark, is_number
from yibao_face.drivers.reader.chip import HEIGHT, WIDTH, ChipError, bmp_of, parse

PHOTO = bmp_of(pixels())


def test_a_residents_card_is_read_field_by_field() -> None:
    expected = IdCard(
        CardKind.RESIDENT,
        "张三",
        NUMBER,
        Sex.MALE,
        "01",
        date(1990, 3, 7),
        "某省某市某路1号",
        "某市公安局",
        date(2015, 1, 1),
        date(2035, 1, 1),
        PHOTO,
    )

    assert expected == parse(resident(), PHOTO)


def test_a_card_for_life_never_expires() -> None:
    card = parse(resident(valid_until="长期"), b"")

    assert card.valid_until is None
    assert card.is_valid_on(date(2900, 1, 1))


@pytest.mark.parametrize(
    ("day", "valid"),
    [
        (date(2014, 12, 31), False),
        (date(2015, 1, 1), True),
        (date(2035, 1, 1), True),
        (date(2035, 1, 2), False),
    ],
)
def test_a_card_is_valid_from_its_first_to_its_last_day(day: date, valid: bool) -> None:
    assert valid == parse(resident(), b"").is_valid_on(day)


def test_the_card_of_hongkong_macao_and_taiwan_residents_is_told_apart() -> None:
    number = "81000019900307000"
    card = parse(resident(kind="J", number=number + check_mark(number), nation=""), b"")

    assert (CardKind.HONGKONG_MACAO_TAIWAN, "") == (card.kind, card.nation)


def test_a_foreigners_card_of_2017_has_another_arrangement() -> None:
    text = text_of(
        OLD_FOREIGN_WIDTHS,
        latin="DOE, JANE",
        sex="F",
        number="CAN110080010101",
        nation="CAN",
        born="19800101",
        valid_from="20170601",
        valid_until="20270601",
        kind="I",
    )
    card = parse(text, b"")

    assert (CardKind.OLD_FOREIGN, "DOE, JANE", "CAN110080010101", Sex.FEMALE, "CAN") == (
        card.kind,
        card.name,
        card.number,
        card.sex,
        card.nation,
    )


def test_a_foreigners_card_of_2023_has_a_number_of_18() -> None:
    number = "91112419800101000"
    card = parse(resident(kind="Y", number=number + check_mark(number)), b"")

    assert (CardKind.FOREIGN, "", "") == (card.kind, card.address, card.issuer)


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("kind", {"kind": "Q"}),
        ("number", {"number": NUMBER[:-1] + "4"}),
        ("number", {"number": "11010119900307"}),
        ("number", {"number": "１" + NUMBER[1:]}),
        ("born", {"born": "19900308"}),
        ("born", {"born": "19901332"}),
        ("sex", {"sex": "7"}),
        ("name", {"name": ""}),
        ("name", {"name": "张\n三"}),
        ("valid_from", {"valid_from": "2015010"}),
        ("valid_until", {"valid_until": "20140101"}),
        ("valid_until", {"valid_until": "永久"}),
    ],
)
def test_what_makes_no_sense_is_named_and_never_quoted(
    field: str, changed: dict[str, str]
) -> None:
    with pytest.raises(ChipError) as refused:
        parse(resident(**changed), b"")
    assert field == str(refused.value)


@pytest.mark.parametrize("text", [b"", resident()[:-1], resident() + b"\0"])
def test_a_text_of_another_length_is_refused(text: bytes) -> None:
    with pytest.raises(ChipError, match=r"^text has \d+ bytes, not 256$"):
        parse(text, b"")


def test_half_a_character_is_refused() -> None:
    text = bytearray(resident())
    text[0:2] = b"\x00\xd8"

    with pytest.raises(ChipError, match=r"^name$"):
        parse(bytes(text), b"")


@pytest.mark.parametrize(
    "photo",
    [b"x", PHOTO[:-1], b"BM", PHOTO[:18] + b"\xff\xff\xff\x7f" + PHOTO[22:], b"\xff\xd8\xff cut"],
)
def test_a_picture_that_is_none_is_refused(photo: bytes) -> None:
    with pytest.raises(ChipError, match=r"^photo$"):
        parse(resident(), photo)


def test_a_jpeg_is_taken_as_it_is() -> None:
    done, jpeg = cv2.imencode(".jpg", np.zeros((HEIGHT, WIDTH, 3), np.uint8))

    assert done
    assert jpeg.tobytes() == parse(resident(), jpeg.tobytes()).photo


def test_unpacked_pixels_come_out_of_the_bmp_as_they_were() -> None:
    image = cv2.imdecode(np.frombuffer(PHOTO, np.uint8), cv2.IMREAD_COLOR)

    assert image is not None
    assert pixels() == image.tobytes()


def test_nothing_personal_is_in_the_repr_of_a_card() -> None:
    card = parse(resident(), PHOTO)

    assert f"IdCard(resident, number of 18, photo of {len(PHOTO)} B)" == repr(card)


@pytest.mark.parametrize("number", ["11010519491231002X", "440101198512120007", NUMBER])
def test_a_right_check_mark_is_right_and_each_other_is_wrong(number: str) -> None:
    others = [number[:-1] + mark for mark in "0123456789Xx" if mark != number[-1]]

    assert is_number(number)
    assert [] == [other for other in others if is_number(other)]


@given(st.binary(min_size=256, max_size=256), st.binary(max_size=80))
def test_no_bytes_do_anything_but_be_a_card_or_a_chip_error(text: bytes, photo: bytes) -> None:
    try:
        card = parse(text, photo)
    except ChipError:
        return
    assert is_number(card.number) or card.kind is CardKind.OLD_FOREIGN


@given(st.integers(0, 255), st.integers(0, 255))
def test_one_wrong_byte_gives_a_card_or_a_chip_error(at: int, value: int) -> None:
    text = bytearray(resident())
    text[at] = value
    try:
        card = parse(bytes(text), PHOTO)
    except ChipError:
        return
    assert is_number(card.number)
