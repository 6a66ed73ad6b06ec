"""What systemd is told (sd_notify): a datagram to the socket it names. Elsewhere nothing."""

from __future__ import annotations

import os
import socket
import sys

_SOCKET, _WATCHDOG, _WATCHDOG_PID = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"
_SEND_S = 1.0
READY, STOPPING, ALIVE = "READY=1", "STOPPING=1", "WATCHDOG=1"


def notify(state: str) -> bool:
    """Send ``state``; whether there is anybody to hear it, and it went."""
    address = os.environ.get(_SOCKET, "")
    if sys.platform == "win32" or not address.startswith(("/", "@")):
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            # A manager that hears nobody must not hold up the service.
            sock.settimeout(_SEND_S)
            sock.connect(address)
            sock.sendall(state.encode())
    except OSError:
        return False
    return True


def watchdog_s() -> float | None:
    """How long systemd waits for a sign of life of this process; ``None``: it does not."""
    given, pid = os.environ.get(_WATCHDOG, ""), os.environ.get(_WATCHDOG_PID, "")
    if not given.isdecimal() or int(given) == 0 or pid not in ("", str(os.getpid())):
        return None
    return int(given) / 1e6
