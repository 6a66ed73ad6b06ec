"""What the appliers of documents work on, handed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from yibao_face.daemon.config import Config
from yibao_face.daemon.desk.desk import Desk
from yibao_face.daemon.trust.policy import PolicyFile
from yibao_face.models.api import Embedding, ModelStamp


@dataclass(frozen=True, slots=True)
class Site:
    """``local``: the configuration without what the centre laid over it. ``device``: the key id
    of this device's signatures. ``stamp``, ``dim``: of the embedder in use. ``embed``: picture
    and its name → template, as ``booth.still.photo.face_of``.
    """

    local: Config
    desk: Desk
    policies: PolicyFile
    device: str
    seal_seed: bytes = field(repr=False)
    stamp: ModelStamp
    dim: int
    embed: Callable[[bytes, str], Embedding]

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.local.data

    @property
    def policy_path(self) -> Path:
        """Where the daemon looks for a policy."""
        return self.data / "policy.json"

    @property
    def manifest_path(self) -> Path:
        """Where a verified update manifest is staged for the updater."""
        return self.data / "update.accepted.json"
