"""Which character set a call is in: declared, marked, or told by its bytes."""

from __future__ import annotations

import random

import pytest
from wire_calls import his_call

from yibao_face.daemon.wire.charset import GB18030, UTF8, Decoded, decode, known

# GB 2312 level 1: the 3755 characters common names are written with.
LEVEL_1 = [
    bytes((high, low)).decode("gb2312")
    for high in range(0xB0, 0xD8)
    for low in range(0xA1, 0xFA if high == 0xD7 else 0xFF)
]
NAMES = ["张三", "联通", "艾山·买买提", "路路", "·路", "欧阳震华", "张", "闫妍", "李Ａ", "ＡＢ"]


def call(name: str) -> str:
    return f'{{"name": "{name}"}}'


@pytest.mark.parametrize(
    ("declared", "ours"),
    [
        ("utf-8", UTF8),
        ("UTF-8", UTF8),
        ("utf8", UTF8),
        (' "UTF-8" ', UTF8),
        ("65001", UTF8),
        ("GBK", GB18030),
        ('"gbk"', GB18030),
        ("gb2312", GB18030),
        ("GB18030", GB18030),
        ("936", GB18030),
        ("54936", GB18030),
        ("latin-1", None),
        ("1252", None),
        ("rot13", None),
        ("", None),
        (None, None),
    ],
)
def test_a_declared_charset_is_known_by_its_usual_names(
    declared: str | None, ours: str | None
) -> None:
    assert ours == known(declared)


@pytest.mark.parametrize(("codec", "charset"), [("utf-8", UTF8), ("gbk", GB18030)])
@pytest.mark.parametrize("name", [*NAMES[:4], *NAMES[5:]])
def test_a_name_is_read_in_the_charset_it_was_written_in(
    name: str, codec: str, charset: str
) -> None:
    assert Decoded(call(name), charset) == decode(call(name).encode(codec))


@pytest.mark.parametrize("declared", [UTF8, GB18030])
@pytest.mark.parametrize("name", NAMES)
def test_a_declared_charset_is_believed(name: str, declared: str) -> None:
    body = call(name).encode(declared)

    assert Decoded(call(name), declared) == decode(body, declared)


@pytest.mark.parametrize("name", ["王䶮", "𠮷田", "邓㐂"])
def test_a_rare_name_of_four_byte_characters_is_read(name: str) -> None:
    assert Decoded(call(name), GB18030) == decode(call(name).encode("gb18030"))


def test_any_common_two_character_name_is_told_apart() -> None:
    rng = random.Random(20220111)  # noqa: S311 - samples, not secrets
    names = [first + rng.choice(LEVEL_1) for first in LEVEL_1 for _ in range(2)]

    wrong = [
        (name, charset)
        for name in names
        for charset in (UTF8, GB18030)
        if Decoded(call(name), charset) != decode(call(name).encode(charset))
    ]

    assert 3755 == len(LEVEL_1)
    assert [] == wrong


@pytest.mark.parametrize("name", ["皓安", "皓宝", "皙安"])
def test_a_gbk_word_that_is_one_four_byte_character_of_utf8_stays_a_word(name: str) -> None:
    assert Decoded(call(name), GB18030) == decode(call(name).encode("gbk"))


def test_a_common_foreign_name_with_a_middle_dot_is_told_apart() -> None:
    rng = random.Random(51518)  # noqa: S311 - samples, not secrets
    names = ["".join(rng.choices(LEVEL_1, k=2)) + "·" + rng.choice(LEVEL_1) for _ in range(2000)]

    wrong = [
        (name, charset)
        for name in names
        for charset in (UTF8, GB18030)
        if Decoded(call(name), charset) != decode(call(name).encode(charset))
    ]

    assert [] == wrong


@pytest.mark.parametrize("text", ["α-珠蛋白异", "体温38°", "2×β受体", "José", "Ω", "±1"])
def test_a_greek_or_latin_letter_does_not_turn_a_utf8_name_into_another(text: str) -> None:
    body = f'{{"name": "张三", "dise_name": "{text}"}}'

    assert Decoded(body, UTF8) == decode(body.encode())


def test_bytes_of_two_meanings_are_read_as_declared() -> None:
    road = "路".encode("gbk")

    assert ["·", "路"] == [decode(road, UTF8).text, decode(road, GB18030).text]


@pytest.mark.parametrize("name", ["张三", "王小明", "联通", "艾山·买买提"])
def test_gbk_declared_as_utf8_is_read_as_gbk(name: str) -> None:
    assert Decoded(call(name), GB18030) == decode(call(name).encode("gbk"), UTF8)


@pytest.mark.parametrize(
    "body",
    [
        call("王小明").encode(),
        call("张三").encode(),
        his_call(name="张三"),
        his_call(name="张三", opter_name="王二", fixmedins_name="药房", dise_name="感冒"),
    ],
    ids=["odd", "even", "call-with-odd-words", "call-of-even-words"],
)
def test_utf8_behind_a_chinese_code_page_is_read_as_utf8(body: bytes) -> None:
    assert Decoded(body.decode(), UTF8) == decode(body, GB18030)


@pytest.mark.parametrize("declared", [None, UTF8, GB18030])
def test_a_byte_order_mark_is_no_text(declared: str | None) -> None:
    body = "\ufeff{}".encode()

    assert "{}" == decode(body, declared).text


def test_a_byte_order_mark_before_a_name_leaves_it_alone() -> None:
    assert Decoded(call("张三"), UTF8) == decode(call("张三").encode("utf-8-sig"))


@pytest.mark.parametrize("declared", [None, "utf-8", "gbk"])
@pytest.mark.parametrize("before", ["\ufeff\ufeff", "\r\n\ufeff", "\0\ufeff \n", "\ufeff\0"])
def test_a_byte_order_mark_may_stand_anywhere_before_the_text(
    before: str, declared: str | None
) -> None:
    assert Decoded(call("张三"), UTF8) == decode((before + call("张三")).encode(), declared)


@pytest.mark.parametrize("forced", [None, "gb18030"])
def test_the_byte_order_mark_of_gb18030_is_no_text(forced: str | None) -> None:
    body = ("\ufeff" + call("张三")).encode("gb18030")

    assert Decoded(call("张三"), GB18030) == decode(body, None, forced)


@pytest.mark.parametrize("declared", [None, "utf-8", "gbk"])
@pytest.mark.parametrize(
    ("forced", "ours"), [("utf-8", UTF8), ("65001", UTF8), ("GBK", GB18030), ("gb2312", GB18030)]
)
@pytest.mark.parametrize("name", NAMES)
def test_the_setting_of_a_site_decides_over_header_and_bytes(
    name: str, forced: str, ours: str, declared: str | None
) -> None:
    assert Decoded(call(name), ours) == decode(call(name).encode(ours), declared, forced)


def test_the_setting_of_a_site_is_believed_against_clear_bytes() -> None:
    sent = call("张三四五").encode()

    assert Decoded(sent.decode("gb18030"), GB18030) == decode(sent, "utf-8", "gbk")


@pytest.mark.parametrize("forced", ["gbk", "utf-8"])
@pytest.mark.parametrize("body", [b"{\xff}", b"{\x80}", b"{\xe5"])
def test_bytes_that_are_not_in_the_charset_of_the_site_are_refused(
    body: bytes, forced: str
) -> None:
    with pytest.raises(UnicodeDecodeError):
        decode(body, None, forced)


def test_gbk_bytes_are_not_guessed_where_the_site_says_utf8() -> None:
    with pytest.raises(UnicodeDecodeError):
        decode(call("张三").encode("gbk"), "gbk", "utf-8")


@pytest.mark.parametrize(("forced", "ours"), [("gbk", GB18030), ("utf-8", UTF8)])
def test_plain_ascii_is_answered_in_the_charset_of_the_site(forced: str, ours: str) -> None:
    assert Decoded("{}", ours) == decode(b"{}", "utf-8", forced)


def test_a_setting_we_do_not_know_is_no_guess() -> None:
    with pytest.raises(LookupError, match="unknown charset latin-1"):
        decode(b"{}", None, "latin-1")


@pytest.mark.parametrize("codec", ["utf-8", "gbk", "ascii"])
@pytest.mark.parametrize("padding", [b"\x00", b"\x00" * 100, b"\r\n", b" \t\x00\r\n"])
def test_what_a_c_buffer_leaves_behind_is_no_text(padding: bytes, codec: str) -> None:
    text = "{}" if codec == "ascii" else call("张三")

    assert text == decode(padding + text.encode(codec) + padding).text


def test_plain_ascii_is_answered_in_utf8() -> None:
    assert Decoded('{"id": "1"}', UTF8) == decode(b'{"id": "1"}')


@pytest.mark.parametrize("declared", [None, UTF8, GB18030])
@pytest.mark.parametrize("body", [b"\xff\xfe{\x00}\x00", b"\xff", b"{\x80}", b"\xe5"])
def test_bytes_of_no_charset_are_refused(body: bytes, declared: str | None) -> None:
    with pytest.raises(UnicodeDecodeError):
        decode(body, declared)
