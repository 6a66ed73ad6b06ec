"""Make the spoken prompts of the capture window: ``python3 tools/voices.py FOLDER``.

One WAV (22 kHz, mono, 16 bits) for each hint, movement and ending, spoken by espeak-ng, a program
under the GPL that is run and never linked or shipped. ``FOLDER`` is ``voice`` in the data folder;
a recording by a person under the same name is as good, and better to hear.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from yibao_face.daemon.agent.window.advice import hint
from yibao_face.daemon.codes import TABLE
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.challenge import PROMPTS

# Plain "cmn" of espeak-ng 1.51 spells the pinyin out in English, tone numbers and all.
SPEED_WPM, VOICE = 170, "cmn-latn-pinyin"


def sentences() -> dict[str, str]:
    """What is said, by the name of its file: movements, then hints, then endings."""
    said = {action.value: text for action, text in PROMPTS.items()}
    for cause in Cause:
        message = TABLE[cause].message
        said.setdefault(cause.value, hint(cause) if message.endswith("后重试") else message)
    return said


def main(arguments: list[str]) -> int:
    """Write every file; 1 without espeak-ng."""
    if len(arguments) != 1:
        print("usage: voices.py FOLDER", file=sys.stderr)
        return 2
    espeak = shutil.which("espeak-ng")
    if espeak is None:
        print("espeak-ng is not installed: the windows stay silent", file=sys.stderr)
        return 1
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    said = sentences()
    for name, text in said.items():
        file = folder / f"{name}.wav"
        command = [espeak, "-v", VOICE, "-s", str(SPEED_WPM), "-w", str(file), text]
        subprocess.run(command, check=True)
    print(f"{len(said)} prompts in {folder}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
