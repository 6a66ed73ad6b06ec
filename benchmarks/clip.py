"""Frames a second of writing and reading ``.rgbd`` clips: 640 x 480, three planes, one core.

In the same run, beside it: the same three streams through bare ``cv2.VideoWriter`` and
``VideoCapture``, without archive, digests and checks. The pictures are noisy (仿真): noise is what
lossless coding pays for.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from yibao_face.drivers.api import Intrinsics
from yibao_face.drivers.clip import ClipReader, ClipWriter, Planes

LEAST_FPS = 30.0
WIDTH, HEIGHT = 640, 480
LENS = Intrinsics(WIDTH, HEIGHT, 600.0, 600.0, 320.0, 240.0)
GREY16 = [cv2.VIDEOWRITER_PROP_DEPTH, cv2.CV_16U, cv2.VIDEOWRITER_PROP_IS_COLOR, 0]
GREY8 = [cv2.VIDEOWRITER_PROP_IS_COLOR, 0]
BARE: tuple[tuple[str, str, list[int]], ...] = (
    ("bgr", "MJPG", []),
    ("depth_mm", "FFV1", GREY16),
    ("ir", "FFV1", GREY8),
)


def main() -> int:
    """Print the table; 1 when 30 frames a second are not reached or depth is not lossless."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=90)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    shots = seen(given.frames)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        rates = {
            "write": rated(lambda: write(folder / "c.rgbd", shots), len(shots)),
            "read": rated(lambda: lossless(folder / "c.rgbd", shots), len(shots)),
            "bare write": rated(lambda: bare_write(folder, shots), len(shots)),
            "bare read": rated(lambda: bare_read(folder), len(shots)),
        }
        size = (folder / "c.rgbd").stat().st_size / len(shots) / 1000
    print("| | frames/s, CPU of one core | frames/s, wall |\n|---|---|---|")
    for name, (cpu, wall) in rates.items():
        print(f"| {name} | {cpu:.0f} | {wall:.0f} |")
    print(f"\n{size:.0f} kB a frame; depth and IR read back to the bit")
    return int(min(rates["write"][0], rates["read"][0]) < LEAST_FPS)


def seen(count: int) -> list[Planes]:
    """A bump before a wall, each exposure with noise of its own."""
    rng = np.random.default_rng(1)
    v, u = np.arange(HEIGHT)[:, None], np.arange(WIDTH)[None]
    base: npt.NDArray[np.float64] = 600 - 100 * np.exp(-((u - 320) ** 2 + (v - 240) ** 2) / 2e4)
    grey = np.asarray(
        cv2.GaussianBlur(rng.normal(120, 40, (HEIGHT, WIDTH, 3)), (0, 0), 3), np.float64
    )
    shots: list[Planes] = []
    for _ in range(count):
        bgr = np.clip(grey + rng.normal(0, 4, grey.shape), 0, 255).astype(np.uint8)
        depth_mm = (base + rng.normal(0, 2, base.shape)).astype(np.uint16)
        ir = np.clip(100 + rng.normal(0, 4, base.shape), 0, 255).astype(np.uint8)
        shots.append(Planes(bgr, depth_mm, ir))
    return shots


def rated(work: Callable[[], None], frames: int) -> tuple[float, float]:
    """Frames a second by this process's CPU, and by the clock."""
    cpu, wall = time.process_time(), time.monotonic()
    work()
    return frames / (time.process_time() - cpu), frames / (time.monotonic() - wall)


def write(path: Path, shots: list[Planes]) -> None:
    """As a recording is."""
    with ClipWriter(path, LENS, 30.0, "benchmark") as clip:
        for number, shot in enumerate(shots):
            clip.add(shot, number * 33_333)


def lossless(path: Path, shots: list[Planes]) -> None:
    """Read it all; ends the run where depth or IR differ."""
    for read, shot in zip(ClipReader(path).frames(), shots, strict=True):
        pairs = ((read.depth_mm, shot.depth_mm), (read.ir, shot.ir))
        if not all(a is not None and b is not None and np.array_equal(a, b) for a, b in pairs):
            raise SystemExit("depth or IR came back changed")


def bare_write(folder: Path, shots: list[Planes]) -> None:
    """The three streams, nothing around them."""
    for name, codec, options in BARE:
        fourcc = cv2.VideoWriter.fourcc(*codec)
        file = str(folder / f"{name}.mkv")
        writer = cv2.VideoWriter(file, cv2.CAP_FFMPEG, fourcc, 30.0, (WIDTH, HEIGHT), options)
        for shot in shots:
            writer.write(getattr(shot, name))
        writer.release()


def bare_read(folder: Path) -> None:
    """All frames of the three streams."""
    for name, _, _ in BARE:
        options = [] if name == "bgr" else [cv2.CAP_PROP_CONVERT_RGB, 0]
        capture = cv2.VideoCapture(str(folder / f"{name}.mkv"), cv2.CAP_FFMPEG, options)
        read: tuple[bool, npt.NDArray[Any]] = (True, np.empty(0))
        while read[0]:
            read = capture.read()
        capture.release()


if __name__ == "__main__":
    sys.exit(main())
