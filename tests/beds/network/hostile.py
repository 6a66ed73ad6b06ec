"""A TCP server that does to each connection what a test wants: garbage, silence, endless heads."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Generator

Manner = Callable[[socket.socket, threading.Event], None]


@contextlib.contextmanager
def hostile(manner: Manner) -> Generator[int]:
    """The port of a server on loopback; ``manner`` gets each connection and the end's event."""
    over = threading.Event()

    def serve(link: socket.socket) -> None:
        with link, contextlib.suppress(OSError):
            link.settimeout(5.0)
            manner(link, over)

    def accept() -> None:
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                link, _ = listener.accept()
                served.append(threading.Thread(target=serve, args=(link,)))
                served[-1].start()

    served: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            over.set()
            for thread in (accepting, *served):
                thread.join(6.0)


def says(*parts: bytes) -> Manner:
    """Answers the n-th request with the n-th part, then hangs up."""

    def manner(link: socket.socket, over: threading.Event) -> None:
        del over
        for part in parts:
            link.recv(65536)
            link.sendall(part)

    return manner


def repeats(part: bytes, pause_s: float = 0.0) -> Manner:
    """Sends ``part`` again and again, with pauses."""

    def manner(link: socket.socket, over: threading.Event) -> None:
        while not over.wait(pause_s):
            link.sendall(part)

    return manner


def keeps_silent(link: socket.socket, over: threading.Event) -> None:
    """Takes the connection and says nothing."""
    del link
    over.wait(20.0)
