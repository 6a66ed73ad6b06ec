"""Where the packed program begins: the command ``yibao-face``, or a child process of the daemon.

Runs inside the bundle, where the other rooms are. Children are started with the words a Python
understands, ``-m module``: in a bundle this program takes their place.
"""

from __future__ import annotations

import runpy
import sys


def main() -> None:
    """Become the child that ``-m`` names, one of ours, else the command line."""
    words = sys.argv[1:]
    if words[:1] == ["-P"]:
        words = words[1:]
    if len(words) > 1 and words[0] == "-m" and words[1].startswith("yibao_face."):
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        runpy.run_module("yibao_face.daemon", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
