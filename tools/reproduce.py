"""Builds each thing twice, in two folders and two environments, and tells what differs.

``python3 tools/reproduce.py`` makes wheel, sdist, library and launcher; ``bundle`` (half an hour
of one core, and a package registry) only where it is named. Ends with 1 where anything differs.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv" / "bin" / "python"
# What may lead to other bytes and must not: folder, time zone, language, order of sets.
PLACES = (
    ("a", {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "1"}),
    ("another folder/b", {"TZ": "Asia/Shanghai", "LC_ALL": "C", "PYTHONHASHSEED": "2"}),
)
_FETCHED = ("daemon/console/web/asset", "sync/center/web/asset", "shim/.cache")
_SHOWN = 20
_TAR = (".tar.gz", ".tar.xz", ".tar")


@dataclass(frozen=True, slots=True)
class Thing:
    """``words``: what builds it, run in a copy of the checkout; ``{out}`` is where to."""

    name: str
    words: tuple[str, ...]
    usual: bool = True


def called(code: str) -> tuple[str, ...]:
    """Python of our environment, over the copy it is run in."""
    return (str(PYTHON), "-c", code)


_BACKEND = "import setuptools.build_meta as b; b.build_{}({!r})"
_ROOM = "from pathlib import Path; from yibao_face.installer.{} import {}; {}"
THINGS = (
    Thing("wheel", called(_BACKEND.format("wheel", "{out}"))),
    Thing("sdist", called(_BACKEND.format("sdist", "{out}"))),
    Thing("library", (str(PYTHON), "shim/build.py", "native", "--out", "{out}")),
    Thing(
        "launcher",
        called(
            _ROOM.format(
                "windows.resource",
                "compile_launchers",
                "compile_launchers(Path('{out}'), Path('{out}.held'), '1.2.3')",
            )
        ),
    ),
    # The environment it is frozen from is made anew in each folder as well.
    Thing(
        "bundle",
        called(_ROOM.format("bundle.freeze", "freeze", "freeze(Path('{out}.work'))")),
        usual=False,
    ),
)


def main() -> int:
    """Build what is named; 1 where two builds differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("thing", nargs="*", metavar="THING")
    parser.add_argument("--keep", type=Path, help="build here and leave it")
    given = parser.parse_args()
    unknown = {*given.thing} - {one.name for one in THINGS}
    if unknown:
        parser.error(f"THING is one of {', '.join(one.name for one in THINGS)}")
    chosen = [one for one in THINGS if one.name in given.thing or (one.usual and not given.thing)]
    with tempfile.TemporaryDirectory(prefix="yibao-face-twice-") as held:
        found = {one.name: twice(one, given.keep or Path(held)) for one in chosen}
    for name, lines in found.items():
        print(f"{name}: {'identical' if not lines else f'{len(lines)} differ'}")
        for line in lines[:_SHOWN]:
            print(f"  {line}")
    return 1 if any(found.values()) else 0


def twice(thing: Thing, held: Path) -> list[str]:
    """What differs between two builds of ``thing`` in ``held``."""
    made: list[Path] = []
    for folder, environment in PLACES:
        source, out = held / folder / "source", held / folder / thing.name
        if not source.exists():
            copy_checkout(source)
        out.mkdir(parents=True)
        words = [word.replace("{out}", str(out)) for word in thing.words]
        build(words, source, environment)
        bundle = out.with_name(f"{out.name}.work") / "dist"
        made.append(bundle if bundle.is_dir() else out)
    return differing(*made)


def copy_checkout(to: Path) -> None:
    """What is committed, and what was fetched already: it is compared by its hash anyway."""
    run(["git", "clone", "--quiet", str(ROOT), str(to)], ROOT)
    for name in _FETCHED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, to / name, dirs_exist_ok=True)


def build(words: list[str], source: Path, environment: dict[str, str]) -> None:
    """Run in ``source``, whose own code is used, as of the commit's time."""
    epoch = run(["git", "log", "-1", "--format=%ct"], ROOT).strip()
    over = {"SOURCE_DATE_EPOCH": epoch, "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    # Of the copy, not of the checkout the environment was set up for.
    run([str(PYTHON), "tools/devlink.py"], source)
    over["PYTHONPATH"] = str(source / ".dev")
    run(words, source, {**os.environ, **environment, **over})


def run(words: list[str], at: Path, environment: dict[str, str] | None = None) -> str:
    """Run to success; what it printed."""
    done = subprocess.run(
        words, cwd=at, env=environment, check=False, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise SystemExit(f"reproduce: {' '.join(words[:3])}: {done.stderr.strip()[-800:]}")
    return done.stdout


# --- comparing ------------------------------------------------------------------------------


def differing(one: Path, other: Path) -> list[str]:
    """Files that are not the same in both folders; of archives what in them."""
    left, right = tree(one), tree(other)
    lines = [f"{name}: in one alone" for name in sorted(left.keys() ^ right.keys())]
    for name in sorted(left.keys() & right.keys()):
        lines += [f"{name}{told}" for told in compared(left[name], right[name])]
    return lines


def tree(folder: Path) -> dict[str, Path]:
    """Files and links by their names."""
    found = (path for path in folder.rglob("*") if path.is_symlink() or path.is_file())
    return {path.relative_to(folder).as_posix(): path for path in found}


def compared(one: Path, other: Path) -> list[str]:
    """Empty where they are the same."""
    if one.is_symlink() or other.is_symlink():
        same = one.is_symlink() and other.is_symlink() and one.readlink() == other.readlink()
        return [] if same else [": a link to elsewhere"]
    if one.stat().st_mode != other.stat().st_mode:
        return [f": mode {one.stat().st_mode:o}, {other.stat().st_mode:o}"]
    if one.read_bytes() == other.read_bytes():
        return []
    reader = reader_of(one)
    if reader is None:
        return [f": {one.stat().st_size} bytes, {other.stat().st_size} bytes"]
    left, right = reader(one), reader(other)
    inner = [
        f"!{name}" for name in sorted({*left} | {*right}) if left.get(name) != right.get(name)
    ]
    order = ["!order of its members"] if [*left] != [*right] else []
    return inner + order or [": how it is packed"]


Members = dict[str, tuple[object, ...]]


def reader_of(path: Path) -> Callable[[Path], Members] | None:
    """What looks into an archive of that name."""
    if path.name.endswith(_TAR):
        return _tar
    return _zip if zipfile.is_zipfile(path) else None


def _zip(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {
            info.filename: (info.date_time, info.external_attr, info.compress_type, info.CRC)
            for info in archive.infolist()
        }


def _tar(path: Path) -> Members:
    with tarfile.open(path) as archive:
        return {member.name: _member(archive, member) for member in archive.getmembers()}


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> tuple[object, ...]:
    content = archive.extractfile(member) if member.isreg() else None
    about = (member.mtime, member.mode, member.uname, member.gname, member.linkname)
    return (*about, content.read() if content else b"")


if __name__ == "__main__":
    raise SystemExit(main())
