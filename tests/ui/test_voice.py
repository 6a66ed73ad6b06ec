"""Spoken prompts: as loud as the site wants, and silence rather than a fault."""

from __future__ import annotations

import io
import subprocess
import sys
import wave
from pathlib import Path

import pytest
from harness import ROOT, require

from yibao_face.daemon.ui.voice import Voice, quieter


def tone(samples: list[int], width: int = 2) -> bytes:
    made = io.BytesIO()
    with wave.open(made, "wb") as sink:
        sink.setnchannels(1)
        sink.setsampwidth(width)
        sink.setframerate(22050)
        sink.writeframes(b"".join(s.to_bytes(width, "little", signed=True) for s in samples))
    return made.getvalue()


def samples_of(data: bytes) -> list[int]:
    with wave.open(io.BytesIO(data)) as source:
        raw = source.readframes(source.getnframes())
    return [int.from_bytes(raw[i : i + 2], "little", signed=True) for i in range(0, len(raw), 2)]


def test_the_volume_is_a_share_of_what_was_recorded() -> None:
    assert [0, 500, -16384] == samples_of(quieter(tone([0, 1000, -32768]), 50))
    assert [0, 1000, -32768] == samples_of(quieter(tone([0, 1000, -32768]), 100))


@pytest.mark.parametrize("data", [b"", b"RIFF", tone([1], width=4)[:-2], b"\0" * 500])
def test_a_file_that_is_no_recording_is_refused(data: bytes) -> None:
    with pytest.raises((wave.Error, EOFError)):
        quieter(data, 50)


def test_nothing_is_read_beside_the_folder_of_voices(tmp_path: Path) -> None:
    (tmp_path / "voice").mkdir()
    (tmp_path / "secret.wav").write_bytes(b"RIFF")
    for name in ("../secret", "", "missing", "a/b"):
        Voice(tmp_path / "voice", 70).say(name)


def test_the_generator_makes_a_file_for_every_prompt(tmp_path: Path) -> None:
    require("espeak-ng")
    made = subprocess.run(
        [sys.executable, ROOT / "tools" / "voices.py", str(tmp_path)], check=True, timeout=100
    )

    assert 0 == made.returncode
    assert {"no-face", "mouth", "matched-self"} <= {f.stem for f in tmp_path.glob("*.wav")}
    assert samples_of(quieter((tmp_path / "no-face.wav").read_bytes(), 50))
