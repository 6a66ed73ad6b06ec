"""Spoken prompts: as loud as the site wants, and silence rather than a fault."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import wave
from pathlib import Path

import pytest
from harness import ROOT, require
from ui_bed import until

from yibao_face.daemon.ui.voice import Voice, quieter

VOICE = re.findall(r'VOICE = \d+, "([^"]+)"', (ROOT / "tools/voices.py").read_text("utf-8"))[0]


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


@pytest.mark.skipif(sys.platform == "win32", reason="another player")
def test_what_is_out_of_date_is_not_said_and_the_last_word_always_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard, go_on = tmp_path / "heard", tmp_path / "go-on"
    player = tmp_path / "bin" / "aplay"
    player.parent.mkdir()
    wait = f"while [ ! -e {go_on} ]; do sleep 0.02; done"
    player.write_text(f"#!/bin/sh\nwc -c >> {heard}\n{wait}\n")
    player.chmod(0o755)
    monkeypatch.setenv("PATH", f"{player.parent}{os.pathsep}{os.environ['PATH']}")
    sizes = {}
    for length, name in enumerate(("too-far", "too-near", "matched-self"), 1):
        sizes[name] = len(tone([0] * length))
        (tmp_path / f"{name}.wav").write_bytes(tone([0] * length))

    voice = Voice(tmp_path, 70)
    voice.say("too-far")
    until(lambda: heard.is_file() and heard.read_text())
    voice.say("too-near")
    voice.say("matched-self")
    go_on.touch()
    until(lambda: heard.read_text().count("\n") >= 2)
    assert [sizes["too-far"], sizes["matched-self"]] == [int(n) for n in heard.read_text().split()]


def test_prompts_are_spoken_in_chinese() -> None:
    require("espeak-ng")
    command = ["espeak-ng", "-v", VOICE, "-q", "-x", "请眨一下眼，本人核验通过"]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    # As another language it spells the letters and the numbers of the tones.
    assert "(en)" not in said
    assert 11 <= len(said.split("_|"))


def test_the_generator_makes_a_file_for_every_prompt(tmp_path: Path) -> None:
    require("espeak-ng")
    made = subprocess.run(
        [sys.executable, ROOT / "tools" / "voices.py", str(tmp_path)], check=True, timeout=300
    )

    assert 0 == made.returncode
    assert {"no-face", "mouth", "matched-self"} <= {f.stem for f in tmp_path.glob("*.wav")}
    assert samples_of(quieter((tmp_path / "no-face.wav").read_bytes(), 50))
