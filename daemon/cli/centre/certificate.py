"""``yibao-face certificate``: show, and verify offline, what stands behind a ``cp_no`` (S0-09)."""

from __future__ import annotations

import argparse
import base64
import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from yibao_face.daemon.cli.common import CliError, Commands, command, config_of, read_file, say
from yibao_face.daemon.clock import moment
from yibao_face.daemon.desk.suite import certificate_signer_of, sm2_key_path, sm2_signer_of
from yibao_face.daemon.inbox.kind.revoked import RevocationList
from yibao_face.daemon.trust.certificate import CertificateError, Facts, verify
from yibao_face.daemon.trust.signature import Signer, has_sm2, key_id_of
from yibao_face.daemon.wiring import outbox_path, signer_of, vault_of
from yibao_face.sync.api import Query
from yibao_face.sync.outbox import Outbox

# Ed25519 and SM2.
_KEY_BYTES = (32, 64)


def add(commands: Commands) -> None:
    """Register the command and its actions."""
    parser = command(commands, "certificate", "certificates of verifications / 核验凭证")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    key = actions.add_parser("key", help="this daemon's public key / 本机公钥")
    key.set_defaults(run=_key)
    show = actions.add_parser("show", help="the signed statement of a cp_no / 导出凭证")
    show.add_argument("cp_no")
    show.set_defaults(run=_show)
    check = actions.add_parser("verify", help="is it genuine, and of this deal? / 验证凭证")
    check.add_argument("what", metavar="FILE|CP_NO", help="a statement in a file, or a cp_no here")
    check.add_argument("--key", metavar="BASE64", help="public key of the daemon (default: ours)")
    check.add_argument("--deal-no", help="must be about this settlement")
    check.add_argument("--institution", help="must be about this institution")
    check.set_defaults(run=_verify)


def _key(given: argparse.Namespace) -> int:
    signer = _own(given)[0]
    public = base64.b64encode(signer.public_key()).decode()
    say(f"{signer.algorithm} {signer.key_id} {public}")
    return 0


def _show(given: argparse.Namespace) -> int:
    say(_stored(given, given.cp_no))
    return 0


def _verify(given: argparse.Namespace) -> int:
    path = Path(given.what)
    stated = read_file(path).decode("utf-8-sig", "replace") if path.is_file() else None
    keys = {key_id_of(key): key for key in _public_keys(given)}
    no, facts = verify(_stored(given, given.what) if stated is None else stated, keys)
    _refuse_revoked(given, no, keys)
    _compare(given, facts)
    say(f"genuine: {no}")
    shown = {**asdict(facts), "at": moment(facts.at_ms).isoformat(timespec="seconds")}
    say(json.dumps(shown, ensure_ascii=False))
    return 0


def _refuse_revoked(given: argparse.Namespace, no: str, keys: Iterable[str]) -> None:
    """What the centre told this machine that it trusts no longer."""
    path = outbox_path(config_of(given))
    if not path.exists():
        return
    with Outbox(path) as outbox:
        revoked = RevocationList(outbox).current()
    if no in revoked.certificates or not revoked.devices.isdisjoint(keys):
        raise CertificateError("genuine, but revoked by the centre")


def _compare(given: argparse.Namespace, facts: Facts) -> None:
    for option, wanted, found in (
        ("--deal-no", given.deal_no, facts.deal_no),
        ("--institution", given.institution, facts.institution),
    ):
        if wanted is not None and wanted != found:
            raise CertificateError(f"genuine, but not of this {option.removeprefix('--')}")


def _own(given: argparse.Namespace) -> tuple[Signer, ...]:
    """This machine's signers, the one in use first: another suite may have been before."""
    config = config_of(given)
    vault = vault_of(config)
    used = certificate_signer_of(config, vault)
    before = sm2_key_path(config).exists() and has_sm2()
    return used, signer_of(vault), *([sm2_signer_of(config, vault)] if before else [])


def _public_keys(given: argparse.Namespace) -> tuple[bytes, ...]:
    if given.key is None:
        return tuple(signer.public_key() for signer in _own(given))
    try:
        key = base64.b64decode(given.key, validate=True)
    except ValueError as exc:
        raise CliError("--key is not base64") from exc
    if len(key) not in _KEY_BYTES:
        raise CliError(f"--key holds {len(key)} bytes, a public key has {_KEY_BYTES[0]}")
    return (key,)


def _stored(given: argparse.Namespace, cp_no: str) -> str:
    with Outbox(outbox_path(config_of(given))) as outbox:
        found = outbox.find(Query(certificate_no=cp_no.strip().upper()))
    if not found or not cp_no.strip():
        raise CliError("no such certificate in the results of this data folder")
    return found[0].certificate
