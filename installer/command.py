"""Running the tools that packing needs, and the one line said when one of them fails."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent


class PackageError(Exception):
    """The package cannot be made or is not what it must be; the message says what and which."""


def say(text: str) -> None:
    """Progress, at once."""
    sys.stdout.write(f"package: {text}\n")
    sys.stdout.flush()


def run(
    command: Iterable[str | Path],
    *,
    cwd: Path = ROOT,
    more: Mapping[str, str] | None = None,
    timeout_s: float = 1800.0,
) -> str:
    """Run to success and return what was printed; ``PackageError`` with its last lines otherwise.

    ``more``: set in the environment beside what is there.
    """
    words = [str(word) for word in command]
    environment = {**os.environ, "PYTHONUTF8": "1", **(more or {})}
    try:
        done = subprocess.run(  # noqa: S603  # our own tools
            words,
            cwd=cwd,
            env=environment,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout_s,
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise PackageError(f"{words[0]} cannot be run: {exc}") from exc
    if done.returncode != 0:
        last = "\n".join(done.stdout.strip().splitlines()[-5:])
        raise PackageError(f"{Path(words[0]).name} {' '.join(words[1:3])} …: {last}")
    return done.stdout


def run_to(out: IO[bytes], command: Iterable[str | Path]) -> None:
    """Run to success, what is printed into ``out``; ``PackageError`` otherwise."""
    words = [str(word) for word in command]
    done = subprocess.run(words, check=False, stdout=out, stderr=subprocess.PIPE)  # noqa: S603  # our own tools
    if done.returncode != 0:
        raise PackageError(f"{words[0]}: {done.stderr.decode(errors='replace')[-500:]}")


def epoch() -> str:
    """When the source was last changed, seconds: for every time inside, to get the same bytes."""
    return run(["git", "log", "-1", "--format=%ct"]).strip()
