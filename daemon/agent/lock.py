"""One agent on a machine: a locked file for those of one data folder, the port for all others."""

from __future__ import annotations

from pathlib import Path

from yibao_face.installer.update.swap.lock import Held, take


def take_seat(data: Path) -> Held | None:
    """The right to serve from ``data``, ``None`` while another process has it.

    ``OSError``: no such folder.
    """
    # Nobody else's business: who may read it could also hold it.
    return take(data / "agent.lock", 0o600)
