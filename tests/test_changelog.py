"""The changelog is read, made into notes, opened for a version; anything else is named."""

from __future__ import annotations

import pytest
from harness import ROOT
from hypothesis import given
from hypothesis import strategies as st
from tool_bed import script

changelog = script("changelog")
TEXT = """# Changelog

Words before.

## [Unreleased]

## [0.2.0] - 2026-12-01

本版加快了核验，
升级无需改动配置。

### Added
- 支持局域网调用 / Other counters may call this one.
- A line
  that goes on.

### Fixed
- Nothing is lost / 不再丢记录

## [0.1.0] - 2026-11-01

第一版。

### Added
- All of it.
"""


def test_sections_are_read_with_their_entries() -> None:
    unreleased, newest, first = changelog.parse(TEXT)

    assert ("Unreleased", "", {}) == (unreleased.version, unreleased.date, unreleased.groups)
    assert ("0.2.0", "2026-12-01") == (newest.version, newest.date)
    assert "本版加快了核验，升级无需改动配置。" == newest.summary
    assert "A line that goes on." == newest.groups["Added"][1]
    assert {"Added": ("All of it.",)} == first.groups


def test_notes_are_chinese_first() -> None:
    section = changelog.section_of(changelog.parse(TEXT), "0.2.0")
    file = changelog.Artefact("a.deb", 150_000_000, "ab" * 32)
    told = changelog.notes(section, [file])

    assert told.startswith(
        "# 医保实人认证 0.2.0 · yibao-face 0.2.0\n\n2026-12-01 · 本版加快了核验"
    )
    assert "## 新增 · Added\n\n- 支持局域网调用\n  Other counters may call this one.\n" in told
    assert "- 不再丢记录\n  Nothing is lost\n" in told
    assert f"| `a.deb` | 150.0 MB | `{'ab' * 32}` |" in told
    assert "文件" not in changelog.notes(section, [])


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("## [0.2.0] - 2026-12-01\n", "", "newest section is"),
        (" - 2026-12-01", "", "has no date"),
        ("2026-12-01", "2026-13-01", "is no date"),
        ("本版加快了核验，\n升级无需改动配置。", "Faster.", "no summary in Chinese"),
        ("### Added\n- 支持", "### Added\n支持", "line 13: neither"),
        ("### Fixed", "### Improved", "'Improved' is no title"),
        ("### Fixed", "### Added", "'Added' is no title of its own"),
        ("[0.1.0]", "[0.2.0]", "two sections"),
        ("[0.2.0]", "[0.2]", "no version"),
        ("## [0.2.0]", "## 0.2.0", "a section is named"),
    ],
)
def test_what_cannot_be_released_is_named(old: str, new: str, told: str) -> None:
    assert old in TEXT
    text = TEXT.replace(old, new, 1)

    with pytest.raises(changelog.ChangelogError, match=told):
        changelog.section_of(changelog.parse(text), "0.2.0")


def test_an_empty_section_or_none_is_no_release() -> None:
    empty = "## [1.0.0] - 2026-12-01\n\n空。\n"

    with pytest.raises(changelog.ChangelogError, match="no entries"):
        changelog.section_of(changelog.parse(empty), "1.0.0")
    with pytest.raises(changelog.ChangelogError, match="no section"):
        changelog.section_of(changelog.parse("# Changelog\n"), "1.0.0")


def test_our_own_changelog_can_be_released() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    made = changelog.opened(text, "9.0.0", "2026-12-01", "一句话。")
    head, newest = changelog.parse(made)[:2]

    assert changelog.parse(text)[0].groups == newest.groups
    assert ("Unreleased", {}) == (head.version, head.groups)


@pytest.mark.parametrize(
    ("version", "summary", "told"),
    [
        ("0.1.9", "一句话。", "not newer"),
        ("0.3", "一句话。", "no version"),
        ("0.3.0", "Faster.", "Chinese"),
    ],
)
def test_a_version_that_cannot_be_is_not_opened(version: str, summary: str, told: str) -> None:
    text = TEXT.replace("[Unreleased]\n", "[Unreleased]\n\n### Fixed\n- More.\n")

    with pytest.raises(changelog.ChangelogError, match=told):
        changelog.opened(text, version, "2026-12-02", summary)
    assert "[0.3.0] - 2026-12-02" in changelog.opened(text, "0.3.0", "2026-12-02", "更快。")


WORDS = st.text(st.characters(blacklist_categories=("C", "Z")), min_size=1, max_size=20).filter(
    lambda word: not word.startswith("#")
)
GROUPS = st.dictionaries(
    st.sampled_from(sorted(changelog.TITLES)), st.lists(WORDS, max_size=4).map(tuple), max_size=4
)
VERSIONS = st.tuples(*[st.integers(0, 99)] * 3).map(lambda one: ".".join(map(str, one)))
SECTIONS = st.lists(
    st.builds(
        changelog.Section, VERSIONS, st.dates().map(str), st.one_of(st.just(""), WORDS), GROUPS
    ),
    max_size=4,
    unique_by=lambda section: section.version,
)


@given(SECTIONS)
def test_what_is_written_is_read_again(sections: list[object]) -> None:
    lines: list[str] = []
    for one in sections:
        section = changelog.Section(one.version, one.date, one.summary, one.groups)  # type: ignore[attr-defined]
        lines += [f"## [{section.version}] - {section.date}", "", section.summary, ""]
        for title, entries in section.groups.items():
            lines += [f"### {title}", *(f"- {entry}" for entry in entries), ""]

    assert sections == changelog.parse("\n".join(lines))


@given(st.text() | st.text(alphabet="#-[] \n0.1Aad"))
def test_any_text_is_sections_or_refused(text: str) -> None:
    try:
        changelog.parse(text)
    except changelog.ChangelogError:
        return
