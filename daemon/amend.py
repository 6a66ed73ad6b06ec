"""Changes the site's configuration file: the whole new one or the old one, never a half."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def replace_config(file: Path, text: str, load: Callable[[Path], object]) -> None:
    """Let ``text`` be what ``file`` holds, once ``load`` reads it; raises as it does, ``OSError``.

    A file the daemon cannot read at its next start would stop the counter.
    """
    part = file.with_name(f"{file.name}.{os.urandom(4).hex()}.part")
    try:
        with part.open("x", encoding="utf-8", newline="\n") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        load(part)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
