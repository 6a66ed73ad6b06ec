"""A vendor for a trial: keys that live as long as it, and two newer versions on sticks."""

# The libraries put their public names together at run time, in __all__.
# pyright: reportPrivateImportUsage=false

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from securesystemslib.signer import CryptoSigner

from yibao_face.installer.linux.tree import Parts, fill, link_or_copy
from yibao_face.installer.update.publish.pack import About, pack
from yibao_face.installer.update.publish.repository import (
    ROLES,
    Days,
    Repository,
    Signers,
    make_root,
)
from yibao_face.installer.update.site import this_platform
from yibao_face.installer.update.version import Version

# As a program that works until it is to serve.
_UNABLE = """#!/bin/sh
case $1 in serve) exit 1 ;; esac
exec "$(dirname "$0")/yibao-face.whole" "$@"
"""


@dataclass(frozen=True, slots=True)
class Vendor:
    """``good``: update file of the same program that calls itself ``good_version``; ``bad``: of
    one that passes its self-test and does not serve. ``root``: what a counter believes.
    """

    root: Path
    good: Path
    bad: Path
    good_version: str
    bad_version: str


def next_version(version: str) -> str:
    """The one after it: 0.1.0 → 0.1.1."""
    *first, last = version.split(".")
    return ".".join([*first, str(int(last) + 1)])


def as_version(bundle: Path, version: str, parts: Parts, to: Path) -> Path:
    """The same frozen program, that calls itself ``version``, in the folder ``to``."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(bundle, to, symlinks=True, copy_function=link_or_copy)
    [told] = to.glob("_internal/yibao_face*-info/METADATA")
    lines = told.read_text("utf-8").splitlines(keepends=True)
    # By hard links: a new file, lest the bundle's changes.
    told.unlink()
    told.write_text(
        "".join(f"Version: {version}\n" if line.startswith("Version:") else line for line in lines)
    )
    fill(to, version, parts)
    return to


def make_vendor(bundle: Path, version: str, parts: Parts, work: Path) -> Vendor:
    """Keys, root, two releases; a minute and a half."""
    keys = {role: [CryptoSigner.generate_ed25519()] for role in ROLES}
    repository = Repository(work / "repository")
    shutil.rmtree(repository.folder, ignore_errors=True)
    root = work / "root.json"
    made = make_root(
        {role: [key.public_key for key in keys[role]] for role in ROLES},
        dict.fromkeys(ROLES, 1),
        days=1,
    )
    made.sign(keys["root"][0])
    made.to_file(str(root))
    repository.publish_root(root)
    good = next_version(version)
    bad = next_version(good)
    folders = {
        good: as_version(bundle, good, parts, work / "good"),
        bad: unable(as_version(bundle, bad, parts, work / "bad")),
    }
    signers = Signers(keys["targets"], keys["snapshot"], keys["timestamp"])
    sticks: dict[str, Path] = {}
    for name, folder in folders.items():
        stick = work / f"yibao-face-{name}.update"
        sticks[name] = publish(repository, folder, name, signers, stick)
        shutil.rmtree(folder)
    return Vendor(root, sticks[good], sticks[bad], good, bad)


def unable(bundle: Path) -> Path:
    """Make of it one that cannot serve."""
    program = bundle / "yibao-face"
    program.rename(bundle / "yibao-face.whole")
    program.write_text(_UNABLE, "ascii")
    program.chmod(0o755)
    return bundle


def publish(
    repository: Repository, folder: Path, version: str, signers: Signers, stick: Path
) -> Path:
    """Release what lies in ``folder``, and write it to ``stick``."""
    about = About(Version.parse(version), this_platform(), Version(0, 0, 1))
    release = pack(folder, about, stick.parent, preset=0)
    archive = stick.parent / release.archive
    repository.add(release, archive, signers, Days())
    archive.unlink()
    repository.stick(release, stick)
    return stick
