"""``yibao-face inbox``: documents of the centre, brought by hand where no network is."""

from __future__ import annotations

import argparse
import base64
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from yibao_face.daemon.booth.still.photo import face_of
from yibao_face.daemon.cli.common import CliError, Commands, command, say
from yibao_face.daemon.clock import moment
from yibao_face.daemon.config import Config, load_config, load_site
from yibao_face.daemon.inbox.inbox import Inbox
from yibao_face.daemon.trust.configuration import KIND as CONFIGURATION
from yibao_face.daemon.trust.document import MAX_DOCUMENT_BYTES, DocumentError, heading_of
from yibao_face.daemon.trust.sealed import public_key_of
from yibao_face.daemon.trust.signature import key_id_of
from yibao_face.daemon.wiring import desk_of, inbox_of, policies_of, vault_of, weight_store
from yibao_face.models.api import Embedding
from yibao_face.models.suite import FaceModels, load_face_models
from yibao_face.sync.uplink.api import Letter, LetterRefusedError


def add(commands: Commands) -> None:
    """Register the command and its actions."""
    parser = command(commands, "inbox", "documents of the centre / 中心下发文件")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    taking = actions.add_parser("take", help="verify and apply signed files / 导入签名文件")
    taking.add_argument("file", nargs="+", type=Path, metavar="FILE", help="in this order")
    taking.set_defaults(run=_take)
    listing = actions.add_parser("ls", help="what is in force, since when / 查看生效文件")
    listing.set_defaults(run=_ls)
    key = actions.add_parser("key", help="key documents are sealed to / 本机封装公钥")
    key.set_defaults(run=_key)


def _take(given: argparse.Namespace) -> int:
    refused = 0
    with _inbox(given) as inbox:
        for path in given.file:
            letter = _letter(path)
            try:
                inbox.take(letter)
            except LetterRefusedError as exc:
                say(f"未采用 / refused {path.name}: {exc}")
                refused += 1
                continue
            later = (
                "，重启服务后生效 / from the next start" if letter.kind == CONFIGURATION else ""
            )
            say(f"已生效 / in force: {letter.kind} version {letter.version}{later}")
    if refused:
        raise CliError(f"{refused} 个文件未采用 / document(s) refused")
    return 0


def _ls(given: argparse.Namespace) -> int:
    with _inbox(given) as inbox:
        found = inbox.in_force()
    for held in found:
        since = moment(held.since_ms).isoformat(timespec="seconds")
        name = f" {held.name}" if held.name else ""
        say(f"{held.kind}{name} version {held.version} since {since}")
    if not found:
        say("没有中心下发的文件 / nothing of the centre is in force")
    return 0


def _key(given: argparse.Namespace) -> int:
    public = public_key_of(vault_of(load_config(given.config)).seal_seed)
    say(f"x25519 {key_id_of(public)} {base64.b64encode(public).decode()}")
    return 0


def _letter(path: Path) -> Letter:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_DOCUMENT_BYTES + 1)
        kind, version = heading_of(data)
        return Letter(kind, "", version, data)
    except OSError as exc:
        raise CliError(f"{path.name} cannot be read: {exc.strerror}") from exc
    except DocumentError as exc:
        raise CliError(f"{path.name}: {exc}") from exc


@contextmanager
def _inbox(given: argparse.Namespace) -> Generator[Inbox, None, None]:
    site = load_site(given.config)
    networks = _Networks(site)
    with desk_of(site) as desk:
        try:
            yield inbox_of(site, desk, policies_of(site, desk), networks.embed)
        finally:
            networks.close()


class _Networks:
    """Loaded when the first picture needs them."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._loaded: FaceModels | None = None

    def embed(self, photo: bytes, name: str) -> Embedding:
        self._loaded = self._loaded or load_face_models(weight_store(self._config))
        return face_of(self._loaded, photo, name)

    def close(self) -> None:
        if self._loaded is not None:
            self._loaded.close()
