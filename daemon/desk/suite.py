"""What the suite of a site means for its record chain and its certificates."""

from __future__ import annotations

import logging
from pathlib import Path

from yibao_face.daemon.config import Config
from yibao_face.daemon.gallery.cipher import SM
from yibao_face.daemon.gallery.vault import Vault, VaultError, create_once
from yibao_face.daemon.ledger import Ledger
from yibao_face.daemon.trust.signature import Ed25519Signer, Signer, Sm2Signer, new_sm2_pair
from yibao_face.sync.api import StoreError
from yibao_face.sync.chain import SHA256, SM3

logger = logging.getLogger(__name__)


def chain_hash(config: Config) -> str:
    """Hash of the chain of a record file that is begun now."""
    return SM3 if config.crypto.suite == SM else SHA256


def tell_chain(config: Config, ledger: Ledger) -> None:
    """A chain keeps the hash it began with: the suite of a site may be younger than its file."""
    try:
        found = ledger.outbox.file.algorithm
    except StoreError:
        return  # whoever writes to the damaged file says so
    if found != chain_hash(config):
        logger.warning(
            "crypto.suite %s: the record chain stays in %s, in which this file began",
            config.crypto.suite,
            found,
        )


def certificate_signer_of(config: Config, vault: Vault) -> Signer:
    """The key of certificates: the daemon's own, or one of SM2 where the suite asks for it.

    Raises ``SignatureError`` where the library for it is not installed.
    """
    if config.crypto.suite == SM:
        return sm2_signer_of(config, vault)
    return Ed25519Signer(vault.sign_seed)


def sm2_key_path(config: Config) -> Path:
    """Where the SM2 key pair of certificates lies, sealed."""
    return config.data / "certificate-sm2.key"


def sm2_signer_of(config: Config, vault: Vault) -> Signer:
    """The SM2 key of this device; makes it on first use."""
    path, label = sm2_key_path(config), "certificate-sm2"
    try:
        if not path.exists():
            create_once(path, vault.seal(new_sm2_pair(), label))
        return Sm2Signer(vault.open(path.read_bytes(), label))
    except OSError as exc:
        raise VaultError(f"{path.name} cannot be used") from exc
