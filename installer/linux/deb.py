"""The .deb by dpkg-deb, and a plain archive of the same files."""

from __future__ import annotations

import lzma
import shutil
import tarfile
from pathlib import Path

from yibao_face.installer.command import epoch, run
from yibao_face.installer.linux.depend import Needs
from yibao_face.installer.linux.tree import CONFFILES, size_kb, write_script

MAINTAINER_SCRIPTS = ("preinst", "postinst", "prerm", "postrm")
_CONTROL = """\
Package: yibao-face
Version: {version}
Architecture: amd64
Maintainer: yibao-face developers <yibao-face@localhost>
Section: misc
Priority: optional
Installed-Size: {size}
Depends: {depends}
Recommends: {recommends}
Description: real-person check for medical insurance counters
 医保实人认证：证明摄像头前是参保人本人的活体，并回答医院系统的调用。
 .
 Program, libraries and face networks; needs neither Python nor a network.
"""


def build_deb(tree: Path, version: str, needs: Needs, out: Path, *, preset: int | None) -> Path:
    """``out/yibao-face_VERSION_amd64.deb`` of ``tree``. ``preset``: xz's; ``None``: as it is."""
    control = tree / "DEBIAN"
    size = size_kb(tree)
    for name in MAINTAINER_SCRIPTS:
        write_script(control / name, name, version, tree)
    text = _CONTROL.format(
        version=version,
        size=size,
        depends=", ".join(needs.depends),
        recommends=", ".join(needs.recommends),
    )
    (control / "control").write_text(text, "utf-8")
    (control / "conffiles").write_text("".join(f"{name}\n" for name in CONFFILES), "ascii")
    deb = out / f"yibao-face_{version}_amd64.deb"
    # One thread: xz cuts its blocks by their number, and the bytes would differ by machine.
    squeeze = ["-Znone"] if preset is None else ["--threads-max=1", "-Zxz", f"-z{preset}"]
    pack = ["dpkg-deb", "--root-owner-group", *squeeze]
    run([*pack, "--build", tree, deb], more={"SOURCE_DATE_EPOCH": epoch()})
    shutil.rmtree(control)
    return deb


def build_archive(tree: Path, version: str, out: Path, *, preset: int) -> Path:
    """``out/yibao-face-VERSION-linux-x86_64.tar.xz``: for systems without dpkg."""
    name = f"yibao-face-{version}-linux-x86_64"
    setup = tree / "opt" / "yibao-face" / f"app-{version}" / "setup"
    for script in ("install.sh", "uninstall.sh"):
        shutil.copy2(setup / script, tree / script)
    archive = out / f"{name}.tar.xz"
    at = int(epoch())

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = "root"
        member.mtime = at
        return member

    with (
        lzma.open(archive, "wb", preset=preset) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        tar.add(tree, name, recursive=False, filter=plain)
        for path in sorted(tree.rglob("*")):
            tar.add(path, f"{name}/{path.relative_to(tree)}", recursive=False, filter=plain)
    for script in ("install.sh", "uninstall.sh"):
        (tree / script).unlink()
    return archive
