"""Rewrite requirements/*.lock from *.in: every file of every pinned version, with its hash.

Needs `uv` on PATH (a developer's tool: installing from the lock needs pip alone).
"""

from __future__ import annotations

import subprocess
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "requirements"
COMPILE = [
    "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11",
    "--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url",
]  # fmt: skip


def locked(name: str, *options: str) -> str:
    """Compile ``requirements/<name>.in`` to pinned, hashed lines."""
    done = subprocess.run(
        [*COMPILE, *options, f"{name}.in"], cwd=FOLDER, check=True, capture_output=True, text=True
    )
    return done.stdout


def main() -> None:
    """Write the locks; each is installed with ``--no-deps --require-hashes``."""
    mediapipe = locked("mediapipe", "--no-deps")
    for name in ("runtime", "dev"):
        (FOLDER / f"{name}.lock").write_text(locked(name) + mediapipe, encoding="utf-8")
    # Beside the runtime's, for what not every machine needs, and for packing: what is in both is
    # the same version.
    constraint = ("--constraint", "runtime.lock")
    for name in ("cameras", "center", "ui", "sm", "bundle", "bundle-paper"):
        (FOLDER / f"{name}.lock").write_text(locked(name, *constraint), encoding="utf-8")


if __name__ == "__main__":
    main()
