"""The conformance host in a thread: real daemon, real networks, invented persons."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from harness import forget_apps, link_folder

from yibao_face.daemon.config import Config
from yibao_face.daemon.conform.stage.host import Host, host_routes
from yibao_face.daemon.demo.play import Stage, enrol_cast
from yibao_face.daemon.door.server import serve
from yibao_face.daemon.section import DoorConfig
from yibao_face.models.suite import FaceModels


@contextmanager
def opened(config: Config, clips: Path, port: int = 0) -> Generator[int, None, None]:
    """A host on ``port``, any free one for 0; yields the bound port."""
    bound: list[int] = []
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def tell(at: int) -> None:
        bound.append(at)
        ready.set()

    config = replace(config, door=DoorConfig(port=port))
    with Host(config, clips) as host:
        serving = serve(host.daemon, tell, stop, host_routes(host))
        thread = threading.Thread(target=loop.run_until_complete, args=(serving,), name="host")
        thread.start()
        try:
            assert ready.wait(10), "the host did not bind"
            yield bound[0]
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(20)
            loop.close()
            assert not thread.is_alive(), "the host did not stop"
    forget_apps()
    # A host has networks of its own and is part of cycles: it would stay until some later round.
    gc.collect()


def staged(home: Config, models: FaceModels, clips: Path, data: Path) -> Config:
    """A data folder for a host, with the cast enrolled."""
    link_folder(data / "models", home.models)
    config = Config(data)
    enrol_cast(Stage(config, clips), models, home.downloads)
    return config
