"""Lane 2: sealed files by their hash, in the time slot of the device and never before results."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path

from yibao_face.sync.evidence import EvidenceLane, Piece, Quota
from yibao_face.sync.uplink.api import CentreRefusedError, Hands, News
from yibao_face.sync.uplink.lane.bucket import Bucket
from yibao_face.sync.uplink.wire.answer import Slot, read_kept
from yibao_face.sync.uplink.wire.client import Client, Request

logger = logging.getLogger(__name__)

MAX_BYTES = 4 * 1024 * 1024
# The centre waits 60 s for a body: however slow the lane is, one file takes no longer than this.
_ONE_FILE_S = 30.0
_PAUSE_S = 15.0
# Of this one file the centre says that it will not have it.
_OF_FILE = frozenset({400, 413, 422})
# No lane is worth more than another.
EVERYTHING = Quota(2**62, {})


class FileLane:
    """``quiet``: set while no result is under way. ``wait``: seconds → whether to stop.

    ``quota``: says which lane is worth most and goes first.
    """

    def __init__(  # noqa: PLR0913  # collaborators, handed in once
        self,
        pieces: EvidenceLane,
        folder: Path,
        hands: Hands,
        *,
        news: News,
        quiet: threading.Event,
        wait: Callable[[float], bool],
        quota: Quota = EVERYTHING,
    ) -> None:
        self._pieces, self._folder, self._quota = pieces, folder, quota
        self._hands, self._news, self._quiet, self._wait = hands, news, quiet, wait
        self._slot = Slot()
        self._bucket = Bucket(self._slot.bytes_per_s, hands.steady_s)
        # Told once and not tried again by this process.
        self._unsendable: set[str] = set()

    def take_slot(self, slot: Slot) -> None:
        """What the centre said last about when and how fast."""
        if slot.bytes_per_s != self._slot.bytes_per_s:
            self._bucket.set_rate(slot.bytes_per_s)
        self._slot = slot

    def opens_in_s(self, centre_ms: int) -> float:
        """Seconds until the slot begins; 0 within it."""
        return max(0.0, (self._slot.after_ms - centre_ms) / 1000)

    @property
    def left(self) -> bool:
        """Whether a file is due that can be sent; ``StoreError``."""
        return self._next() is not None

    def send(self, client: Client) -> bool:
        """The next file; ``False``: none is due. Raises as ``Client.ask`` and ``StoreError``."""
        piece = self._next()
        if piece is None:
            return False
        data = self._read(piece)
        if data is not None:
            self._put(client, piece, data)
        return True

    def _next(self) -> Piece | None:
        # With those that are passed over, there must be one more to find.
        due = self._pieces.due(self._quota, len(self._unsendable) + 1)
        return next((piece for piece in due if piece.name not in self._unsendable), None)

    def _read(self, piece: Piece) -> bytes | None:
        """The file as it lies there; a missing one is dropped and told."""
        try:
            with (self._folder / piece.name).open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except FileNotFoundError:
            self._pieces.drop([piece.name])
            self._news.trouble("evidence-missing", {"name": piece.name, "lane": piece.lane})
            return None
        except OSError as exc:
            self._skip(piece, f"cannot be read: {exc.strerror}")
            return None
        if not 0 < len(data) <= MAX_BYTES:
            self._skip(piece, f"has no size the centre takes: 1..{MAX_BYTES} bytes")
            return None
        return data

    def _put(self, client: Client, piece: Piece, data: bytes) -> None:
        if self._wait(self._bucket.debt_s()):
            return
        sha256 = hashlib.sha256(data).hexdigest()
        # The name ties the file to the record that mentions it: the hash of sealed bytes does not.
        headers = {"Evidence-Name": piece.name, "Evidence-Record": piece.record_id}
        told = {name: value for name, value in headers.items() if value}
        per_s = max(self._slot.bytes_per_s, len(data) / _ONE_FILE_S)

        paused_until_s = self._hands.steady_s() + _PAUSE_S

        def paced(count: int) -> None:
            # Results go first, also in the middle of a file; the centre waits only so long for it.
            self._quiet.wait(max(0.0, paused_until_s - self._hands.steady_s()))
            self._bucket.spend(count)
            self._wait(count / per_s if len(data) > count else 0.0)

        request = Request("PUT", f"/v1/evidence/{sha256}", data, told, paced=paced)
        try:
            read_kept(client.ask(request))
        except CentreRefusedError as exc:
            if exc.status not in _OF_FILE:
                raise
            self._skip(piece, str(exc))
            return
        self._pieces.sent([piece.name])

    def _skip(self, piece: Piece, why: str) -> None:
        self._unsendable.add(piece.name)
        logger.warning("evidence %s not sent: %s", piece.name[:8], why)
