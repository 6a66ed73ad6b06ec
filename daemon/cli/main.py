"""The command line: one sub-command per module, errors in one line, exit codes with a meaning.

0 done · 1 refused or failed (one line on stderr) · 2 wrong usage · 130 interrupted.
"""

from __future__ import annotations

import argparse
import io
import sys
from importlib import import_module
from importlib.metadata import version

from yibao_face.daemon.cli.common import CliError

# In the order of the help.
_MODULES = (
    *("lab.demo", "serve", "agent", "machine.doctor", "verify"),
    *("desk.counter", "desk.person", "desk.staff"),
    *("device.camera", "device.reader", "device.lan", "desk.act", "desk.rate", "desk.table"),
    *("centre.certificate", "machine.library", "centre.policy", "centre.inbox", "centre.queue"),
    *("centre.link", "centre.center", "lab.conform", "machine.models", "lab.clip"),
    *("machine.config", "machine.setup"),
    *("lab.bench", "lab.calibrate", "lab.liveness", "machine.update"),
)
# What a counter waits for: nothing but its own module is loaded.
_QUICK = {
    "serve": "serve",
    "agent": "agent",
    "setup": "machine.setup",
    "update": "machine.update",
    "library": "machine.library",
    "doctor": "machine.doctor",
}


def parser(quick: str | None = None) -> argparse.ArgumentParser:
    """All commands, with help; or the one named ``quick``."""
    top = argparse.ArgumentParser(
        prog="yibao-face", description="医保实人认证 / real-person check for insurance counters"
    )
    top.add_argument("--version", action="version", version=f"yibao-face {version('yibao-face')}")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name in _MODULES if quick is None else (_QUICK[quick],):
        import_module(f"yibao_face.daemon.cli.{name}").add(commands)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A GBK console lacks some of our signs: better a question mark than a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    words = sys.argv[1:] if arguments is None else arguments
    given = parser(words[0] if words and words[0] in _QUICK else None).parse_args(words)
    try:
        return int(given.run(given))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 1
    except Exception as exc:
        if not isinstance(exc, _told()):
            raise
        print(f"yibao-face: {exc}", file=sys.stderr)  # noqa: T201  # the CLI's own voice
        return 1


def _told() -> tuple[type[Exception], ...]:
    """What ends a command in one line; loaded when something ends one."""
    named = {
        "calibrate.embedding": "CalibrateError",
        "config": "ConfigError",
        "conform.case": "ConformError",
        "demo.child": "DemoError",
        "door.client": "ClientError",
        "door.server": "PortTakenError",
        "evaluate.result": "EvaluateError",
    }
    rooms = {f"yibao_face.daemon.{module}": name for module, name in named.items()}
    rooms["yibao_face.drivers.scanner.api"] = "ScannerError"
    rooms["yibao_face.sync.stick"] = "StickError"
    rooms["yibao_face.sync.uplink.api"] = "UplinkError"
    found = (getattr(import_module(module), name) for module, name in rooms.items())
    return (CliError, *found, *import_module("yibao_face.daemon.codes").ERRORS)


if __name__ == "__main__":
    raise SystemExit(main())
