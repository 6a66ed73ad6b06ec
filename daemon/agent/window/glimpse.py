"""Frames for the window, and only while it shows them."""

from __future__ import annotations

import logging

from yibao_face.daemon.booth.board import Phase, Posted
from yibao_face.daemon.booth.eye import Eye
from yibao_face.drivers.api import Camera, DeviceError, Frame

logger = logging.getLogger(__name__)


class Glimpse:
    """Reads beside the encounter where the camera is supervised, so that the picture is fluent.

    A recording plays to one reader only: there the encounter's own frames are shown.
    """

    def __init__(self, eye: Eye) -> None:
        self._eye = eye
        self._camera: Camera | None = None
        self._seen: Frame | None = None

    def of_encounter(self, posted: Posted, seconds: float) -> Frame | None:
        """The next frame of the encounter under way, waited for ``seconds``; ``None``: none."""
        if posted.phase is not Phase.LOOKING:
            self.rest()
            return None
        if self._eye.supervisor is not None:
            try:
                return self._read(seconds)
            except DeviceError:
                # The encounter meets the same fault, and tells it.
                self.rest()
                return None
        newest, before, self._seen = posted.frame, self._seen, posted.frame
        return None if newest is before else newest

    def of_test(self, seconds: float) -> Frame | None:
        """The next frame, nobody being checked. Raises ``DeviceError``."""
        return self._read(seconds)

    def rest(self) -> None:
        """Nobody looks any more."""
        camera, self._camera, self._seen = self._camera, None, None
        if camera is not None:
            camera.close()

    def _read(self, seconds: float) -> Frame | None:
        if self._camera is None:
            self._camera = self._eye.open()
        return self._camera.read(seconds)
