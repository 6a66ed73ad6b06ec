"""``yibao-face policy``: check, install, try and sign the file that decides code 1 or 2."""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import sys
from collections.abc import Generator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, cast

from yibao_face.daemon.cli.common import CliError, Commands, command, config_of, read_file, say
from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config
from yibao_face.daemon.core.policy import (
    CASES,
    Policy,
    PolicyError,
    Ruling,
    Visit,
    parse_policy,
    ruling,
)
from yibao_face.daemon.trust.document import (
    MAX_DOCUMENT_BYTES,
    CentreKeys,
    Document,
    DocumentError,
    keys_text,
    load_keys,
    open_document,
    sign_document,
    strict_json,
)
from yibao_face.daemon.trust.policy import KIND, policy_of, replace_file
from yibao_face.daemon.trust.signature import SEED_BYTES, Ed25519Signer, SignatureError


def add(commands: Commands) -> None:
    """Register the command and its actions."""
    parser = command(commands, "policy", "who needs no face check (code 2) / 免核验策略")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    checking = actions.add_parser("check", help="verify a signed policy and show it / 查验")
    checking.add_argument("file", type=Path, metavar="FILE", help="signed policy / 策略文件")
    checking.set_defaults(run=_check)
    installing = actions.add_parser("install", help="verify and hand to the daemon / 安装")
    installing.add_argument("file", type=Path, metavar="FILE", help="signed policy / 策略文件")
    installing.set_defaults(run=_install)
    _add_try(actions)
    signing = actions.add_parser("sign", help="sign a policy, at the centre / 签发")
    signing.add_argument("--key", required=True, type=Path, metavar="SEEDFILE", help="private key")
    signing.add_argument("--version", required=True, type=int, metavar="N", help="as inside")
    signing.add_argument("payload", type=Path, metavar="PAYLOAD", help="policy as JSON")
    signing.add_argument("-o", "--out", required=True, type=Path, metavar="OUT")
    signing.set_defaults(run=_sign)
    making = actions.add_parser("keygen", help="make a signing key, at the centre / 生成密钥")
    making.add_argument("-o", "--out", required=True, type=Path, metavar="SEEDFILE")
    making.set_defaults(run=_keygen)


def _add_try(actions: Commands) -> None:
    trying = actions.add_parser("try", help="what the policy says of a visit / 试算")
    trying.add_argument("file", type=Path, metavar="FILE", help="signed policy / 策略文件")
    trying.add_argument("--draft", action="store_true", help="FILE is not signed yet / 未签草稿")
    for name, help_ in (
        ("--med-type", "med_type 医疗类别"),
        ("--insutype", "insutype 险种类型"),
        ("--cert-type", "mdtrt_cert_type 就诊凭证类型"),
        ("--disease", "dise_codg 病种编码"),
        ("--institution", "fixmedins_code 定点医药机构编号"),
    ):
        trying.add_argument(name, default="", metavar="CODE", help=help_)
    trying.add_argument("--amount", type=_amount, metavar="YUAN", help="medfee_sumamt 医疗费总额")
    trying.add_argument("--at", type=_moment, metavar="TIME", help="e.g. 2026-11-22T09:30; now")
    trying.add_argument("--special", action="append", default=[], choices=CASES, help="特殊登记")
    trying.set_defaults(run=_try)


def _check(given: argparse.Namespace) -> int:
    with _one_line(given.file):
        document = _opened(config_of(given), given.file)
        policy = policy_of(document)
    payload = cast(dict[str, Any], document.payload)
    say(f"policy version {policy.version}, genuine, {len(policy.rules)} rule(s)")
    in_force = "yes" if policy.in_force(Clock().today()) else "no"
    first, last = policy.valid_from or "always", policy.valid_until or "further notice"
    say(f"in force today: {in_force} (from {first} until {last})")
    for rule, raw in zip(policy.rules, payload["rules"], strict=True):
        say(f"{rule.id}: {_verdict(rule.check)} {_conditions(raw.get('when', {}))}")
    for case, check in sorted(policy.specials.items()):
        say(f"special:{case}: {_verdict(check)}")
    say("default: look")
    return 0


def _install(given: argparse.Namespace) -> int:
    config = config_of(given)
    with _one_line(given.file):
        data = _bounded(given.file)
        document = open_document(data, KIND, _keys(config))
        policy = policy_of(document)
        accepted = _accepted(config)
        if accepted is not None and accepted.version >= policy.version and accepted != document:
            raise CliError(f"version {policy.version} is not newer than {accepted.version}")
        replace_file(config.data / "policy.json", data)
    say(f"policy version {policy.version} is in the inbox; the daemon takes it at the next call")
    return 0


def _try(given: argparse.Namespace) -> int:
    with _one_line(given.file):
        if given.draft:
            policy = parse_policy(strict_json(_text(given.file)))
        else:
            policy = policy_of(_opened(config_of(given), given.file))
    found = _ruling(policy, given)
    say(f"{_verdict(found.check)} (code {1 if found.check else 2}), rule {found.rule}")
    return 0


def _ruling(policy: Policy, given: argparse.Namespace) -> Ruling:
    visit = Visit(
        given.med_type,
        given.insutype,
        given.cert_type,
        given.disease,
        given.institution,
        given.amount,
        given.at or Clock().now(),
    )
    return ruling(policy, visit, given.special)


def _sign(given: argparse.Namespace) -> int:
    with _one_line(given.payload):
        payload = _text(given.payload)
        policy = parse_policy(strict_json(payload))
        if policy.version != given.version:
            raise CliError(f"{given.payload.name} holds version {policy.version}")
        signer = signer_in(given.key)
        data = sign_document(KIND, given.version, payload, signer)
    try:
        replace_file(given.out, data)
    except OSError as exc:
        raise CliError(f"{given.out.name} cannot be written: {exc.strerror}") from exc
    say(f"signed version {given.version} with key {signer.key_id}")
    return 0


def _keygen(given: argparse.Namespace) -> int:
    seed = secrets.token_bytes(SEED_BYTES)
    try:
        handle = os.open(given.out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(seed.hex() + "\n")
    except OSError as exc:
        raise CliError(f"{given.out.name} cannot be made: {exc.strerror}") from exc
    # For centre-keys.json of every machine: the public half.
    say(keys_text([Ed25519Signer(seed)]).rstrip())
    return 0


def signer_in(path: Path) -> Ed25519Signer:
    """The signing key in a file nobody else may read; ``CliError``."""
    text = read_file(path)
    if sys.platform != "win32" and path.stat().st_mode & 0o077:
        raise CliError(f"{path.name} may be read by others: chmod 600 it")
    try:
        return Ed25519Signer(bytes.fromhex(text.decode("ascii")))
    except (ValueError, SignatureError) as exc:
        raise CliError(f"{path.name} holds no signing key") from exc


def _opened(config: Config, path: Path) -> Document:
    return open_document(_bounded(path), KIND, _keys(config))


def _keys(config: Config) -> CentreKeys:
    return load_keys(config.data / "centre-keys.json")


def _accepted(config: Config) -> Document | None:
    """The daemon's copy of what is in force; ``None`` when none opens: the daemon has the say."""
    try:
        return _opened(config, config.data / "policy.accepted.json")
    except (CliError, DocumentError):
        return None


def _bounded(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_DOCUMENT_BYTES + 1)
    except OSError as exc:
        raise CliError(f"{path.name} cannot be read: {exc.strerror}") from exc


def _text(path: Path) -> str:
    data = _bounded(path)
    if len(data) > MAX_DOCUMENT_BYTES:
        raise CliError(f"{path.name} is longer than {MAX_DOCUMENT_BYTES} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise CliError(f"{path.name} is not UTF-8") from exc


@contextlib.contextmanager
def _one_line(path: Path) -> Generator[None, None, None]:
    """What is wrong with the file as the one line the user reads."""
    try:
        yield
    except (DocumentError, PolicyError) as exc:
        raise CliError(f"{path.name}: {exc}") from exc
    except OSError as exc:
        raise CliError(f"{path.name} cannot be installed: {exc.strerror}") from exc


def _verdict(check: bool) -> str:
    return "look" if check else "no check needed"


def _conditions(when: dict[str, Any]) -> str:
    """The conditions as in the file, ``always`` for none."""
    parts = [f"{key}={_listed(value)}" for key, value in when.items()]
    return " ".join(["when", *parts]) if parts else "always"


def _listed(value: object) -> str:
    return ",".join(map(str, cast(list[object], value))) if isinstance(value, list) else str(value)


def _amount(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as exc:
        raise argparse.ArgumentTypeError("not an amount like 49.90") from exc


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError("not a time like 2026-11-22T09:30") from exc
    return at if at.tzinfo else at.replace(tzinfo=Clock().now().tzinfo)
