"""Whatever answers on the port: nothing outside 1024 bytes, never a pass that was not given."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from shim_fault import FAULTS, bare, changed, other_door, other_request, replayed, stranger
from shim_server import PASS, SIGNER, Answering, Library, genuine, listening

LONG = "核验通过" * 400


@pytest.mark.parametrize("rogue", [bare(PASS), stranger, other_request, other_door, changed])
@pytest.mark.parametrize("attendance", [False, True])
def test_a_rogue_on_the_port_passes_nobody(
    library: Library, rogue: Answering, attendance: bool
) -> None:
    with listening(rogue) as port:
        library.install(port)
        value, answer = library.call(b'{"id":"1"}', attendance=attendance)

    told = json.loads(answer)
    assert value == told["code"] == (-2 if attendance else 0)
    assert "签名" in told["msg"]


def test_yesterdays_genuine_answer_passes_nobody(library: Library) -> None:
    with listening(replayed()) as port:
        library.install(port)
        library.call(b'{"id":"1"}')
        value, answer = library.call(b'{"id":"1"}')

    assert 0 == value
    assert "签名" in json.loads(answer)["msg"]


@pytest.mark.parametrize(
    "answer",
    [
        *FAULTS.values(),
        genuine(b'{"code":3,"msg":"","cp_no":"","type":1}'),
        genuine(b'{"code":-4,"msg":"","cp_no":"","type":1}'),
    ],
)
def test_a_broken_answer_is_code_0_in_whole_json(library: Library, answer: Answering) -> None:
    with listening(answer) as port:
        library.install(port)
        value, found = library.call(b'{"id":"1"}')

    assert 0 == value == json.loads(found)["code"]
    assert ["code", "msg", "cp_no", "type"] == list(json.loads(found))


@pytest.mark.parametrize("charset", ["utf-8", "gbk"])
def test_a_long_answer_is_cut_between_characters(library: Library, charset: str) -> None:
    text = json.dumps({"code": 1, "msg": LONG, "cp_no": "A1", "type": 1}, ensure_ascii=False)
    header = f"Content-Type: application/json; charset={charset}\r\n".encode()
    with listening(genuine(text.encode(charset), header)) as port:
        library.install(port)
        value, found = library.call(b'{"id":"1"}')

    told = json.loads(found.decode(charset))
    assert (1, "A1", 1) == (value, told["cp_no"], told["type"])
    assert LONG.startswith(told["msg"])
    assert 1020 <= len(found) <= 1023


def test_signatures_hold_for_answers_and_calls_of_every_length(library: Library) -> None:
    for length in range(300):
        body = b'{"code":1,"msg":"%s","cp_no":"","type":1}' % (b"x" * length)
        with listening(genuine(body)) as port:
            library.install(port)
            assert (1, body) == library.call(b"{" + b" " * length + b"}")


@pytest.mark.parametrize("body", [b"", b"{" + b" " * 65535, b"x" * 65536])
def test_an_odd_input_is_the_daemons_to_judge(library: Library, body: bytes) -> None:
    with listening(genuine(PASS)) as port:
        library.install(port)
        assert (1, PASS) == library.call(body)


def test_of_a_huge_input_no_more_is_read_than_the_daemon_needs_to_refuse(library: Library) -> None:
    sizes: list[int] = []

    def answer(head: bytes, request: bytes) -> bytes:
        sizes.append(len(request))
        return genuine(PASS)(head, request)

    with listening(answer) as port:
        library.install(port)
        library.call(b"x" * 200_000)

    assert [65537] == sizes


def test_text_of_two_bytes_a_letter_is_told_what_it_is(library: Library) -> None:
    value, answer = library.call('{"id":"1"}'.encode("utf-16-le"))

    assert 0 == value
    assert "UTF-16" in json.loads(answer)["msg"]


def test_null_pointers_end_in_a_refusal(library: Library) -> None:
    out = library.ffi.new("char[]", 1024)
    given = library.ffi.new("char[]", b"{}")

    assert 0 == library.loaded.zjHisFunCall(library.ffi.NULL, out)
    assert "空指针" in json.loads(library.ffi.string(out))["msg"]
    assert 0 == library.loaded.zjHisFunCall(given, library.ffi.NULL)
    assert -2 == library.loaded.HisCallAtten(given, library.ffi.NULL)


def test_one_buffer_may_be_input_and_answer(library: Library) -> None:
    both = library.ffi.new("char[]", b'{"id":"1"}' + bytes(1100))
    with listening(genuine(PASS)) as port:
        library.install(port)
        assert 1 == library.loaded.zjHisFunCall(both, both)

    assert PASS == library.ffi.string(both)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "daemon = 127.0.0.1:51518\n",
        "daemon = localhost:51518\nkey = {key}\n",
        "daemon = 127.0.0.1:0\nkey = {key}\n",
        "daemon = 127.0.0.1:65536\nkey = {key}\n",
        "daemon = 127.0.0.256:1\nkey = {key}\n",
        "daemon = 127.0.0.1:51518\nkey = {key}00\n",
        "daemon = 127.0.0.1:51518\nkey = {key}\nkey = {key}\n",
        "daemon = 127.0.0.1:51518\nkey = {key}\nverify = no\n",
        "daemon = 127.0.0.1:51518\nkey = {key}\nverify = onx\n",
        "daemon = 127.0.0.1:51518\nkey = {key}\nwhat = off\n",
        *(f"daemon = 127.0.0.1:51518\nverify = off{'x' * n}\n" for n in range(1, 80)),
        "daemon = 192.0.2.1:51518\nverify = off\n",
        "#" * 3000 + "\ndaemon = 127.0.0.1:51518\nkey = {key}\n",
    ],
)
def test_without_a_sound_settings_file_nobody_passes(library: Library, text: str) -> None:
    library.setting.write_text(text.format(key=SIGNER.public_key().hex()), "ascii")
    value, answer = library.call(b'{"id":"1"}')

    assert 0 == value
    assert "未正确安装" in json.loads(answer)["msg"]


def test_proof_is_off_only_where_the_installer_said_so(library: Library) -> None:
    with listening(bare(PASS)) as port:
        library.install(port, verify="off")
        assert (1, PASS) == library.call(b'{"id":"1"}')


@pytest.mark.parametrize(
    ("body", "charset"), [('{"name":"李雷"}', "utf-8"), ('{"name":"李雷"}', "gbk")]
)
def test_without_a_daemon_the_refusal_is_in_the_charset_of_the_caller(
    library: Library, body: str, charset: str
) -> None:
    with listening(bare(PASS)) as port:
        pass
    library.install(port)
    value, answer = library.call(body.encode(charset))

    assert 0 == value
    assert "服务未启动" in json.loads(answer.decode(charset))["msg"]


def test_sixteen_threads_get_each_their_own_answer(library: Library) -> None:
    def echo(head: bytes, request: bytes) -> bytes:
        return genuine(b'{"code":1,"msg":"%s","cp_no":"","type":1}' % request[1:-1])(head, request)

    def ask(number: int) -> bool:
        value, answer = library.call(b"{%d}" % number)
        return (1, str(number)) == (value, json.loads(answer)["msg"])

    with listening(echo) as port, ThreadPoolExecutor(16) as pool:
        library.install(port)
        assert all(pool.map(ask, range(800)))
