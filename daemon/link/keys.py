"""What of the device key the centre knows the public half of, and what guards the link's own."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from yibao_face.daemon.gallery.vault import Vault
from yibao_face.daemon.trust.signature import Ed25519Signer
from yibao_face.sync.uplink.api import Keys


def public_keys(vault: Vault) -> Keys:
    """The key of certificates and chain heads, and the one documents are sealed to."""
    return Keys(Ed25519Signer(vault.sign_seed).public_key(), _sealing(vault))


def link_secret(vault: Vault) -> str:
    """Under which the link's TLS key lies on disk: of no use on another machine."""
    return vault.link_seed.hex()


def _sealing(vault: Vault) -> bytes:
    return X25519PrivateKey.from_private_bytes(vault.seal_seed).public_key().public_bytes_raw()
