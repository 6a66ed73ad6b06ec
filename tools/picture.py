"""Draw the demo's table as the README's picture: ``… demo | python3 tools/picture.py OUT.svg``."""

from __future__ import annotations

import sys
import unicodedata
from html import escape
from pathlib import Path

CELL_PX, LINE_PX, MARGIN_PX = 8.4, 22, 16
STYLE = "font: 14px 'DejaVu Sans Mono', 'Noto Sans Mono CJK SC', 'Microsoft YaHei', monospace"


def columns(ch: str) -> int:
    """A Chinese character takes two columns of a terminal."""
    return 2 if unicodedata.east_asian_width(ch) in "WF" else 1


def width(line: str) -> int:
    """Columns of a whole line."""
    return sum(columns(ch) for ch in line)


def spans(line: str) -> str:
    """Runs of text at their column, so that any font keeps the table's edges."""
    out: list[str] = []
    at = 0
    for word in line.split("  "):
        text = word.strip()
        if text:
            x = MARGIN_PX + (at + width(word) - width(word.lstrip())) * CELL_PX
            out.append(f'<tspan x="{x:.0f}">{escape(text)}</tspan>')
        at += width(word) + 2
    return "".join(out)


def picture(lines: list[str]) -> str:
    """The SVG."""
    wide = MARGIN_PX * 2 + max(map(width, lines)) * CELL_PX
    high = MARGIN_PX * 2 + len(lines) * LINE_PX
    rows = [
        f'<text y="{MARGIN_PX + (n + 1) * LINE_PX - 6}">{spans(line)}</text>'
        for n, line in enumerate(lines)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {high}" '
            f'width="{wide:.0f}" height="{high}">',
            f"<style>text {{ {STYLE}; fill: #e6e6e6; white-space: pre }}</style>",
            '<rect width="100%" height="100%" rx="8" fill="#1e2430"/>',
            *rows,
            "</svg>\n",
        ]
    )


def main() -> None:
    """Keep the table and the lines under it."""
    lines = sys.stdin.read().splitlines()
    start = next(n for n, line in enumerate(lines) if "expected" in line and "actual" in line)
    body = [line for line in lines[start:] if not line.startswith("start:")]
    Path(sys.argv[1]).write_text(picture(body), "utf-8")


if __name__ == "__main__":
    main()
