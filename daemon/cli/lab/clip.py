"""``yibao-face clip``: make the demo clips, look into one."""

from __future__ import annotations

import argparse
from pathlib import Path

from yibao_face.daemon.cli.common import Commands, command, config_of, say
from yibao_face.daemon.wiring import weight_store
from yibao_face.drivers.clip import ClipReader
from yibao_face.models.suite import load_face_models


def add(commands: Commands) -> None:
    """Register the command and its actions."""
    parser = command(commands, "clip", "make the demo clips, inspect a clip / 录像片段")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    making = actions.add_parser("make", help="build the demo clips by the seeded script")
    making.add_argument(
        "--out", type=Path, metavar="FOLDER", help="default: clips in the data folder"
    )
    making.add_argument("--seed", type=int, default=1)
    making.set_defaults(run=_make)
    info = actions.add_parser("info", help="check a clip to its last frame and describe it")
    info.add_argument("file", type=Path)
    info.set_defaults(run=_info)


def _make(given: argparse.Namespace) -> int:
    # Its geometry needs scipy, which only demo machines have.
    from yibao_face.daemon.demo.picture.clips import make_clips  # noqa: PLC0415

    config = config_of(given)
    models = load_face_models(weight_store(config))
    try:
        made = make_clips(
            models, config.downloads, given.out or config.data / "clips", given.seed, say
        )
    finally:
        models.close()
    say(f"{len(made)} clips in {given.out or config.data / 'clips'}")
    return 0


def _info(given: argparse.Namespace) -> int:
    clip = ClipReader(given.file)
    frames = sum(1 for _ in clip.frames())
    header = clip.header
    size = f"{header.intrinsics.width}x{header.intrinsics.height}"
    say(f"{given.file.name}: {frames} frames {size} at {header.fps:g} fps, {header.label}")
    return 0
