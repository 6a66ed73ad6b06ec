"""Every text of the page stands in the catalogue, in Chinese and in English."""

from __future__ import annotations

import json
import re

import pytest

from yibao_face.daemon.console.access.role import Role
from yibao_face.daemon.console.api.encounter import ENCOUNTERS
from yibao_face.daemon.console.web.site import FOLDER, SITE
from yibao_face.daemon.core.scene.event import Kind
from yibao_face.daemon.core.scene.round import DayState, TaskState
from yibao_face.daemon.core.scene.treatment import Item
from yibao_face.daemon.core.template import Source
from yibao_face.daemon.link.link import NONE
from yibao_face.drivers.supervise.condition import Condition
from yibao_face.drivers.supervise.health import State
from yibao_face.sync.uplink.api import State as LinkState

PAGE = FOLDER / "page"
HTML = SITE.page()
SCRIPTS = {file.name: file.read_text("utf-8") for file in sorted(PAGE.glob("*.js"))}
TEXTS: dict[str, dict[str, str]] = {
    language: json.loads((PAGE / f"{language}.json").read_text("utf-8"))
    for language in ("zh", "en")
}
CHINESE = re.compile("[\u4e00-\u9fff]")
# Keys put together in the page, by what they begin with, and every word that may follow.
MADE: dict[str, set[str]] = {
    "by.": {"photo", "id-card", "id-photo", "staff"},
    "camera.condition.": set(Condition),
    "camera.state.": set(State),
    "check.": {"fps", "face", "distance", "light", "contrast", "depth"},
    "day.": set(DayState),
    "item.": set(Item),
    "kind.": set(Kind) | set(ENCOUNTERS),
    "link.": {NONE, *LinkState},
    "page.": set(re.findall(r"page === '([a-z]+)'", HTML)),
    "part.": {"model", "camera", "records", "gallery", "disk", "clock"},
    "plane.": {"rgb", "depth", "ir", "recorded"},
    "rate.warning.": {
        *("settlement-count-missing", "treatment-count-missing"),
        *("settlement-exceeds-count", "treatment-exceeds-count"),
    },
    "result.": {"0", "1", "2"},
    "role.": set(Role),
    "sign.": {"in", "out"},
    "source.": set(Source),
    "task.": set(TaskState),
    "who.": {"0", "1", "2"},
}


def used() -> set[str]:
    """Keys the page and its scripts name, those put together among them."""
    scripts = "\n".join(SCRIPTS.values())
    named = set(re.findall(r"\$t\('([\w.-]+)'[,)]", HTML))
    for call in re.findall(r"\btext\(([^`)]*)\)", scripts):
        named |= set(re.findall(r'"([\w-]+(?:\.[\w-]+)*)"', call))
    begun = set(re.findall(r"\$t\('([\w.]+\.)' \+", HTML))
    begun |= set(re.findall(r"\btext\(`([\w.]+\.)\$", scripts))
    assert begun <= set(MADE), begun - set(MADE)
    return named | {begin + word for begin in begun for word in MADE[begin]}


def test_the_scan_finds_the_keys() -> None:
    assert len(used()) > 250
    assert {"login.enter", "agents.revoke.sure", "kind.settlement", "photo.many"} <= used()


@pytest.mark.parametrize("language", TEXTS)
def test_no_text_is_missing_and_none_is_left_over(language: str) -> None:
    assert used() == set(TEXTS[language])


def test_both_languages_fill_in_the_same_values() -> None:
    gaps = {
        key: (re.findall(r"\{(\w+)\}", text), re.findall(r"\{(\w+)\}", TEXTS["en"][key]))
        for key, text in TEXTS["zh"].items()
    }

    assert {} == {key: pair for key, pair in gaps.items() if sorted(pair[0]) != sorted(pair[1])}


def test_chinese_is_chinese_and_english_is_not() -> None:
    same = {"who.0", "language.other"}

    assert [] == [k for k, t in TEXTS["zh"].items() if k not in same and not CHINESE.search(t)]
    assert [] == [k for k, t in TEXTS["en"].items() if k not in same and CHINESE.search(t)]


def test_no_text_stands_in_the_page_itself() -> None:
    visible = re.sub(r"<title>.*?</title>", "", HTML)

    assert [] == CHINESE.findall(visible)
    assert [] == [name for name, text in SCRIPTS.items() if CHINESE.search(text)]


def test_the_page_has_no_script_or_style_within_itself() -> None:
    assert [] == re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", HTML)
    assert "<style" not in HTML
    assert not re.search(r"\s(?:style|on[a-z]+)=", HTML)
    assert "x-html" not in HTML
    assert not any("innerHTML" in text or "eval(" in text for text in SCRIPTS.values())
    # Nothing of another place.
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", HTML)


def test_the_assets_are_those_that_are_pinned() -> None:
    assert ["pico.min.css", "alpine.min.js"] == re.findall(r'/ui/asset/([^"]+)"\s+integrity', HTML)
    assert [] == SITE.lacking()


def test_every_part_of_the_page_is_put_into_it() -> None:
    parts = [file.read_text("utf-8") for file in sorted((PAGE / "view").iterdir())]

    assert "<!--" not in HTML
    assert 15 < len(parts)
    for part in parts:
        assert part.splitlines()[0] in HTML
