"""An answer file is understood or refused with its key, whatever is in it."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yibao_face.daemon.setup.answer import (
    Answer,
    AnswerError,
    parse_answer,
    plain,
    read_answer,
)

CODE = "H44010600001"
WHOLE = f"""[install]
org_code = {CODE}
centre_url = https://centre.example:51519
enrol_code = ABCD
ca_file = C:\\ca.pem
camera = auto
lan = 0
autostart = 否
firewall = no
his_folder = C:\\HIS 程序
his_library = x64
browser_policy = https://a.example, https://b.example:8443
"""


def test_every_key_is_understood() -> None:
    assert parse_answer(WHOLE) == Answer(
        org_code=CODE,
        centre_url="https://centre.example:51519",
        enrol_code="ABCD",
        ca_file="C:\\ca.pem",
        camera="auto",
        lan=False,
        autostart=False,
        firewall=False,
        his_folder="C:\\HIS 程序",
        his_library="x64",
        browser_policy=("https://a.example", "https://b.example:8443"),
    )


def test_lan_mode_names_its_address() -> None:
    found = parse_answer(
        f"[install]\norg_code={CODE}\nlan=yes\nlan_host = 192.168.1.9\nlan_port=\nfirewall=yes\n"
    )

    assert (True, "192.168.1.9", 51521, True) == (
        *(found.lan, found.lan_host, found.lan_port),
        found.firewall,
    )
    assert "lan_port=51521\r\n" in plain(found)


def test_the_code_alone_is_enough() -> None:
    assert Answer(org_code=CODE) == parse_answer(f"[install]\norg_code={CODE}\n")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("org_code =", "org_code"),
        ("org_code = H4401060000", "org_code"),
        ("org_code = X44010600001", "org_code"),
        (f"org_code = {CODE}\norg_code = {CODE}", "INI"),
        (f"org_code = {CODE}\ncolour = red", "colour"),
        (f"org_code = {CODE}\nlan = perhaps", "lan"),
        (f"org_code = {CODE}\nlan = yes", "lan"),
        (f"org_code = {CODE}\nlan = yes\nlan_host = 10.0.0", "lan_host"),
        (f"org_code = {CODE}\nlan = yes\nlan_host = 10.0.0.5\nlan_port = 0", "lan_port"),
        (f"org_code = {CODE}\nlan = yes\nlan_host = 10.0.0.5\nlan_port = 99999", "lan_port"),
        (f"org_code = {CODE}\nlan_port = ５１", "lan_port"),
        (f"org_code = {CODE}\nfirewall = yes", "firewall"),
        (f"org_code = {CODE}\ncentre_url = http://centre", "centre_url"),
        (f"org_code = {CODE}\nenrol_code = A", "enrol_code"),
        (f"org_code = {CODE}\nhis_folder = HIS", "his_folder"),
        (f"org_code = {CODE}\nhis_library = arm", "his_library"),
        (f"org_code = {CODE}\nbrowser_policy = https://a.example/page", "browser_policy"),
        (f"org_code = {CODE}\nuser = a\x07b", "user"),
        ("", "org_code"),
    ],
)
def test_what_is_wrong_is_named(line: str, told: str) -> None:
    with pytest.raises(AnswerError, match=told):
        parse_answer(f"[install]\n{line}\n")


@pytest.mark.parametrize("text", ["", "org_code = 1\n", "[other]\na = 1\n", "[install]\n[more]\n"])
def test_one_section_is_needed(text: str) -> None:
    with pytest.raises(AnswerError):
        parse_answer(text)


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_what_notepad_writes_is_read(coding: str, tmp_path: Path) -> None:
    file = tmp_path / "answer.ini"
    file.write_bytes(WHOLE.encode(coding))

    assert "C:\\HIS 程序" == read_answer(file).his_folder


@pytest.mark.parametrize("data", [b"\xff", b"x" * 70_000, b"\xff\xfe\x00"])
def test_what_is_no_text_is_refused(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "answer.ini"
    file.write_bytes(data)
    with pytest.raises(AnswerError):
        read_answer(file)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(AnswerError, match=r"none\.ini"):
        read_answer(tmp_path / "none.ini")


@given(st.text())
def test_any_text_is_answers_or_refused(text: str) -> None:
    try:
        parse_answer(text)
    except AnswerError:
        return


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_line_is_understood_or_refused(key: str, value: str) -> None:
    try:
        parse_answer(f"[install]\norg_code={CODE}\n{key}={value}\n")
    except AnswerError:
        return


def test_the_plain_form_is_an_ini_of_ones_and_zeros() -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(plain(parse_answer(WHOLE)))

    assert ("0", "0") == (parser["install"]["lan"], parser["install"]["autostart"])
    assert "autostart=1" in plain(Answer(CODE))
    assert "https://a.example https://b.example:8443" == parser["install"]["browser_policy"]
