"""The .deb by dpkg-deb, its files squeezed by us, and an archive of the same squeezed files.

dpkg-deb offers xz's presets and no filters; dpkg unpacks whatever liblzma does.
"""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

from yibao_face.installer.bundle.squeeze import Span, squeeze, squeezing
from yibao_face.installer.command import epoch, run, run_to
from yibao_face.installer.linux.depend import Needs
from yibao_face.installer.linux.tree import CONFFILES, size_kb, write_script

FILES = "files.tar.xz"
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
    write_control(tree, version, needs)
    deb = out / f"yibao-face_{version}_amd64.deb"
    pack = ["dpkg-deb", "--root-owner-group", "-Znone", "--build"]
    run([*pack, tree, deb], more={"SOURCE_DATE_EPOCH": epoch()})
    shutil.rmtree(tree / "DEBIAN")
    if preset is not None:
        squeeze_members(deb, out / "work-deb", preset)
    return deb


def write_control(tree: Path, version: str, needs: Needs) -> None:
    """``DEBIAN/`` with what dpkg reads."""
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


def squeeze_members(deb: Path, work: Path, preset: int) -> None:
    """Take the .deb apart, and put it together with its two archives squeezed."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    run(["ar", "x", deb.resolve()], cwd=work)
    for name in ("control.tar", "data.tar"):
        squeeze(work / name, work / f"{name}.xz", preset, tables_of(work / name))
        (work / name).unlink()
    deb.unlink()
    # Without times and owners; dpkg wants them in this order.
    members = ("debian-binary", "control.tar.xz", "data.tar.xz")
    run(["ar", "rcSD", deb.resolve(), *members], cwd=work)
    shutil.rmtree(work)


def tables_of(archive: Path) -> list[Span]:
    """Where the weights of the networks lie in a tar."""
    with tarfile.open(archive, "r:") as tar:
        return [
            (member.offset_data, member.offset_data + member.size)
            for member in tar
            if member.isreg() and member.size and member.name.endswith(".onnx")
        ]


def build_archive(deb: Path, bundle: Path, version: str, out: Path) -> Path:
    """``out/yibao-face-VERSION-linux-x86_64.tar.xz``: for systems without dpkg.

    ``deb``: whose files are in it, squeezed once; the scripts of ``bundle`` lie beside them.
    """
    name = f"yibao-face-{version}-linux-x86_64"
    archive, files = out / f"{name}.tar.xz", out / FILES
    with files.open("wb") as file:
        run_to(file, ["ar", "p", deb, "data.tar.xz"])
    at = int(epoch())

    def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = "root"
        member.mtime = at
        return member

    # What is squeezed already only costs time.
    with (
        squeezing(archive, 0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for script in ("install.sh", "uninstall.sh"):
            tar.add(bundle / "setup" / script, f"{name}/{script}", filter=plain)
        tar.add(files, f"{name}/{FILES}", filter=plain)
    files.unlink()
    return archive
