"""Texts: every one in both languages, every one used, every reason from the one table."""

from __future__ import annotations

import re
import string

import pytest
from harness import ROOT

from yibao_face.daemon.agent.window.advice import hint, is_good, told
from yibao_face.daemon.codes import TABLE
from yibao_face.daemon.core.encounter import Answer, Cause
from yibao_face.daemon.core.liveness.modality import Purpose
from yibao_face.daemon.ui.text import TEXTS, Catalogue

UI = ROOT / "daemon" / "ui"
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# Built from a word the daemon sends.
FAMILIES = ("title.", "tray.", "sign.", "note.")


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", sorted(TEXTS))
def test_every_text_has_both_languages_with_the_same_gaps(key: str) -> None:
    zh, en = TEXTS[key]

    assert zh.strip() and en.strip()
    assert not CHINESE.search(en)
    assert placeholders(zh) == placeholders(en)


def test_no_window_says_what_is_not_in_the_catalogue() -> None:
    sources = {f: f.read_text("utf-8") for f in UI.rglob("*.py") if f.name != "text.py"}
    strings = {f.name: re.findall(r'"([^"\n]*)"', text) for f, text in sources.items()}

    assert [] == [(name, s) for name, found in strings.items() for s in found if CHINESE.search(s)]


def test_every_text_is_used() -> None:
    sources = "".join(f.read_text("utf-8") for f in UI.rglob("*.py") if f.name != "text.py")
    unused = [k for k in TEXTS if f'"{k}"' not in sources and not k.startswith(FAMILIES)]

    assert [] == unused


def test_english_is_what_is_left_where_a_language_is_unknown() -> None:
    assert "Sign in" == Catalogue("fr")("sign.in")
    assert "签到" == Catalogue("zh")("sign.in")


@pytest.mark.parametrize("cause", list(Cause))
def test_every_sentence_shown_is_part_of_its_row(cause: Cause) -> None:
    message = TABLE[cause].message
    parts = told(message)

    assert hint(cause) in message
    assert message == "，".join(part for part in parts_of(parts.reason, parts.step) if part)
    assert hint(cause)


def parts_of(*parts: str) -> tuple[str, ...]:
    return parts


@pytest.mark.parametrize(
    ("cause", "text"),
    [
        (Cause.NO_FACE, "请正对摄像头"),
        (Cause.MASKED, "请摘下口罩"),
        (Cause.GLARE, "请避开镜片反光，稍转头或移开灯光"),
        (Cause.TOO_FAR, "请靠近摄像头"),
        (Cause.MOVED, "请保持不动"),
    ],
)
def test_a_hint_says_what_to_do_and_nothing_else(cause: Cause, text: str) -> None:
    assert text == hint(cause)


def test_nothing_but_a_pass_or_an_exemption_looks_like_one() -> None:
    for cause, row in TABLE.items():
        assert is_good(cause, Purpose.SETTLEMENT) is (row.answer is not Answer.FAIL)
        assert is_good(cause, Purpose.ATTENDANCE) is (row.attendance == 0)
    assert not is_good(Cause.STORE_FAILED, Purpose.SETTLEMENT)
    assert not is_good(Cause.MATCHED_SELF, Purpose.ATTENDANCE)
