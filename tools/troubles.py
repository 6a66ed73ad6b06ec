"""Write ``docs/manual/故障代码表.md`` from the program's own tables."""

from __future__ import annotations

from pathlib import Path

from yibao_face.daemon.cli.machine.doctor import ALL
from yibao_face.daemon.doctor.trouble import table_text

FILE = Path(__file__).resolve().parent.parent / "docs" / "manual" / "故障代码表.md"


def main() -> None:
    """Write the file."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(table_text(ALL), "utf-8", newline="\n")


if __name__ == "__main__":
    main()
