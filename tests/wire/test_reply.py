"""The answer: four keys, JSON numbers, 1023 bytes at most, readable in the caller's charset."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yibao_face.daemon.codes import TABLE
from yibao_face.daemon.core.encounter import Answer, Cause, Who
from yibao_face.daemon.core.identity import certificate_no
from yibao_face.daemon.wire.charset import GB18030, UTF8
from yibao_face.daemon.wire.reply import AttendanceReply, Reply, content_type, encode

# The caller gives 1 KB and a C string ends with a NUL (S0-06).
MAX_REPLY_BYTES = 1024 - 1
CERTIFICATE = certificate_no("01890a5d-ac96-774b-bcce-b302099a8057")
CODECS = {UTF8: "utf-8", GB18030: "gbk"}
ANY_TEXT = st.text(st.characters() | st.characters(categories=["Cs", "Cc", "Lo"]), max_size=1500)
LONG_TEXT = st.tuples(st.text(min_size=1, max_size=12), st.integers(1, 400)).map(
    lambda part_and_times: part_and_times[0] * part_and_times[1]
)


def read(data: bytes, charset: str) -> dict[str, object]:
    """As a HIS reads it: strictly in its own charset."""
    answer: dict[str, object] = json.loads(data.decode(CODECS[charset]))
    return answer


@pytest.mark.parametrize("charset", list(CODECS))
@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (
            Reply(Answer.PASS, "本人核验通过", CERTIFICATE, Who.SELF),
            f'{{"code":1,"msg":"本人核验通过","cp_no":"{CERTIFICATE}","type":1}}',
        ),
        (
            Reply(Answer.PASS, "代购人核验通过", CERTIFICATE, Who.AGENT),
            f'{{"code":1,"msg":"代购人核验通过","cp_no":"{CERTIFICATE}","type":2}}',
        ),
        (
            Reply(Answer.NOT_NEEDED, "", "", Who.NOBODY),
            '{"code":2,"msg":"","cp_no":"","type":0}',
        ),
        (
            Reply(Answer.FAIL, '请"正对"\\摄像头\n', "", Who.NOBODY),
            '{"code":0,"msg":"请\\"正对\\"\\\\摄像头\\n","cp_no":"","type":0}',
        ),
    ],
    ids=["self", "agent", "not-needed", "escapes"],
)
def test_an_answer_has_four_keys_in_the_order_of_the_document(
    reply: Reply, expected: str, charset: str
) -> None:
    assert expected.encode(CODECS[charset]) == encode(reply, charset)


@pytest.mark.parametrize("charset", list(CODECS))
@pytest.mark.parametrize("cause", list(Cause))
def test_every_message_of_ours_arrives_whole(cause: Cause, charset: str) -> None:
    row = TABLE[cause]

    answer = read(encode(Reply(row.answer, row.message, CERTIFICATE, Who.SELF), charset), charset)

    assert row.message == answer["msg"]


@pytest.mark.parametrize(
    ("msg", "shown"),
    [("王䶮", "王?"), ("𠮷", "?"), ("😀通过", "?通过"), ("艾山·买买提", "艾山·买买提")],
)
def test_a_gbk_caller_gets_a_question_mark_for_what_gbk_lacks(msg: str, shown: str) -> None:
    data = encode(Reply(Answer.FAIL, msg, "", Who.NOBODY), GB18030)

    assert shown == read(data, GB18030)["msg"]


@pytest.mark.parametrize("charset", list(CODECS))
@pytest.mark.parametrize("char", ["a", "·", "张", "𠮷", "\n", '"', "\ud800"])
def test_a_long_message_is_cut_and_its_room_used(char: str, charset: str) -> None:
    data = encode(Reply(Answer.FAIL, char * 5000, "", Who.NOBODY), charset)

    assert MAX_REPLY_BYTES - 64 <= len(data) <= MAX_REPLY_BYTES


@pytest.mark.parametrize("charset", list(CODECS))
@pytest.mark.parametrize("char", ["张", "a", "é"])
def test_a_message_that_just_fits_is_not_cut(char: str, charset: str) -> None:
    frame = len(encode(Reply(Answer.FAIL, "", "", Who.NOBODY), charset))
    width = len(char.encode(CODECS[charset]))
    msg = char * ((MAX_REPLY_BYTES - frame) // width)

    data = encode(Reply(Answer.FAIL, msg, "", Who.NOBODY), charset)

    assert msg == read(data, charset)["msg"]


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(Answer),
    ANY_TEXT | LONG_TEXT,
    st.sampled_from(["", CERTIFICATE]),
    st.sampled_from(Who),
    st.sampled_from(list(CODECS)),
)
def test_whatever_is_said_fits_and_is_never_cut_inside_a_character(
    code: Answer, msg: str, cp_no: str, who: Who, charset: str
) -> None:
    data = encode(Reply(code, msg, cp_no, who), charset)

    answer = read(data, charset)
    said = str(answer["msg"])
    readable = msg.encode(CODECS[charset], "replace").decode(CODECS[charset])
    assert len(data) <= MAX_REPLY_BYTES
    assert ["code", "msg", "cp_no", "type"] == list(answer)
    assert (int(code), cp_no, int(who)) == (answer["code"], answer["cp_no"], answer["type"])
    assert (int, int) == (type(answer["code"]), type(answer["type"]))
    assert readable.startswith(said)


@pytest.mark.parametrize(
    ("charset", "header"),
    [(UTF8, "application/json; charset=utf-8"), (GB18030, "application/json; charset=gbk")],
)
def test_the_header_names_the_charset_of_the_bytes(charset: str, header: str) -> None:
    assert header == content_type(charset)


@pytest.mark.parametrize("charset", list(CODECS))
@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (AttendanceReply(0, "考勤成功"), '{"code":0,"msg":"考勤成功"}'),
        (AttendanceReply(1, "考勤失败"), '{"code":1,"msg":"考勤失败"}'),
        (AttendanceReply(-1, ""), '{"code":-1,"msg":""}'),
        (AttendanceReply(-2, '打开设备"失败"'), '{"code":-2,"msg":"打开设备\\"失败\\""}'),
        (AttendanceReply(-4, "该机构下无医师"), '{"code":-4,"msg":"该机构下无医师"}'),
    ],
    ids=["done", "failed", "cancelled", "device", "unknown"],
)
def test_an_attendance_answer_has_two_keys_in_the_order_of_the_document(
    reply: AttendanceReply, expected: str, charset: str
) -> None:
    assert expected.encode(CODECS[charset]) == encode(reply, charset)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([0, 1, -1, -2, -4]), ANY_TEXT | LONG_TEXT, st.sampled_from(list(CODECS)))
def test_whatever_is_said_of_an_attendance_fits_and_is_never_cut_inside_a_character(
    code: int, msg: str, charset: str
) -> None:
    data = encode(AttendanceReply(code, msg), charset)

    answer = read(data, charset)
    readable = msg.encode(CODECS[charset], "replace").decode(CODECS[charset])
    assert len(data) <= MAX_REPLY_BYTES
    assert ["code", "msg"] == list(answer)
    assert (code, int) == (answer["code"], type(answer["code"]))
    assert readable.startswith(str(answer["msg"]))


@pytest.mark.parametrize("charset", list(CODECS))
@pytest.mark.parametrize("char", ["a", "·", "张", "𠮷", "\n", "\x01"])
def test_a_long_attendance_message_is_cut_and_its_room_used(char: str, charset: str) -> None:
    data = encode(AttendanceReply(-2, char * 5000), charset)

    assert MAX_REPLY_BYTES - 64 <= len(data) <= MAX_REPLY_BYTES


def test_a_reply_that_cannot_fit_is_an_error_not_an_endless_loop() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        encode(Reply(Answer.PASS, "本人核验通过", "9" * 1024, Who.SELF), UTF8)
