"""Fix the counter to the camera it was fitted with: the four ``pin_…`` of the configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError

from yibao_face.daemon.amend import replace_config
from yibao_face.daemon.config import ConfigError, load_config
from yibao_face.drivers.api import CameraInfo


class PinError(Exception):
    """The configuration cannot be changed; the message is one Chinese sentence."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """What is written; empty where the driver does not know it, which is not compared."""

    usb_id: str
    serial: str
    path: str
    firmware: str


def pin_of(info: CameraInfo) -> Pinned:
    """What tells this camera from another; a camera that tells nothing cannot be pinned."""
    pinned = Pinned(info.usb_id, info.serial, info.path, "")
    if not (pinned.usb_id or pinned.serial):
        raise PinError("这个摄像头没有可核对的编号，无法固定")
    return pinned


def write_pin(file: Path, pinned: Pinned) -> None:
    """Write it into ``file``, whose comments and order stay; the whole new file or the old one."""
    try:
        before = file.read_text("utf-8-sig") if file.is_file() else ""
        document = tomlkit.parse(before)
        camera = document.setdefault("camera", tomlkit.table())
        for key in ("usb_id", "serial", "path", "firmware"):
            camera[f"pin_{key}"] = getattr(pinned, key)
        replace_config(file, tomlkit.dumps(document), load_config)
    except ConfigError as exc:
        raise PinError("写入后的配置无法使用，已放弃修改，请联系工程师") from exc
    except (OSError, UnicodeDecodeError, TOMLKitError, TypeError) as exc:
        raise PinError("配置文件无法写入，请检查文件权限") from exc
