"""The command line: one sub-command per module, errors in one line, exit codes with a meaning.

0 done · 1 refused or failed (one line on stderr) · 2 wrong usage · 130 interrupted.
"""

from __future__ import annotations

import argparse
import io
import sys
from importlib.metadata import version

from yibao_face.daemon.calibrate.embedding import CalibrateError
from yibao_face.daemon.cli import (
    agent,
    config,
    counter,
    doctor,
    library,
    models,
    person,
    serve,
    staff,
    update,
    verify,
)
from yibao_face.daemon.cli.centre import (
    center,
    certificate,
    inbox,
    link,
    policy,
    queue,
)
from yibao_face.daemon.cli.common import CliError
from yibao_face.daemon.cli.desk import act, rate, table
from yibao_face.daemon.cli.device import camera, lan, reader, setup
from yibao_face.daemon.cli.lab import bench, calibrate, clip, conform, demo, liveness
from yibao_face.daemon.codes import ERRORS
from yibao_face.daemon.config import ConfigError
from yibao_face.daemon.conform.case import ConformError
from yibao_face.daemon.demo.child import DemoError
from yibao_face.daemon.door.client import ClientError
from yibao_face.daemon.door.server import PortTakenError
from yibao_face.daemon.evaluate.result import EvaluateError
from yibao_face.drivers.scanner.api import ScannerError
from yibao_face.sync.stick import StickError
from yibao_face.sync.uplink.api import UplinkError

_COMMANDS = (
    *(demo, serve, agent, doctor, verify, counter, person, staff, camera, reader),
    *(act, rate, table, certificate, library, lan, policy, inbox, queue, link, center),
    *(conform, models, clip, config, setup, bench, calibrate, liveness, update),
)
_TOLD: tuple[type[Exception], ...] = (
    CalibrateError,
    CliError,
    ClientError,
    ConfigError,
    ConformError,
    DemoError,
    EvaluateError,
    PortTakenError,
    ScannerError,
    StickError,
    UplinkError,
    *ERRORS,
)


def parser() -> argparse.ArgumentParser:
    """All commands, with help."""
    top = argparse.ArgumentParser(
        prog="yibao-face", description="医保实人认证 / real-person check for insurance counters"
    )
    top.add_argument("--version", action="version", version=f"yibao-face {version('yibao-face')}")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for module in _COMMANDS:
        module.add(commands)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A GBK console lacks some of our signs: better a question mark than a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    given = parser().parse_args(arguments)
    try:
        return int(given.run(given))
    except _TOLD as exc:
        print(f"yibao-face: {exc}", file=sys.stderr)  # noqa: T201  # the CLI's own voice
        return 1
    except BrokenPipeError:
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
