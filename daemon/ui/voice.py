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
        self._busy = threading.Lock()

    def say(self, name: str) -> None:
        """Play ``name`` unless something is being played; returns at once."""
        if self._volume <= 0 or not name.replace("-", "").isalnum():
            return
        file = self._folder / f"{name}.wav"
        if file.is_file() and self._busy.acquire(blocking=False):
            threading.Thread(target=self._play, args=(file,), name="voice", daemon=True).start()

    def _play(self, file: Path) -> None:
        try:
            play(quieter(file.read_bytes()[:_LONGEST_BYTES], self._volume))
        except (OSError, EOFError, wave.Error, subprocess.SubprocessError, RuntimeError):
            # A counter without loudspeakers is none without a check.
            return
        finally:
            self._busy.release()


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
