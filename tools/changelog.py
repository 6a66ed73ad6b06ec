"""CHANGELOG.md as sections: read, turned into release notes, opened for a new version.

A section begins with ``## [1.2.3] - 2026-12-01`` and a paragraph in Chinese for those who use it;
its entries stand under ``### Added`` and the like. An entry may be ``中文 / English``.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce

UNRELEASED = "Unreleased"
TITLES = {
    "Added": "新增",
    "Changed": "变更",
    "Deprecated": "即将取消",
    "Removed": "取消",
    "Fixed": "修复",
    "Security": "安全",
}
VERSION = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")
_HEAD = re.compile(r"## \[([^\]]+)\](?: - ([0-9]{4}-[0-9]{2}-[0-9]{2}))?")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


class ChangelogError(Exception):
    """The changelog is not what it must be; the message says which line or section."""


@dataclass(frozen=True, slots=True)
class Section:
    """``date``: empty of what is not released. ``summary``: one line. ``groups``: entries by
    title, each entry one line, in their order.
    """

    version: str
    date: str = ""
    summary: str = ""
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file that is handed out."""

    name: str
    size_bytes: int
    sha256: str


def parse(text: str) -> list[Section]:
    """Every section, the newest first; raises ``ChangelogError``."""
    found: list[_Reader] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("## "):
            found.append(_Reader(*_head(line, number)))
        elif found and line.strip():
            found[-1].take(line.rstrip(), number)
    sections = [reader.section() for reader in found]
    names = [section.version for section in sections]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ChangelogError(f"two sections are [{twice}]")
    return sections


def section_of(sections: Iterable[Section], version: str) -> Section:
    """That of ``version``, fit to be released; raises ``ChangelogError``."""
    for section in sections:
        if section.version == UNRELEASED:
            continue
        if section.version != version:
            raise ChangelogError(f"newest section is [{section.version}], not [{version}]")
        if not section.date:
            raise ChangelogError(f"[{version}] has no date")
        if not _CHINESE.search(section.summary):
            raise ChangelogError(f"[{version}] begins with no summary in Chinese")
        if not any(section.groups.values()):
            raise ChangelogError(f"[{version}] has no entries")
        return section
    raise ChangelogError(f"there is no section [{version}]")


def notes(section: Section, files: Iterable[Artefact]) -> str:
    """The release notes: Chinese first, English beside where the entry has it."""
    lines = [f"# 医保实人认证 {section.version} · yibao-face {section.version}", ""]
    lines += [f"{section.date} · {section.summary}", ""]
    for title, entries in section.groups.items():
        if entries:
            lines += [f"## {TITLES[title]} · {title}", "", *map(_shown, entries), ""]
    table = [f"| `{one.name}` | {one.size_bytes / 1e6:.1f} MB | `{one.sha256}` |" for one in files]
    if table:
        lines += ["## 文件 · Files", "", "| 文件 file | 大小 size | SHA-256 |", "|---|---|---|"]
        lines += [*table, "", "核对 check：`sha256sum -c SHA256SUMS`", ""]
    return "\n".join(lines)


def opened(text: str, version: str, date: str, summary: str) -> str:
    """``text`` with what is unreleased made the section of ``version``; ``ChangelogError``."""
    if not VERSION.fullmatch(version):
        raise ChangelogError(f"{version!r} is no version like 1.2.3")
    sections = parse(text)
    if not sections or sections[0].version != UNRELEASED:
        raise ChangelogError(f"the newest section is not [{UNRELEASED}]")
    last = next((one.version for one in sections[1:]), None)
    if last is not None and numbers(version) <= numbers(last):
        raise ChangelogError(f"{version} is not newer than {last}")
    before, head, after = text.partition(f"## [{UNRELEASED}]")
    made = f"{before}{head}\n\n## [{version}] - {date}\n\n{summary.strip()}{after}"
    section_of(parse(made), version)
    return made


def numbers(version: str) -> tuple[int, ...]:
    """``1.2.3`` to be ordered; ``ChangelogError``."""
    found = VERSION.fullmatch(version)
    if found is None:
        raise ChangelogError(f"{version!r} is no version like 1.2.3")
    return tuple(map(int, found.groups()))


@dataclass(slots=True)
class _Reader:
    """One section while its lines are read."""

    version: str
    date: str
    words: list[str] = field(default_factory=list[str])
    groups: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    title: str = ""

    def take(self, line: str, number: int) -> None:
        """A line that is not blank."""
        if line.startswith("### "):
            self.title = line.removeprefix("### ").strip()
            if self.title not in TITLES or self.title in self.groups:
                raise ChangelogError(f"line {number}: {self.title!r} is no title of its own")
            self.groups[self.title] = []
        elif not self.title:
            self.words.append(line.strip())
        elif line.startswith("- "):
            self.groups[self.title].append(line.removeprefix("- ").strip())
        elif line.startswith("  ") and self.groups[self.title]:
            entries = self.groups[self.title]
            entries[-1] = _joined(entries[-1], line.strip())
        else:
            raise ChangelogError(f"line {number}: neither an entry nor the rest of one")

    def section(self) -> Section:
        """What was read."""
        groups = {title: tuple(entries) for title, entries in self.groups.items()}
        return Section(self.version, self.date, reduce(_joined, self.words, ""), groups)


def _joined(line: str, more: str) -> str:
    """Two lines as one: Chinese knows no blank between words."""
    blank = " " if line[-1:].isascii() and more[:1].isascii() and line else ""
    return f"{line}{blank}{more}"


def _head(line: str, number: int) -> tuple[str, str]:
    found = _HEAD.fullmatch(line.rstrip())
    if found is None:
        raise ChangelogError(f"line {number}: a section is named ## [1.2.3] - 2026-12-01")
    version, date = found[1], found[2] or ""
    if version != UNRELEASED:
        numbers(version)
    if date:
        try:
            datetime.date.fromisoformat(date)
        except ValueError as exc:
            raise ChangelogError(f"line {number}: {date} is no date") from exc
    return version, date


def _shown(entry: str) -> str:
    """``中文 / English`` on two lines; whichever stands first, Chinese is shown first."""
    parts = [part.strip() for part in entry.split(" / ", 1)]
    if len(parts) != 2 or bool(_CHINESE.search(parts[0])) == bool(_CHINESE.search(parts[1])):
        return f"- {entry}"
    first, second = sorted(parts, key=lambda part: not _CHINESE.search(part))
    return f"- {first}\n  {second}"
