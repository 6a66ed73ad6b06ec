"""Builds the launcher: the small program at a path that never changes, which starts a version."""

from __future__ import annotations

from pathlib import Path

from yibao_face.installer.command import PackageError, run

SOURCE = Path(__file__).with_name("launcher.c")
_STRICT = ("-O2", "-std=c99", "-Wall", "-Wextra", "-Werror")


def build_launcher(out: Path, compiler: str = "cc", *, windowed: bool = False) -> Path:
    """Compile it to ``out``; raises ``PackageError``.

    ``out`` has the name of the program it is to start. ``compiler``: one of mingw's makes a
    program for Windows, ``windowed`` without a console.
    """
    words: list[str | Path] = [compiler, *_STRICT]
    if "mingw" in compiler:
        words += ["-municode", "-static", "-s"]
        words += ["-mwindows", "-DWINDOWED"] if windowed else []
    elif windowed:
        raise PackageError("a launcher without a console is for Windows")
    run([*words, SOURCE, "-o", out], cwd=out.parent, timeout_s=120)
    return out
