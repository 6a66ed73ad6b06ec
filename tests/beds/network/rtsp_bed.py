"""The RTSP server as a camera that can be frozen, killed and started again."""

from __future__ import annotations

import signal
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from harness import lacking

_PYTHON = "/usr/bin/python3"
_NEEDS = (
    "import gi; gi.require_version('GstRtspServer', '1.0');"
    "from gi.repository import Gst; Gst.init(None);"
    "assert Gst.ElementFactory.find('rtpjpegpay') and Gst.ElementFactory.find('videotestsrc')"
)


def require_gstreamer() -> None:
    """Skip, or fail where everything is demanded, without GStreamer's RTSP server."""
    try:
        found = subprocess.run([_PYTHON, "-c", _NEEDS], capture_output=True, check=False)
    except FileNotFoundError:
        lacking(_PYTHON)
    if found.returncode != 0:
        lacking("gir1.2-gst-rtsp-server-1.0 with gstreamer1.0-plugins-base and -good")


def free_port() -> int:
    """A TCP port of the loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@dataclass
class Server:
    """``login``: user and password, empty for none."""

    login: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens; again at the same port after ``kill``."""
        script = str(Path(__file__).with_name("rtsp_server.py"))
        self._process = subprocess.Popen(
            [_PYTHON, script, str(self.port), *self.login], stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().strip() == str(self.port).encode()

    def freeze(self) -> None:
        """Stop its threads: connections stay, nothing comes."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it run on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once; connections break."""
        if self._process is None:
            return
        self._signal(signal.SIGKILL)
        with self._process:
            pass
        self._process = None

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)
