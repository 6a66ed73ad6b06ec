"""A centre that kills itself between commit and answer as long as the file ``die`` is there."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from yibao_face.sync.center.api import Caller, Limits
from yibao_face.sync.center.center import open_center
from yibao_face.sync.center.http.server import serve
from yibao_face.sync.center.ingest.batch import Batch
from yibao_face.sync.center.ingest.record import Incoming
from yibao_face.sync.center.store.records import Records, Taken


class DyingRecords(Records):
    """The real one, until it has committed."""

    def take(
        self, caller: Caller, batch: Batch, incoming: Sequence[Incoming], now_ms: int
    ) -> Taken:
        taken = super().take(caller, batch, incoming, now_ms)
        if Path(sys.argv[1], "die").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return taken


async def main() -> None:
    folder, url, port = Path(sys.argv[1]), sys.argv[2] or None, int(sys.argv[3])
    with open_center(folder, url) as center:
        dying = replace(center, records=DyingRecords(center.database, Limits()))

        def ready(bound: int) -> None:
            sys.stdout.write(f"{bound}\n")
            sys.stdout.flush()

        await serve(dying, "127.0.0.1", port, ready, asyncio.Event())


asyncio.run(main())
