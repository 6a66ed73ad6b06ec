"""Set up and run: ``python3 tools/start.py demo`` or ``python3 tools/start.py test``.

Needs Python 3.11 with pip and a package registry, nothing else; works in ``.venv`` beside this
file's folder. ``demo --windows``, on a desktop, is a counter to try by hand. ``check`` runs
linters, types and import contracts; ``setup`` only sets up; ``package linux`` makes what a counter
PC is installed from.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
# What the face landmarker's C library is linked to on Linux, and the Debian package that has it.
SYSTEM_LIBRARIES = {"libEGL.so.1": "libegl1", "libGLESv2.so.2": "libgles2"}
# The same of what Qt's windows are linked to; every desktop has most of them.
WINDOW_LIBRARIES = {
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libGL.so.1": "libgl1",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
WINDOWS = "--windows"
# Of pytest: it ran, and not all passed.
SOME_FAILED = 1
CHECKS = (
    ("ruff", ["ruff", "check", "."]),
    ("format", ["ruff", "format", "--check", "."]),
    ("mypy", ["mypy"]),
    ("pyright", ["pyright", "--pythonpath", str(PYTHON)]),
    ("import contracts", ["lint-imports", "--config", "setup.cfg"]),
)


class StartError(Exception):
    """One line that says what is missing and what to do."""


def is_tried(action: str, rest: list[str]) -> bool:
    """Whether the action runs tests: packages are tried by some, too."""
    return "--check" in rest if action == "package" else action != "demo"


def main() -> int:
    """Run the action; exit code of the last step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=("demo", "test", "check", "setup", "package"))
    parser.add_argument(
        "rest", nargs=argparse.REMAINDER, help="handed on to the demo, to pytest or to the packer"
    )
    given = parser.parse_args()
    started = time.monotonic()
    try:
        require_python()
        require_system_libraries()
        set_up("dev" if is_tried(given.action, given.rest) else "runtime")
        if given.action == "demo":
            set_up_windows(wanted=WINDOWS in given.rest)
        get_assets(given.action)
        code = ACTIONS[given.action](given.rest)
    except StartError as exc:
        print(f"start: {exc}", file=sys.stderr)
        return 1
    say(f"{given.action}: exit {code} after {time.monotonic() - started:.0f} s")
    return code


def require_python() -> None:
    """This release is built for and tested on one version."""
    if sys.version_info[:2] != (3, 11):
        have = ".".join(map(str, sys.version_info[:2]))
        raise StartError(f"Python 3.11 is needed, this is {have} / 需要Python 3.11")


def require_system_libraries() -> None:
    """What the face landmarker needs, see ``require_libraries``."""
    require_libraries(SYSTEM_LIBRARIES)


def require_libraries(libraries: dict[str, str]) -> None:
    """Look first; install where apt and root are there; else name what is missing in one line."""
    if not sys.platform.startswith("linux"):
        return
    missing = [package for name, package in libraries.items() if not is_loadable(name)]
    if not missing:
        return
    command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise StartError(f"system libraries are missing: run as root: {' '.join(command)}")
    say(f"installing system libraries: {' '.join(missing)}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], env=quiet, hide=True)
    run(command, env=quiet, hide=True)


def is_loadable(name: str) -> bool:
    """Whether the dynamic linker finds ``name``."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def set_up(lock: str) -> None:
    """A venv with exactly the locked packages and this checkout; nothing is done twice."""
    if not PYTHON.is_file():
        say("creating .venv")
        venv.create(VENV, with_pip=True)

    def link() -> None:
        pip("--no-deps", "--no-build-isolation", "--editable", str(ROOT))
        run([str(PYTHON), str(ROOT / "tools" / "devlink.py")])

    install_lock(lock, link)


def install_lock(lock: str, then: Callable[[], None] = lambda: None) -> None:
    """The packages of a lock and what comes ``then``, where that is not done yet."""
    lock_file = ROOT / "requirements" / f"{lock}.lock"
    state, stamp = lock_digest(lock_file), VENV / f"{lock}.stamp"
    if stamp.is_file() and stamp.read_text("ascii") == state:
        return
    say(f"installing requirements/{lock}.lock (hashes checked)")
    pip("--require-hashes", "--no-deps", "--requirement", str(lock_file))
    then()
    stamp.write_text(state, "ascii")


def set_up_windows(*, wanted: bool) -> None:
    """What window and tray need, where there is a display; the demo runs without them too.

    ``wanted``: they were asked for, so that whatever is missing ends it.
    """
    try:
        require_display()
        require_libraries(WINDOW_LIBRARIES)
        install_lock("ui")
    except StartError as exc:
        if wanted:
            raise
        say(str(exc))


def require_display() -> None:
    """A screen to show windows on."""
    named = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if os.name != "nt" and not named:
        raise StartError(
            "no display: window and tray are left out, run it on a desktop to see them"
            " / 没有显示器：不显示窗口和托盘，请在桌面环境里运行"
        )


def get_assets(action: str) -> None:
    """What the web pages use of others; the demo needs none, the pages say what is missing."""
    try:
        options = [] if action == "demo" else ["--dev"]
        run([str(PYTHON), str(ROOT / "tools" / "assets.py"), *options], hide=True)
    except StartError as exc:
        if action != "demo":
            raise
        say(str(exc))


def lock_digest(lock_file: Path) -> str:
    """What the venv was made from: the lock and the package's own description."""
    parts = (lock_file, ROOT / "setup.cfg", ROOT / "pyproject.toml")
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()


def pip(*arguments: str) -> None:
    """``pip install`` in the venv."""
    base = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*base, *arguments], hide=True)


def demo(rest: list[str]) -> int:
    """Networks, clips, eight calls, the table."""
    return call([str(PYTHON), "-m", "yibao_face.daemon", "demo", *rest])


def test(rest: list[str]) -> int:
    """All tests, against real networks and a real daemon; what is in one file runs in one process.

    Many wait for machines, clocks and children: two processes for each processor, in the order
    ``tests/conftest.py`` gives, the long files first. What failed in that crowd is run once
    more by itself, and that counts.
    """
    pytest = [str(PYTHON), "-m", "pytest", "-q"]
    if rest:
        return call([*pytest, *rest])
    processes = str(2 * (os.cpu_count() or 1))
    crowd = ["-n", processes, "--dist", "loadfile", "--no-loadscope-reorder"]
    code = call([*pytest, *crowd])
    if code == SOME_FAILED:
        say("what failed is run once more, alone")
        code = call([*pytest, "--last-failed", "--last-failed-no-failures", "none"])
    return code


def check(rest: list[str]) -> int:
    """Linters, types, contracts; every one is run, the worst exit code is returned."""
    del rest
    codes: list[int] = []
    for title, command in CHECKS:
        codes.append(call([str(BIN / command[0]), *command[1:]]))
        say(f"{title}: {'ok' if codes[-1] == 0 else 'FAILED'}")
    return max(codes)


def package(rest: list[str]) -> int:
    """What a counter PC is installed from: ``package linux --out DIR --check``."""
    return call([str(PYTHON), "-m", "yibao_face.installer", *rest])


def setup(rest: list[str]) -> int:
    """Nothing beyond the set-up itself."""
    del rest
    return 0


def call(command: list[str]) -> int:
    """Run in the checkout, output shown; its exit code."""
    return subprocess.run(command, cwd=ROOT, check=False, env=utf8()).returncode


def run(command: list[str], *, env: dict[str, str] | None = None, hide: bool = False) -> None:
    """Run to success; ``StartError`` with its last line otherwise. ``hide``: output only then."""
    done = subprocess.run(
        command, cwd=ROOT, check=False, env=env or utf8(), capture_output=hide, text=True
    )
    if done.returncode != 0:
        said = [line for line in (done.stderr or "").splitlines() if line.strip()]
        reason = said[-1] if said else f"exit {done.returncode}"
        raise StartError(f"{Path(command[0]).name} {' '.join(command[1:4])} …: {reason}")


def utf8() -> dict[str, str]:
    """Chinese output on every console."""
    return {**os.environ, "PYTHONUTF8": "1"}


def say(text: str) -> None:
    """Progress, at once."""
    print(f"start: {text}", flush=True)


ACTIONS = {"demo": demo, "test": test, "check": check, "setup": setup, "package": package}


if __name__ == "__main__":
    raise SystemExit(main())
