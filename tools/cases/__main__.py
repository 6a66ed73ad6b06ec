"""Write the golden cases of the conformance kit: ``python tools/cases`` in the checkout's venv.

The files under ``daemon/conform/cases`` are what counts and what vendors read; this script saves
writing several hundred of them by hand. A test tells when they differ.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import attend
import fault
import field
import form
import post
import scene
from build import BASELINE

FOLDER = Path(__file__).resolve().parents[2] / "daemon" / "conform" / "cases"
GROUPS = {
    "charset": ("字符集 charset", form.charset),
    "quoting": ("写法 quoting", form.quoting),
    "fields": ("字段 fields", field.fields),
    "scenes": ("场景 scenes", scene.scenes),
    "faults": ("故障 faults", fault.faults),
    "attendance": ("考勤 attendance", attend.attendance),
    "http": ("HTTP", post.http),
}


def written() -> dict[str, str]:
    """The text of every file by name: one case a line."""
    files = {"baseline.json": _pretty(BASELINE) + "\n"}
    for name, (title, cases) in GROUPS.items():
        lines = ",\n".join(_line(case) for case in cases())
        files[f"{name}.json"] = f'{{"title": {_line(title)}, "cases": [\n{lines}\n]}}\n'
    return files


def main() -> int:
    """Write every file, or tell (``--check``) which one is not as it would be written."""
    files = written()
    if sys.argv[1:] == ["--check"]:
        old = [name for name, text in files.items() if (FOLDER / name).read_text("utf-8") != text]
        print(" ".join(old) or "as written")
        return 1 if old else 0
    for name, text in files.items():
        (FOLDER / name).write_text(text, "utf-8", newline="\n")
    return 0


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


if __name__ == "__main__":
    sys.exit(main())
