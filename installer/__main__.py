"""Make packages: ``python -m yibao_face.installer linux --out DIR --check``.

A target is a module with ``add_arguments`` and ``make``, which raises ``PackageError`` for what
cannot be made.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from yibao_face.installer import every
from yibao_face.installer.command import ROOT, PackageError, say
from yibao_face.installer.linux import target as linux
from yibao_face.installer.target import Target
from yibao_face.installer.update.publish import target as update
from yibao_face.installer.windows import target as windows

TARGETS: dict[str, Target] = {"linux": linux, "windows": windows, "all": every, "update": update}


def main(words: list[str] | None = None) -> int:
    """Make what ``words`` name; 0, or 1 with one line that says what is missing."""
    parser = argparse.ArgumentParser(prog="package", description=__doc__)
    targets = parser.add_subparsers(dest="target", required=True, metavar="TARGET")
    for name, target in TARGETS.items():
        one = targets.add_parser(name, help=target.__doc__)
        one.add_argument("--out", type=Path, default=ROOT / "dist", help="folder (default: dist)")
        one.add_argument("--check", action="store_true", help="install and run what was made")
        target.add_arguments(one)
        one.set_defaults(make=target.make)
    given = parser.parse_args(words)
    started = time.monotonic()
    try:
        given.out.mkdir(parents=True, exist_ok=True)
        given.make(given.out.resolve(), given)
    except (PackageError, OSError) as exc:
        sys.stderr.write(f"package: {exc}\n")
        return 1
    say(f"{given.target} done after {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
