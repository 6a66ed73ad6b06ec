"""Who looks on while a face is gathered, to show it: told of every step, never asked anything."""

from __future__ import annotations

from typing import Protocol

from yibao_face.daemon.core.quality import FaceBox


class Onlooker(Protocol):
    """Called in the encounter's own thread: each call must return at once and never raise."""

    def gathers(self, needed: int, seconds: float) -> None:
        """Usable frames are counted from 0 on, ``needed`` of them; time is over in ``seconds``."""
        ...

    def counted(self, usable: int) -> None:
        """So many usable frames of the present face were seen."""
        ...

    def placed(self, faces: tuple[FaceBox, ...], size: tuple[int, int]) -> None:
        """``faces`` were found in a frame of (width, height) ``size``."""
        ...


class Nobody:
    """Nobody looks on."""

    def gathers(self, needed: int, seconds: float) -> None:
        """See ``Onlooker.gathers``."""

    def counted(self, usable: int) -> None:
        """See ``Onlooker.counted``."""

    def placed(self, faces: tuple[FaceBox, ...], size: tuple[int, int]) -> None:
        """See ``Onlooker.placed``."""


NOBODY = Nobody()
