"""``yibao-face demo``: the whole way of a HIS call, eight times, on recorded demo clips."""

from __future__ import annotations

import argparse
import sys
import unicodedata
from dataclasses import replace
from importlib.util import find_spec

from yibao_face.daemon.cli.common import CliError, Commands, command, config_of, say
from yibao_face.daemon.cli.lab.stage import prepare
from yibao_face.daemon.demo.play import CALLS, Played, play
from yibao_face.daemon.demo.tryout import try_out
from yibao_face.daemon.demo.window.desktop import has_display

_NO_WINDOWS = (
    "windows need a display and PySide6 (pip install 'yibao-face[ui]') / 需要显示器和PySide6"
)
_MEANING = {0: "拒绝 refused", 1: "通过 passed", 2: "免验 exempt"}


def add(commands: Commands) -> None:
    """Register the command."""
    parser = command(commands, "demo", "play eight HIS calls on demo clips / 演示")
    parser.add_argument("--port", type=int, help="instead of the configured port (51518)")
    parser.add_argument("--fresh", action="store_true", help="make the clips again")
    how = parser.add_mutually_exclusive_group()
    trying = "try window, tray and console by hand / 自己动手试窗口、托盘、控制台"
    how.add_argument("--windows", action="store_true", help=trying)
    how.add_argument("--no-ui", action="store_true", help="show no window / 不显示窗口")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Exit code 0 when every answer is the expected one; by hand, when it was ended."""
    config = config_of(given)
    if given.port is not None:
        config = replace(config, door=replace(config.door, port=given.port))
    shows = has_display() and find_spec("PySide6") is not None
    if given.windows and not shows:
        raise CliError(_NO_WINDOWS)
    if given.windows:
        return try_out(prepare(config, "demo-windows", fresh=given.fresh), sys.stdin, say)
    stage = prepare(config, "demo", fresh=given.fresh)
    played = play(stage, say, windows=shows and not given.no_ui)
    say("")
    for line in table(played):
        say(line)
    good = sum(p.as_expected for p in played)
    say(f"{good} of {len(CALLS)} as expected / {good} 项与预期一致，共 {len(CALLS)} 项")
    if shows:
        say("自己动手 try it by hand: demo --windows")
    say("仿真演示：照片为真实人像，深度为拟合；结果带 demo 标记，不能用于结算")
    return 0 if good == len(CALLS) else 1


def table(played: list[Played]) -> list[str]:
    """Expected and actual side by side, one call a line."""
    head = ("", "呼叫 call", "预期 expected", "实际 actual", "提示 msg", "秒 s")
    rows = [
        (
            "✓" if p.as_expected else "✗",
            p.call.title,
            _said(p.call.code, p.call.type),
            _said(p.answer.get("code"), p.answer.get("type")),
            str(p.answer.get("msg", "")),
            f"{p.took_s:.2f}",
        )
        for p in played
    ]
    widths = [max(_columns(row[i]) for row in (head, *rows)) for i in range(len(head))]
    return [_line(row, widths) for row in (head, *rows)]


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    return "  ".join(_padded(cell, w) for cell, w in zip(row, widths, strict=True)).rstrip()


def _said(code: object, who: object) -> str:
    meaning = _MEANING.get(code, "?") if isinstance(code, int) else "?"
    return f"code {code} type {who} {meaning}"


def _columns(text: str) -> int:
    """Width on a terminal, where a Chinese character takes two columns."""
    return sum(2 if unicodedata.east_asian_width(ch) in "WF" else 1 for ch in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _columns(text))
