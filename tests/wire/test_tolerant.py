"""What vendors send for JSON is read; what could be read in two ways is refused."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal
from typing import Any

import pytest

from yibao_face.daemon.wire.tolerant import (
    MAX_DEPTH,
    MAX_TOKENS,
    NotJsonError,
    parse,
    scan,
    value_of,
)


def nested(levels: int, quote: str = '"') -> str:
    return f"{{{quote}a{quote}: " * levels + "{}" + "}" * levels


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{}", {}),
        ('{"id": "1"}', {"id": "1"}),
        ('\n {"id" :\t"1"}\r\n', {"id": "1"}),
        ('{"id": 320101194202156744}', {"id": 320101194202156744}),
        ('{"sum": 1300.10}', {"sum": Decimal("1300.10")}),
        ('{"a": [true, false, null, {"b": ""}]}', {"a": [True, False, None, {"b": ""}]}),
        ('{"name": "\\u5f20\\u4e09"}', {"name": "张三"}),
    ],
)
def test_json_is_read_strictly(text: str, found: dict[str, Any]) -> None:
    assert (found, False) == parse(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{'id' : '1' , 'name' : '张三'}", {"id": "1", "name": "张三"}),
        ("{'a': 'it\\'s', 'b': 'say \"yes\"'}", {"a": "it's", "b": 'say "yes"'}),
        ("{“id”: “1”, ‘name’: ‘张三’}", {"id": "1", "name": "张三"}),
        ('{"id"："1"，"name"："张三"}', {"id": "1", "name": "张三"}),
        ("｛“a”：［“1”，“2”］｝", {"a": ["1", "2"]}),
        ('{"id": "1",}', {"id": "1"}),
        ('{"a": ["1", "2",],}', {"a": ["1", "2"]}),
        ("{'id': '1'};", {"id": "1"}),
        ("char * input = {'id': '1'};", {"id": "1"}),
        ("char *input={'id': '1'};", {"id": "1"}),
        ("  const char input[] = { 'id': '1' } ;", {"id": "1"}),
        ('char*inputJson = {"id": "1"}', {"id": "1"}),
        ("{id: '1', name: '张三'}", {"id": "1", "name": "张三"}),
        ("{'a': 胸外科}", {"a": "胸外科"}),
        ("{'a': 0 或者 1, (0 是出院,\n 1: 在院) }", {"a": "0 或者 1"}),
        ("{'a': 0, （0 是出院，1：在院） 'b': 1}", {"a": 0, "b": 1}),
        ("{'a': '1' // 住院\n, 'b': '2' /* 出院, } */}", {"a": "1", "b": "2"}),
        ("{'a': true, 'b': null, 'c': -1.5e3}", {"a": True, "b": None, "c": -1500.0}),
        ("{'a': 2022-01-11, 'b': 007}", {"a": "2022-01-11", "b": "007"}),
        ("{'a': 0x1F, 'b': TRUE}", {"a": "0x1F", "b": "TRUE"}),
    ],
)
def test_what_the_document_shows_is_understood(text: str, found: dict[str, Any]) -> None:
    assert (found, True) == parse(text)


@pytest.mark.parametrize(
    "value",
    [
        "http://127.0.0.1:51518/a",
        "高血压(二级)",
        "高血压（二级），待查：无",
        "a, b: c; {d} [e]",
        "，：｛｝［］“”‘’",
        "/* 不是备注 */ // 也不是",
        "char * input = {",
        "```json",
        "tab\tand\nline",
        'a "quoted" word',
        "back\\slash",
        "NaN",
        "\u2028",
    ],
)
def test_nothing_is_changed_inside_a_string(value: str) -> None:
    strict = json.dumps({"a": value}, ensure_ascii=False)

    assert ({"a": value}, False) == parse(strict)
    assert ({"a": value}, True) == parse(strict[:-1] + ",}")


@pytest.mark.parametrize("value", ["a // b", "(x)", "（x）", "a，b：c", 'say "x"', "“x”", "a:b,c"])
def test_nothing_is_changed_inside_a_single_quoted_string(value: str) -> None:
    assert ({"a": value}, True) == parse(f"{{'a': '{value}'}}")


@pytest.mark.parametrize("value", ["a // b", "(x)", "（x）", "a，b：c", 'say "it\'s"', "a\\b"])
def test_nothing_is_changed_inside_a_full_width_string(value: str) -> None:
    assert ({"a": value}, True) == parse(f"{{“a”：“{value}”}}")


@pytest.mark.parametrize(
    "text",
    [
        '{"id": "1", "id": "2"}',
        '{"id": "1", "id": "1"}',
        "{'id': '1', 'id': '2'}",
        "{'id': '1', \"id\": '2'}",
        "{id: '1', 'id': '2'}",
        "{“id”: '1', id: '2'}",
        '{"a": {"b": 1, "b": 2}}',
        "{'a': {'b': 1, 'b': 2}}",
        "{'a': [{'b': 1, 'b': 2}]}",
        "{'id': '1', (备注) 'id' /* x */ : '2'}",
        '{"id": "1", "\\u0069d": "2"}',
        "{'id': '1', '\\u0069d': '2'}",
        "{'id': '1', '\\x69d': '2'}",
        "{'id': '1', 'i\\\nd': '2'}",
    ],
)
def test_a_key_given_twice_is_refused_however_it_is_written(text: str) -> None:
    with pytest.raises(NotJsonError):
        parse(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{'a': 'a', 'b': 'a'}", {"a": "a", "b": "a"}),
        ("{'a': {'a': {'a': 1}}}", {"a": {"a": {"a": 1}}}),
        ("{'a': [{'b': 1}, {'b': 2}], 'b': 3}", {"a": [{"b": 1}, {"b": 2}], "b": 3}),
        ("{'a': 1, 'A': 2}", {"a": 1, "A": 2}),
        ("{\"'a'\": 1, 'a': 2}", {"'a'": 1, "a": 2}),
    ],
)
def test_the_same_word_in_another_place_is_not_a_second_key(
    text: str, found: dict[str, Any]
) -> None:
    assert (found, True) == parse(text)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("form", ['{{"a": {}}}', "{{'a': {},}}", "{{'a': [{}]}}"])
def test_what_is_no_number_is_refused(form: str, number: str) -> None:
    with pytest.raises(NotJsonError):
        parse(form.format(number))


@pytest.mark.parametrize(
    "text",
    ["", " ", "null", "1", '"id"', "[]", '[{"id": 1}]', "hello", "id=1&name=2", "<id>1</id>"],
)
def test_what_is_not_an_object_is_refused(text: str) -> None:
    with pytest.raises(NotJsonError):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "}",
        "{'a'}",
        "{'a': }",
        "{'a': 'b'",
        "{'a': 'b}",
        "{'a': “b}",
        "{'a': 'b' 'c'}",
        "{'a': 1} {'b': 2}",
        "{'a': (1}",
        "{'a': ((1))}",
        "{'a': /* 1}",
        "{'a': 12:30}",
        "{'a': 'two\nlines'}",
        "{,}",
        "{'a': 1,, 'b': 2}",
        "char * input = ;",
        "{'a': 1e99999999999999999999999}",
        '{"a": 1e99999999999999999999999}',
        '{"a": ' + "1" * 5000 + "}",
    ],
)
def test_what_cannot_be_read_for_certain_is_refused(text: str) -> None:
    with pytest.raises(NotJsonError):
        parse(text)


@pytest.mark.parametrize("quote", ['"', "'"])
def test_nesting_is_read_up_to_the_limit(quote: str) -> None:
    found, lenient = parse(nested(MAX_DEPTH - 1, quote))

    assert json.loads(nested(MAX_DEPTH - 1)) == found
    assert lenient is (quote == "'")


@pytest.mark.parametrize("levels", [MAX_DEPTH, 100, 900, 10_000])
@pytest.mark.parametrize("quote", ['"', "'"])
def test_deeper_nesting_is_refused(levels: int, quote: str) -> None:
    with pytest.raises(NotJsonError):
        parse(nested(levels, quote))


def looked_at(text: str) -> int:
    """Pieces taken from ``text`` until it is at its end or refused."""
    count = 0
    with contextlib.suppress(NotJsonError):
        for _ in scan(text):
            count += 1
    return count


HOSTILE = {
    "brackets": ("[" * 65_000, MAX_DEPTH),
    "braces": ("{" * 65_000, MAX_DEPTH),
    "full-width-braces": ("｛" * 65_000, MAX_DEPTH),
    "objects": ('{"a":' * 13_000, 3 * MAX_DEPTH),
    "quoted-objects": ("{'a':" * 13_000, 3 * MAX_DEPTH),
    "closed-again": ('{"a":' + "[" * 60_000 + "]" * 60_000 + "}", 3 + MAX_DEPTH - 1),
    "round-brackets": ("{" + "(" * 65_000, 1),
    "open-comments": ("{" + "/* " * 20_000, 1),
    "comments": ("{" + "/**/" * 16_000, MAX_TOKENS),
    "half-comments": ("{" + "/*" * 32_000, MAX_TOKENS),
    "quotes": ("{" + "'" * 65_001, MAX_TOKENS),
    "full-width-quotes": ("{" + "“" * 65_000, 1),
    "words": ("{" + "a " * 32_000, 3),
    "commas": ("{'a':1" + "," * 65_000, MAX_TOKENS),
    "back-slashes": ("{'" + "\\" * 65_001, 1),
    "lines": ("{" + "a\n" * 32_000, MAX_TOKENS),
    "spaces": ("char" + " " * 5_000 + "!", 1),
    "two-runs-of-spaces": ("char" + " " * 1_300 + "x" + " " * 1_300 + "!", 1),
    "long-word": ("char" + " " * 900 + "x" * 900 + " " * 900 + "!", 1),
}


@pytest.mark.parametrize(("text", "pieces"), list(HOSTILE.values()), ids=list(HOSTILE))
def test_a_hostile_text_is_refused_after_a_bounded_number_of_pieces(
    text: str, pieces: int
) -> None:
    assert pieces == looked_at(text)

    with pytest.raises(NotJsonError):
        parse(text)


def test_a_call_of_many_pieces_is_read_up_to_the_limit() -> None:
    most = (MAX_TOKENS - 7) // 2
    head, tail = "{'a':[1", "]}"

    found, _ = parse(head + ",1" * most + tail)

    assert {"a": [1] * (most + 1)} == found
    with pytest.raises(NotJsonError):
        parse(head + ",1" * (most + 1) + tail)


@pytest.mark.parametrize(
    ("form", "most"),
    [
        ("{run}char * input = {{}}", " " * 99),
        ("const{run}char * input = {{}}", " " * 9),
        ("char{run}* input = {{}}", " " * 9),
        ("char *{run}input = {{}}", " " * 9),
        ("char *{run} = {{}}", "x" * 40),
        ("char * input{run}= {{}}", " " * 18),
        ("char * input[{run}] = {{}}", " " * 9),
        ("char * input ={run}{{}}", " " * 99),
    ],
)
def test_each_run_of_a_declaration_has_a_bounded_length(form: str, most: str) -> None:
    assert ({}, True) == parse(form.format(run=most))

    with pytest.raises(NotJsonError):
        parse(form.format(run=most + most[0]))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("｛＂id＂：＂1＂，＂name＂：＂张三＂，｝", {"id": "1", "name": "张三"}),
        ("｛＇id＇　：　＇1＇｝；", {"id": "1"}),
        ("｛”id”：”1”，’name’：’张三’｝", {"id": "1", "name": "张三"}),
        ("｛“id”：“１”，id2：２｝", {"id": "１", "id2": "２"}),
        ("char ＊ input ＝ ｛“id”：“1”｝；", {"id": "1"}),
        ("{'a': True, 'b': False, 'c': None}", {"a": True, "b": False, "c": None}),
        ("{'a': [True, None,],}", {"a": [True, None]}),
        ("{'a': 'True', 'b': “None”}", {"a": "True", "b": "None"}),
        ("{True: 1, None: 2, true: 3}", {"True": 1, "None": 2, "true": 3}),
        ("{'a': Truely, 'b': None of them}", {"a": "Truely", "b": "None of them"}),
        ("\ufeff{'id': '1'}", {"id": "1"}),
        ('\n\ufeff \ufeff{\ufeff"id": "1"}', {"id": "1"}),
    ],
)
def test_full_width_signs_python_words_and_marks_are_understood(
    text: str, found: dict[str, Any]
) -> None:
    assert (found, True) == parse(text)


@pytest.mark.parametrize(
    "text", ["{true: 1, 'true': 2}", "{True: 1, 'True': 2}", "{1: 1, '1': 2}"]
)
def test_a_bare_word_and_a_string_are_the_same_key(text: str) -> None:
    with pytest.raises(NotJsonError):
        parse(text)


@pytest.mark.parametrize(
    "text",
    ["{'a': [1,,]}", "{'a': [,]}", "{'a':,}", "{'a': 1,,}", "{'a': 1;}", "{”a: ”1”}", "{‘a”: 1}"],
)
def test_what_is_no_list_of_members_is_refused(text: str) -> None:
    with pytest.raises(NotJsonError):
        parse(text)


@pytest.mark.parametrize("number", ["1300.10", "0.30", "99999999999999.99", "1234567890123456.70"])
def test_a_number_keeps_its_digits_though_the_text_is_mended(number: str) -> None:
    found, lenient = parse(f"{{'sum': {number},}}")

    assert (number, True) == (str(found["sum"]), lenient)


@pytest.mark.parametrize("text", ['"{}"', "'{}'", '"\\"{}\\""', "“{}”"])
def test_a_string_is_a_value_though_no_object(text: str) -> None:
    found, _ = value_of(text)

    assert "{}" == found.strip('"')
    with pytest.raises(NotJsonError):
        parse(text)
