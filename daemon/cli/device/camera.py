"""``yibao-face camera``: what is plugged in, does it keep the contract, what does it see."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from importlib import resources
from pathlib import Path

from yibao_face.daemon.cli.common import CliError, Commands, command, config_of, say
from yibao_face.daemon.cli.device.check import checked, timed
from yibao_face.daemon.cli.device.preview import show
from yibao_face.daemon.config import Config
from yibao_face.drivers.api import Camera, CameraInfo, Capability, Frame
from yibao_face.drivers.clip import ClipWriter, Planes
from yibao_face.drivers.conformance.bed import Bed
from yibao_face.drivers.conformance.point import first_frame
from yibao_face.drivers.plugin import Plugins, plugins
from yibao_face.drivers.table import discover, open_camera

_READ_S = 0.25
# What the file says of itself; the timestamps of the frames are what counts.
_FPS = 30.0
FACES = "录像含有人脸，只在本人同意后录制，用毕请删除 / recordings show faces: ask, then delete"


def add(commands: Commands) -> None:
    """Register the command and its actions."""
    parser = command(commands, "camera", "list, test, record, preview a camera / 摄像头")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="cameras that are plugged in, best first")
    listing.add_argument("--json", action="store_true", help="one JSON object a line")
    listing.set_defaults(run=_list)
    testing = _action(actions, "test", "whether the driver keeps its contract with this camera")
    testing.add_argument("--by-hand", action="store_true", help="ask to unplug and cover it too")
    testing.set_defaults(run=_test)
    recording = _action(actions, "record", "record a clip; ask who is seen before")
    recording.add_argument("file", type=Path, help="where to, *.rgbd")
    recording.add_argument("--seconds", type=float, default=5.0)
    recording.add_argument("--label", default="camera", help="what is recorded, never who")
    recording.set_defaults(run=_record)
    rules = actions.add_parser("rules", help="udev rules that let this machine's user look")
    rules.set_defaults(run=_rules)
    preview = _action(actions, "preview", "see what it sees, in a browser of this machine")
    preview.add_argument("--port", type=int, default=0, help="0 = any free one")
    preview.set_defaults(run=_preview)


def _action(actions: Commands, name: str, told: str) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=told)
    parser.add_argument("--camera", metavar="URI", help="instead of the configured one; or auto")
    return parser


def _list(given: argparse.Namespace) -> int:
    config = config_of(given)
    site = plugins(config.plugins)
    found = discover(config.camera.settings, site.drivers)
    for info in found.cameras:
        say(json.dumps(_facts(info), ensure_ascii=False) if given.json else _line(info))
    if given.json:
        return 0 if found.cameras else 1
    for name, fault in found.faults.items():
        say(f"{name}: 无法查找 cannot look: {fault}")
    for name, why in site.refused.items():
        say(f"插件未启用 plug-in refused: {name}: {why}")
    if not found.cameras:
        say("未找到摄像头，请检查连接和驱动 / no camera was found")
    return 0 if found.cameras else 1


def _facts(info: CameraInfo) -> dict[str, object]:
    return {**asdict(info), "capability": _flags(info.capability)}


def _flags(capability: Capability) -> str:
    return "+".join(str(flag.name) for flag in Capability if flag and flag in capability)


def _line(info: CameraInfo) -> str:
    named = [info.uri, info.model, _flags(info.capability), info.usb_id, info.serial, info.path]
    return "  ".join(part for part in named if part)


def opener(given: argparse.Namespace) -> Callable[[], Camera]:
    """Opens ``--camera``, or the configured one."""
    config = config_of(given)
    return _opener(given, config, plugins(config.plugins))


def _opener(given: argparse.Namespace, config: Config, site: Plugins) -> Callable[[], Camera]:
    uri: str = given.camera or config.camera.uri
    if not uri:
        raise CliError("no camera is configured: give --camera URI, or auto; see `camera list`")
    return lambda: open_camera(uri, config.camera.settings, site.drivers)


def _test(given: argparse.Namespace) -> int:
    config = config_of(given)
    site = plugins(config.plugins)
    open_ = _opener(given, config, site)
    with open_() as camera:
        info = camera.info
    say(_line(info))
    bed = Bed(
        info.driver,
        open_,
        recorded=Capability.RECORDED in info.capability,
        discover=lambda: list(discover(config.camera.settings, site.drivers).cameras),
    )
    failed = checked(bed, say, input if given.by_hand else None)
    say(timed(open_))
    return int(failed > 0)


def _record(given: argparse.Namespace) -> int:
    file: Path = given.file
    if file.suffix != ".rgbd" or file.exists():
        raise CliError(f"{file.name}: name a new file that ends in .rgbd")
    if not 0 < given.seconds <= 120:
        raise CliError("--seconds must be 0..120: a clip is played from memory")
    say(FACES)
    with opener(given)() as camera:
        frames = _recorded(camera, first_frame(camera), file, given)
    file.chmod(0o600)
    say(f"{file.name}: {frames} 帧 frames")
    return 0


def _recorded(camera: Camera, first: Frame, file: Path, given: argparse.Namespace) -> int:
    until, count, frame = time.monotonic() + given.seconds, 0, first
    apart = first.pair or Capability.PAIRED in camera.info.capability
    with ClipWriter(file, first.intrinsics, _FPS, given.label, apart) as clip:
        while True:
            clip.add(Planes(frame.bgr, frame.depth_mm, frame.ir), frame.device_us)
            count += 1
            following = None
            while following is None:
                if time.monotonic() >= until:
                    return count
                following = camera.read(_READ_S)
            frame = following


def _rules(_given: argparse.Namespace) -> int:
    file = resources.files("yibao_face.drivers") / "70-yibao-face.rules"
    say(file.read_text("utf-8").rstrip())
    return 0


def _preview(given: argparse.Namespace) -> int:
    with opener(given)() as camera, suppress(KeyboardInterrupt):
        asyncio.run(show(camera, given.port, say))
    return 0
