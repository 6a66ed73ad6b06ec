"""Link ``.dev/yibao_face/<room>`` to ``<room>/``: static tools then see the installed names."""

from __future__ import annotations

import configparser
import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import _winapi

ROOT = Path(__file__).resolve().parent.parent


def rooms() -> dict[str, str]:
    """Import name of each room → its folder, as setup.cfg has it."""
    cfg = configparser.ConfigParser()
    cfg.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = cfg["options"]["package_dir"].strip().splitlines()
    return {k.strip(): v.strip() for k, _, v in (line.partition("=") for line in lines)}


def link(at: Path, to: Path) -> None:
    """Make ``at`` lead to the folder ``to``; left alone where it exists."""
    at.parent.mkdir(parents=True, exist_ok=True)
    if at.exists() or at.is_symlink():
        return
    if sys.platform == "win32":
        # A directory junction needs no administrator, a symbolic link does.
        _winapi.CreateJunction(str(to), str(at))
    else:
        at.symlink_to(os.path.relpath(to, at.parent))


def main() -> None:
    """Link every room."""
    for name, folder in rooms().items():
        link(ROOT.joinpath(".dev", *name.split(".")), ROOT / folder)


if __name__ == "__main__":
    main()
