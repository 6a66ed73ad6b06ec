"""``yibao-face center sign`` and ``seal``: any document for devices; sealed, for one alone."""

from __future__ import annotations

import argparse
import base64
import json
from pathlib import Path

from yibao_face.daemon.cli.centre.policy import signer_of_file
from yibao_face.daemon.cli.common import CliError, Commands, read_file, say
from yibao_face.daemon.inbox.table import KINDS
from yibao_face.daemon.trust.document import DocumentError, sign_document
from yibao_face.daemon.trust.policy import replace_file
from yibao_face.daemon.trust.sealed import KEY_BYTES, seal_payload


def add_actions(actions: Commands) -> None:
    """Register both beside the other actions of ``center``."""
    signing = _action(actions, "sign", "sign a document for devices / 签发文件", _sign)
    signing.set_defaults(to=None)
    sealing = _action(actions, "seal", "sign, for one device to read / 签发并加密给设备", _sign)
    sealing.add_argument(
        "--to", required=True, metavar="BASE64", help="the device's: yibao-face inbox key"
    )


def _action(actions: Commands, name: str, help_: str, run: object) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=help_)
    parser.add_argument("--kind", required=True, choices=sorted(KINDS), help="文件种类")
    parser.add_argument("--version", required=True, type=int, metavar="N", help="counts up / 递增")
    parser.add_argument("--key", required=True, type=Path, metavar="SEEDFILE", help="private key")
    parser.add_argument("payload", type=Path, metavar="PAYLOAD", help="JSON")
    parser.add_argument("-o", "--out", required=True, type=Path, metavar="OUT")
    parser.set_defaults(run=run)
    return parser


def _sign(given: argparse.Namespace) -> int:
    signer = signer_of_file(given.key)
    try:
        text = read_file(given.payload).decode("utf-8-sig")
        if given.to is not None:
            sealed = seal_payload(text, _public_key(given.to), given.kind, given.version)
            text = json.dumps(sealed, separators=(",", ":"))
        data = sign_document(given.kind, given.version, text, signer)
        replace_file(given.out, data)
    except (DocumentError, UnicodeDecodeError) as exc:
        raise CliError(f"{given.payload.name}: {exc}") from exc
    except OSError as exc:
        raise CliError(f"{given.out.name} cannot be written: {exc.strerror}") from exc
    say(f"signed {given.kind} version {given.version} with key {signer.key_id}")
    return 0


def _public_key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError as exc:
        raise CliError("--to is not base64") from exc
    if len(key) != KEY_BYTES:
        raise CliError(f"--to holds {len(key)} bytes, a public key has {KEY_BYTES}")
    return key
