"""RTSP servers to look at: one open to all, one that asks who."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from beds.network.rtsp_bed import Server, require_gstreamer

LOGIN = ("clerk", "p@ss:w/rd?#1%")


def _served(login: tuple[str, ...]) -> Iterator[Server]:
    require_gstreamer()
    server = Server(login)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Open to all."""
    yield from _served(())


@pytest.fixture(scope="module")
def locked() -> Iterator[Server]:
    """For ``LOGIN`` alone, by digest."""
    yield from _served(LOGIN)
