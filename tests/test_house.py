"""The rules of the house that no linter of ours checks, over every file git would take."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
from functools import cache
from pathlib import Path

from harness import LONG_FILES, ROOT

PRODUCT = ("daemon", "drivers", "models", "sync", "shim", "installer")
# Put together here, so that this file does not hold what it looks for.
OPEN_ENDS = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME")) + r")\b")
MACHINE_PATHS = tuple(f"/{folder}/" for folder in ("work", "root", "home"))
MAX_BINARY_BYTES = 300_000


@cache
def files() -> tuple[Path, ...]:
    """Tracked files, and new ones git does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    names = sorted(set(listed.stdout.decode().split("\0")) - {""})
    return tuple(ROOT / name for name in names if (ROOT / name).is_file())


@cache
def modules() -> tuple[Path, ...]:
    return tuple(file for file in files() if file.suffix == ".py")


def shown(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def text_of(file: Path) -> str | None:
    """The text of a file; ``None`` for pictures and the like."""
    data = file.read_bytes()
    try:
        return None if b"\0" in data else data.decode("utf-8")
    except UnicodeDecodeError:
        return None


@cache
def function_lines() -> dict[str, int]:
    """Lines of every function, signature to last line, by file and first line."""
    return {
        f"{shown(file)}:{node.lineno} {node.name}": (node.end_lineno or 0) - node.lineno + 1
        for file in modules()
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_the_files_are_found() -> None:
    assert ROOT / "daemon" / "codes.py" in modules()
    assert Path(__file__).resolve() in modules()
    assert len(function_lines()) > 100


def test_no_module_is_longer_than_500_lines() -> None:
    lengths = {shown(file): len(file.read_bytes().splitlines()) for file in modules()}

    assert {} == {name: length for name, length in lengths.items() if length > 500}


def test_no_function_is_longer_than_60_lines() -> None:
    assert {} == {name: lines for name, lines in function_lines().items() if lines > 60}


def test_half_of_the_product_functions_have_at_most_10_lines() -> None:
    rooms = tuple(f"{room}/" for room in PRODUCT)
    lengths = [lines for name, lines in function_lines().items() if name.startswith(rooms)]
    median = statistics.median(lengths)

    assert median <= 10, f"median is {median} lines over {len(lengths)} functions"


def test_no_file_is_written_by_a_bare_handle() -> None:
    """On Windows such a handle may put a CR before each LF: one device key in four was lost."""
    pipes = {"daemon/ui/pipe.py", "drivers/uvc/linux/v4l2.py"}
    bare = {shown(file) for file in modules() if "os.write(" in file.read_text("utf-8")}
    own = {name for name in bare if name.startswith(tuple(f"{room}/" for room in PRODUCT))}

    assert pipes == own


def test_no_loose_end_is_left_in_the_code() -> None:
    assert [] == [shown(file) for file in modules() if OPEN_ENDS.search(file.read_text("utf-8"))]


def test_no_path_of_a_developers_machine_is_written_down() -> None:
    texts = {shown(file): text_of(file) or "" for file in files()}

    assert [] == [
        (name, path) for name, text in texts.items() for path in MACHINE_PATHS if path in text
    ]


def test_no_large_picture_or_binary_is_kept() -> None:
    large = [file for file in files() if file.stat().st_size > MAX_BINARY_BYTES]

    assert [] == [shown(file) for file in large if text_of(file) is None]


def test_no_recording_network_or_database_is_kept() -> None:
    kinds = {".rgbd", ".onnx", ".task", ".npy", ".mkv", ".db", ".key", ".whl"}

    assert [] == [shown(file) for file in files() if file.suffix in kinds]


def test_the_long_files_that_begin_first_are_there() -> None:
    assert [] == [name for name in LONG_FILES if not (ROOT / name).is_file()]
