"""``yibao-face bench``: what a verification costs on this machine, stage by stage."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from yibao_face.daemon.cli.common import (
    CliError,
    Commands,
    command,
    config_of,
    say,
    write_file,
)
from yibao_face.daemon.cli.device.camera import opener
from yibao_face.daemon.demo.bench import Report, bench_verify
from yibao_face.daemon.demo.capture import bench_capture
from yibao_face.daemon.demo.window.windows import bench_windows


def add(commands: Commands) -> None:
    """Register the command and its actions."""
    parser = command(commands, "bench", "measure this machine / 性能测量")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    verify = actions.add_parser("verify", help="CPU ms per stage, answer time, memory, ready time")
    verify.add_argument("--frames", type=int, default=200, help="frames per stage")
    verify.add_argument("--verifications", type=int, default=1000, help="for the memory slope")
    verify.add_argument("--json", type=Path, metavar="FILE", help="also write the figures here")
    verify.set_defaults(run=_verify)
    capture = actions.add_parser("capture", help="ms from a request to the camera's first frame")
    capture.add_argument("--camera", metavar="URI", help="instead of the configured one")
    capture.add_argument("--cold", type=int, default=5, help="times it is opened")
    capture.add_argument("--warm", type=int, default=50, help="requests while it is open")
    capture.add_argument("--seconds", type=float, default=5.0, help="of reading, for its CPU")
    capture.set_defaults(run=_capture)
    ui = actions.add_parser("ui", help="ms until the window is up, CPU of preview and idle agent")
    ui.add_argument("--requests", type=int, default=20, help="times the window is opened")
    ui.add_argument("--seconds", type=float, default=10.0, help="of preview, and of idling")
    ui.set_defaults(run=_ui)


def _verify(given: argparse.Namespace) -> int:
    report = bench_verify(config_of(given), given.frames, given.verifications, say)
    for line in _lines(report):
        say(line)
    if given.json:
        write_file(given.json, json.dumps(report.figures(), indent=1))
    return 0


def _capture(given: argparse.Namespace) -> int:
    if min(given.cold, given.warm) < 1 or not 0 < given.seconds <= 600:
        raise CliError("--cold and --warm must be 1 at least, --seconds 0..600")
    report = bench_capture(opener(given), given.cold, given.warm, given.seconds)
    for line in report.lines():
        say(line)
    return 0


def _ui(given: argparse.Namespace) -> int:
    if not 1 <= given.requests <= 1000 or not 1 <= given.seconds <= 600:
        raise CliError("--requests must be 1..1000, --seconds 1..600")
    for line in bench_windows(config_of(given), given.requests, given.seconds).lines():
        say(line)
    return 0


def _lines(report: Report) -> list[str]:
    lines = [f"{'stage':28} {'p50 ms':>8} {'p95 ms':>8}  CPU, one process"]
    lines += [f"{s.name:28} {s.p50_ms:8.2f} {s.p95_ms:8.2f}  n={s.samples}" for s in report.stages]
    lines += [f"{name:46} {value}" for name, value in report.totals.items()]
    return lines
