"""Spoken prompts: a WAV file for each, made beforehand (``tools/voices.py``); none is silence."""

from __future__ import annotations

import array
import io
import shutil
import subprocess
import sys
import threading
import wave
from pathlib import Path

if sys.platform == "win32":
    import winsound

_LONGEST_BYTES = 4 * 1024 * 1024


class Voice:
    """``folder``: of ``<name>.wav``; ``volume``: 0 (off) to 100."""

    def __init__(self, folder: Path, volume: int) -> None:
        self._folder, self._volume = folder, volume
        self._guard = threading.Lock()
        self._next: Path | None = None
        self._speaking = False

    def say(self, name: str) -> None:
        """Play ``name``, after what is being played; returns at once.

        Only the latest waits: what was to be said before it is out of date.
        """
        if self._volume <= 0 or not name.replace("-", "").isalnum():
            return
        file = self._folder / f"{name}.wav"
        if not file.is_file():
            return
        with self._guard:
            self._next = file
            if self._speaking:
                return
            self._speaking = True
        threading.Thread(target=self._speak, name="voice", daemon=True).start()

    def _speak(self) -> None:
        while True:
            with self._guard:
                file, self._next = self._next, None
                if file is None:
                    self._speaking = False
                    return
            self._play(file)

    def _play(self, file: Path) -> None:
        try:
            play(quieter(file.read_bytes()[:_LONGEST_BYTES], self._volume))
        except (OSError, EOFError, wave.Error, subprocess.SubprocessError, RuntimeError):
            # A counter without loudspeakers is none without a check.
            return


def quieter(data: bytes, volume: int) -> bytes:
    """A WAV of 16-bit samples at ``volume`` percent; raises ``wave.Error`` and ``EOFError``."""
    with wave.open(io.BytesIO(data)) as source:
        if source.getsampwidth() != 2:
            raise wave.Error("not 16 bits a sample")
        kind, samples = source.getparams(), array.array("h", source.readframes(1 << 22))
    if sys.byteorder == "big":
        samples.byteswap()
    scaled = array.array("h", (sample * volume // 100 for sample in samples))
    if sys.byteorder == "big":
        scaled.byteswap()
    made = io.BytesIO()
    with wave.open(made, "wb") as sink:
        sink.setparams(kind)
        sink.writeframes(scaled.tobytes())
    return made.getvalue()


if sys.platform == "win32":

    def play(data: bytes) -> None:
        """Play a WAV to its end."""
        winsound.PlaySound(data, winsound.SND_MEMORY)

else:

    def play(data: bytes) -> None:
        """Play a WAV to its end; where no player is installed, silently."""
        for player in (["aplay", "-q", "-"], ["paplay", "/dev/stdin"]):
            found = shutil.which(player[0])
            if found is not None:
                command = [found, *player[1:]]
                subprocess.run(command, input=data, timeout=30, check=False, capture_output=True)  # noqa: S603  # own words
                return
