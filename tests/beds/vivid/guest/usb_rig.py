"""A binocular USB camera, plugged in over the kernel's own USB/IP host controller."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np

from yibao_face.drivers.uvc.linux.node import Node, nodes

MODULES = ("vhci-hcd.ko", "uvcvideo.ko")
ATTACH = Path("/sys/devices/platform/vhci_hcd.0/attach")
USB_ID = "1209:0a11"
_HIGH_SPEED = 3
_VARIETY = 4
_PATIENCE_S = 20.0


class UsbRig:
    """Loads the drivers; ``plug`` brings the camera."""

    def __init__(self, folder: Path) -> None:
        for module in MODULES:
            insmod = ["insmod", f"/mods/{module}"]
            subprocess.run(insmod, check=True)
        self.folder = folder
        self._camera: subprocess.Popen[str] | None = None
        _draw(folder)

    def __enter__(self) -> Self:
        self.plug()
        return self

    def __exit__(self, *exc: Any) -> None:
        self.unplug()

    def plug(self) -> None:
        """Until both of its nodes are there."""
        ours, theirs = socket.socketpair()
        program = str(Path(__file__).with_name("usb_camera.py"))
        self._camera = subprocess.Popen(
            [sys.executable, program, str(theirs.fileno()), str(self.folder)],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        theirs.close()
        ATTACH.write_text(f"0 {ours.fileno()} 65538 {_HIGH_SPEED}", "ascii")
        ours.close()
        until = time.monotonic() + _PATIENCE_S
        while len(self.nodes()) < 2:
            assert time.monotonic() < until, "the USB camera did not appear"
            time.sleep(0.05)

    def unplug(self) -> None:
        """The cable is pulled."""
        if self._camera is not None:
            self._camera.kill()
            self._camera.communicate()
            self._camera = None
        until = time.monotonic() + _PATIENCE_S
        while self.nodes():
            assert time.monotonic() < until, "the USB camera stayed"
            time.sleep(0.05)

    def tell(self, *ways: str) -> list[str]:
        """Let it behave so from now on; what it had to say since the last time."""
        camera = self._camera
        assert camera is not None
        assert camera.stdin is not None
        assert camera.stdout is not None
        line = " ".join(ways) + "\n"
        camera.stdin.write(line)
        camera.stdin.flush()
        said: list[str] = []
        while not said or said[-1] != line.strip() or said[-1].startswith("set"):
            said.append(camera.stdout.readline().strip())
        return said[:-1]

    def nodes(self) -> list[Node]:
        """Of this camera; also those for metadata."""
        return [node for node in nodes() if node.usb_id == USB_ID]


def _draw(folder: Path) -> None:
    """Smooth seeded pictures: small as JPEG, and no two alike."""
    rng = np.random.default_rng(3)
    for n in range(_VARIETY):
        for width, height in ((800, 600), (640, 480), (320, 240), (160, 120)):
            coarse = rng.integers(40, 200, (3, 4, 3), np.uint8)
            cv2.imwrite(
                str(folder / f"colour-{width}x{height}-{n}.jpg"),
                cv2.resize(coarse, (width, height)),
            )
            for name, light in (("infrared", 90), ("infrared-lit", 160), ("infrared-dark", 20)):
                grey = np.clip(light + coarse[..., 0] // 10, 0, 255).astype(np.uint8)
                raw = cv2.resize(grey, (width, height)).tobytes()
                (folder / f"{name}-{width}x{height}-{n}.raw").write_bytes(raw)
