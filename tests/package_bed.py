"""A stand-in for the frozen program, and a throw-away copy of this machine to install it in."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from yibao_face.installer.linux.deb import build_archive, build_deb
from yibao_face.installer.linux.depend import Needs
from yibao_face.installer.linux.tree import Parts, fill, stage
from yibao_face.installer.update.swap.launcher import build_launcher

TOOLS = ("cc", "dpkg-deb", "dpkg", "ip", "unshare", "nsenter", "runuser", "systemd-analyze")
# What the scripts ask of the program: the real one is installed by `package linux --check`.
PROGRAM = """#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
case "$1 $2" in
"--version "*) echo "yibao-face $(cat "$here/version")" ;;
"doctor --selftest") [ ! -f "$here/broken" ] || {
    printf '[故障] 模型：x\\n原因：weights damaged\\n'
    exit 3
} ;;
"doctor --config") echo "[故障] 摄像头 camera：0 个"; echo "{}" >"$5"; exit 3 ;;
"update adopt") readlink "$here/../current" >"$here/../update/adopted" ;;
"config --config") grep -q '^data' "$3" || { echo "cannot be read" >&2; exit 1; } ;;
"library --config") [ "$4" = config ] && echo "key = 00" ;;
"link --config") [ "$4" = enrol ] && [ -f /network ] && echo bound ;;
*) echo "unknown: $*" >&2; exit 2 ;;
esac
"""


def require_bed(*tools: str, root: bool = True) -> None:
    """Skip with the reason, unless this machine must have everything."""
    missing = [tool for tool in tools or TOOLS if shutil.which(tool) is None]
    reason = f"missing: {', '.join(missing)}" if missing else ""
    if root and os.geteuid() != 0:
        reason = "needs root"
    if reason and os.environ.get("YIBAO_FACE_TOOLCHAIN") == "required":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


def stand_in(work: Path, version: str, *, broken: bool = False) -> Path:
    """A bundle of one script."""
    bundle = work / f"bundle-{version}"
    bundle.mkdir(parents=True)
    (bundle / "yibao-face").write_text(PROGRAM, "utf-8")
    (bundle / "yibao-face").chmod(0o755)
    (bundle / "version").write_text(f"{version}\n", "ascii")
    if broken:
        (bundle / "broken").touch()
    return bundle


def package(work: Path, version: str, *, broken: bool = False, root: str = "") -> Path:
    """A .deb of the stand-in. ``root``: the vendor's, as text."""
    tree = staged(work, version, broken=broken, root=root)
    return build_deb(tree, version, Needs((), (), "2.0"), work, preset=0)


def archive(work: Path, version: str) -> Path:
    """The plain archive of the stand-in."""
    deb = package(work, version)
    return build_archive(deb, work / f"bundle-{version}", version, work)


def staged(work: Path, version: str, *, broken: bool = False, root: str = "") -> Path:
    """Its files, where they lie on the machine."""
    launcher, shims, trusted = work / "yibao-face", work / "shim", work / "root.json"
    library = shims / "linux-x86_64" / "libHisCallFace.so"
    if not launcher.exists():
        build_launcher(launcher)
        library.parent.mkdir(parents=True)
        library.write_bytes(b"\x7fELF stand-in")
    trusted.write_text(root, "utf-8")
    parts = Parts(launcher, shims, trusted if root else None)
    bundle = stand_in(work, version, broken=broken)
    fill(bundle, version, parts)
    stage(bundle, version, work / f"tree-{version}", parts)
    return work / f"tree-{version}"
