"""``yibao-face demo``: the whole way of a HIS call, eight times, on recorded demo clips."""

from __future__ import annotations

import argparse
import shutil
import unicodedata
from dataclasses import replace
from importlib.util import find_spec

from yibao_face.daemon.cli.common import CliError, Commands, command, config_of, say
from yibao_face.daemon.config import Config
from yibao_face.daemon.demo.play import CALLS, Played, Stage, enrol_cast, play
from yibao_face.daemon.wiring import weight_store
from yibao_face.models.suite import load_face_models
from yibao_face.models.weights.install import install

_MEANING = {0: "拒绝 refused", 1: "通过 passed", 2: "免验 exempt"}


def add(commands: Commands) -> None:
    """Register the command."""
    parser = command(commands, "demo", "play eight HIS calls on demo clips / 演示")
    parser.add_argument("--port", type=int, help="instead of the configured port (51518)")
    parser.add_argument("--fresh", action="store_true", help="make the clips again")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Exit code 0 when every answer is the expected one."""
    if find_spec("onnx") is None or find_spec("scipy") is None:
        raise CliError("the demo needs onnx and scipy: pip install 'yibao-face[convert,demo]'")
    config = config_of(given)
    stage = _stage(config, given.port)
    install(weight_store(config), config.downloads, say)
    _prepare(config, stage, fresh=given.fresh)
    played = play(stage, say)
    say("")
    for line in table(played):
        say(line)
    good = sum(p.as_expected for p in played)
    say(f"{good} of {len(CALLS)} as expected / {good} 项与预期一致，共 {len(CALLS)} 项")
    say("仿真演示：照片为真实人像，深度为拟合；结果带 demo 标记，不能用于结算")
    return 0 if good == len(CALLS) else 1


def _stage(config: Config, port: int | None) -> Stage:
    """A data folder of the demo's own: nothing of it mixes with real persons and results."""
    data = config.data / "demo"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(parents=True)
    door = config.door if port is None else replace(config.door, port=port)
    stage = Stage(replace(config, data=data, door=door), config.data / "clips")
    camera = replace(config.camera, uri=f"replay:{stage.before_camera}")
    return replace(stage, config=replace(stage.config, camera=camera))


def _prepare(config: Config, stage: Stage, *, fresh: bool) -> None:
    # Its geometry needs scipy, which run() looked for.
    from yibao_face.daemon.demo.clips import has_clips, make_clips  # noqa: PLC0415

    shutil.copytree(config.models, stage.config.models, dirs_exist_ok=True)
    models = load_face_models(weight_store(config))
    try:
        if fresh or not has_clips(stage.clips):
            make_clips(models, config.downloads, stage.clips, 1, say)
        enrol_cast(stage, models, config.downloads)
    finally:
        models.close()


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
