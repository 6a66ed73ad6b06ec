"""What the installation page says is what the program and the setup do."""

from __future__ import annotations

import re
from dataclasses import fields

from harness import ROOT

from yibao_face.daemon.cli.machine.setup import TAKEN, USAGE
from yibao_face.daemon.setup.answer import LIBRARIES, Answer

PAGE = (ROOT / "docs" / "windows.md").read_text("utf-8")
SCRIPT = ROOT / "installer" / "windows"


def table(heading: str) -> list[str]:
    """First cells of the table under a header cell."""
    rows = PAGE.split(heading, 1)[1].split("\n\n", 1)[0].splitlines()[2:]
    return [row.split("|")[1].strip().strip("`") for row in rows]


def test_every_key_of_an_answer_file_is_explained() -> None:
    assert [field.name for field in fields(Answer)] == table("| 项 key |")
    assert all(f"`{library}`" in PAGE for library in LIBRARIES)


def test_exit_codes_are_those_of_the_setup() -> None:
    text = (SCRIPT / "common.nsh").read_text("utf-8")
    codes = re.findall(r"^!define (?:DONE|ABORTED|UNFIT|USAGE) (\d+)$", text, re.MULTILINE)

    assert codes == table("| 退出码 code |")
    assert {str(TAKEN), str(USAGE)} < set(codes)


def test_every_switch_that_is_named_is_one_of_the_setup() -> None:
    text = "".join(file.read_text("utf-8") for file in SCRIPT.glob("*.nsi"))
    named = set(re.findall(r"/([A-Z]{2,})\b", PAGE))

    assert {"ANSWER", "ROLLBACK", "PURGE"} < named
    assert set() == {one for one in named if f'"/{one}' not in text}
