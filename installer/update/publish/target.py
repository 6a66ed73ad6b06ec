"""Keys, signed metadata and files of updates."""

# The libraries put their public names together at run time, in __all__.
# pyright: reportPrivateImportUsage=false

from __future__ import annotations

import argparse
import getpass
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from securesystemslib.signer import CryptoSigner

from yibao_face.installer.command import PackageError, say
from yibao_face.installer.update.publish.key import (
    PASSWORD_VARIABLE,
    load_public,
    load_signer,
    make_key,
)
from yibao_face.installer.update.publish.pack import About, pack
from yibao_face.installer.update.publish.repository import (
    ROLES,
    Days,
    Repository,
    Signers,
    make_root,
    sign_file,
)
from yibao_face.installer.update.site import this_platform
from yibao_face.installer.update.version import Version


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The actions; each with what it needs. ``--out`` is the repository."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(
        name: str, help_: str, run: Callable[[Path, argparse.Namespace], None]
    ) -> argparse.ArgumentParser:
        one = actions.add_parser(name, help=help_)
        one.set_defaults(action=run)
        return one

    one = action("keygen", f"a new key; password in ${PASSWORD_VARIABLE} or asked", _keygen)
    one.add_argument("key", type=Path, help="file outside the checkout")
    one.add_argument("--no-password", action="store_true", help="leave it unencrypted")
    one = action("root", "root metadata of the next version, not signed yet", _root)
    one.add_argument("file", type=Path)
    one.add_argument("--days", type=int, default=3650)
    for role in ROLES:
        one.add_argument(f"--{role}", type=Path, nargs="+", required=True, metavar="PUB.JSON")
        one.add_argument(f"--{role}-threshold", type=int, default=2 if role == "root" else 1)
    one = action("sign", "add one holder's signature to root metadata", _sign)
    one.add_argument("file", type=Path)
    one.add_argument("--key", type=Path, required=True)
    one = action("publish-root", "take signed root metadata into the repository", _publish_root)
    one.add_argument("file", type=Path)
    one = action("release", "pack a frozen program, sign and publish it", _release)
    one.add_argument("bundle", type=Path, help="frozen folder")
    one.add_argument("--version", type=_version, required=True)
    one.add_argument("--platform", default=this_platform())
    one.add_argument("--readable-from", type=_version, required=True, help="oldest that can read")
    _signers(one)
    _signers(action("refresh", "sign snapshot and timestamp anew", _refresh))
    one = action("stick", "an update file for a stick", _stick)
    one.add_argument("file", type=Path)
    one.add_argument("--platform", default=this_platform())
    one.add_argument("--version", type=_version)
    one = action("manifest", "payload of the centre's update-manifest", _manifest)
    one.add_argument("file", type=Path)
    one.add_argument("--version", type=_version, required=True)
    one.add_argument("--platform", nargs="+", default=[this_platform()])
    one.add_argument("--mirror", default="", help="address of the repository for the counters")


def make(out: Path, given: argparse.Namespace) -> None:
    """Do the action."""
    given.action(out, given)


def _signers(one: argparse.ArgumentParser) -> None:
    for role in ROLES[1:]:
        one.add_argument(f"--{role}-key", type=Path, nargs="+", required=True, metavar="KEY")
    one.add_argument("--targets-days", type=int, default=Days().targets)
    one.add_argument("--timestamp-days", type=int, default=Days().timestamp)


def _keygen(_out: Path, given: argparse.Namespace) -> None:
    password = "" if given.no_password else _new_password()
    try:
        say(str(make_key(given.key, password)))
    except FileExistsError as exc:
        raise PackageError(f"{given.key.name} is there already") from exc


def _new_password() -> str:
    return os.environ.get(PASSWORD_VARIABLE) or getpass.getpass("password of the new key: ")


def _root(out: Path, given: argparse.Namespace) -> None:
    told = vars(given)
    keys = {role: [load_public(path) for path in told[role]] for role in ROLES}
    thresholds = {role: told[f"{role}_threshold"] for role in ROLES}
    repository = Repository(out)
    before = repository.newest_root()
    root = make_root(keys, thresholds, given.days, before)
    root.to_file(str(given.file))
    say(f"root version {root.signed.version}: now {thresholds['root']} holders sign it")


def _sign(_out: Path, given: argparse.Namespace) -> None:
    sign_file(given.file, load_signer(given.key))


def _publish_root(out: Path, given: argparse.Namespace) -> None:
    say(f"root version {Repository(out).publish_root(given.file)} is published")


def _release(out: Path, given: argparse.Namespace) -> None:
    about = About(given.version, given.platform, given.readable_from)
    release = pack(given.bundle, about, out, preset=9)
    archive = out / release.archive
    try:
        Repository(out).add(release, archive, _keys(given), _days(given))
    finally:
        archive.unlink()
    say(f"{release.archive} {release.size_bytes} bytes sha256 {release.sha256}")


def _refresh(out: Path, given: argparse.Namespace) -> None:
    Repository(out).refresh(_keys(given), _days(given))


def _stick(out: Path, given: argparse.Namespace) -> None:
    repository = Repository(out)
    repository.stick(repository.release(given.platform, given.version), given.file)


def _manifest(out: Path, given: argparse.Namespace) -> None:
    repository = Repository(out)
    releases = [repository.release(platform, given.version) for platform in given.platform]
    body = repository.manifest(releases, given.mirror)
    given.file.write_text(json.dumps(body, indent=1) + "\n", "utf-8")


def _keys(given: argparse.Namespace) -> Signers:
    told = vars(given)

    def role(name: str) -> Sequence[CryptoSigner]:
        return [load_signer(path) for path in told[f"{name}_key"]]

    return Signers(role("targets"), role("snapshot"), role("timestamp"))


def _days(given: argparse.Namespace) -> Days:
    return Days(targets=given.targets_days, timestamp=given.timestamp_days)


def _version(text: str) -> Version:
    try:
        return Version.parse(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(str(exc)) from exc
