"""Builds the launcher: the small program at a path that never changes, which starts a version."""

from __future__ import annotations

from pathlib import Path

from yibao_face.installer.command import PackageError, run

SOURCE = Path(__file__).with_name("launcher.c")
_STRICT = ("-Os", "-std=c99", "-Wall", "-Wextra", "-Werror")
# The same bytes each time; 6.1: Windows 7.
_WINDOWS = (
    *("-municode", "-static", "-s", "-D_WIN32_WINNT=0x0601"),
    "-Wl,--dynamicbase,--nxcompat,--high-entropy-va,--no-insert-timestamp",
)


def build_launcher(
    out: Path, compiler: str = "cc", *, windowed: bool = False, resource: Path | None = None
) -> Path:
    """Compile it to ``out``; raises ``PackageError``.

    ``out`` has the name of the program it is to start. ``compiler``: one of mingw's makes a
    program for Windows, ``windowed`` without a console. ``resource``: compiled icon and version.
    """
    words: list[str | Path] = [compiler, *_STRICT]
    if "mingw" in compiler:
        words += _WINDOWS
        words += ["-mwindows", "-DWINDOWED"] if windowed else []
    elif windowed:
        raise PackageError("a launcher without a console is for Windows")
    words += [SOURCE, *([resource] if resource else [])]
    run([*words, "-o", out], cwd=out.parent, timeout_s=120)
    return out
