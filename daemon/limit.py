"""What the values of a configuration must keep to: pairs of whether it holds, and the rule."""

from __future__ import annotations

import re
from datetime import time
from ipaddress import AddressValueError, IPv4Address
from typing import TYPE_CHECKING

from yibao_face.daemon.core.liveness.challenge import Action, When
from yibao_face.daemon.core.liveness.device import is_usb_id
from yibao_face.daemon.section import (
    CHARSETS,
    CONTRASTS,
    SUITES,
    CameraConfig,
    LanConfig,
    UiConfig,
)
from yibao_face.daemon.ui.text import LANGUAGES
from yibao_face.daemon.wire.origin import origin_of
from yibao_face.sync.uplink.api import UplinkError, place_of

if TYPE_CHECKING:
    from yibao_face.daemon.config import Config

Rules = tuple[tuple[bool, str], ...]


def limits_of(config: Config) -> Rules:
    """Every rule, with whether ``config`` keeps to it."""
    return (
        *_machine_limits(config),
        *_liveness_limits(config),
        *_scene_limits(config),
        *_store_limits(config),
        *_lan_limits(config.lan),
        *_ui_limits(config.ui),
    )


def _machine_limits(config: Config) -> Rules:
    return (
        (config.door.host in ("127.0.0.1", "::1", "localhost"), "door.host must be this machine"),
        (0 <= config.door.port < 65536, "door.port must be 0..65535"),
        (
            all(origin_of(page) == page for page in config.door.origins),
            "door.origins must be like https://his.example:8443: lower case, no path,"
            " no default port",
        ),
        (0 < config.encounter.deadline_s <= 3600, "encounter.deadline_s must be 0..3600"),
        (0 < config.encounter.capture_s <= 300, "encounter.capture_s must be 0..300"),
        *_camera_limits(config.camera),
        (0 < config.enrolment.counter_s <= 300, "enrolment.counter_s must be 0..300"),
        (0 <= config.match.margin < 0.5, "match.margin must be 0..0.5: it may only tighten"),
    )


def _lan_limits(lan: LanConfig) -> Rules:
    return (
        (
            _is_ipv4(lan.host) or (lan.host == "" and not lan.enabled),
            "lan.host must be an IPv4 address of this machine",
        ),
        (0 <= lan.port < 65536, "lan.port must be 0..65535"),
        (1 <= lan.calls_per_min <= 6000, "lan.calls_per_min must be 1..6000"),
    )


def _is_ipv4(text: str) -> bool:
    try:
        return str(IPv4Address(text)) == text
    except AddressValueError:
        return False


def _camera_limits(camera: CameraConfig) -> Rules:
    given = camera.settings
    sides = (given.width, given.height)
    return (
        (0 < camera.silence_s <= 60, "camera.silence_s must be 0..60"),
        (-1 <= camera.idle_s <= 86_400, "camera.idle_s must be -1..86400"),
        (0 <= camera.peek_s <= 3600, "camera.peek_s must be 0..3600"),
        (
            min(sides) >= 160 and max(sides) <= 4096,
            "camera.settings.width and height must be 160..4096 px",
        ),
        (1 <= given.fps <= 120, "camera.settings.fps must be 1..120"),
        (given.mains_hz in (0, 50, 60), "camera.settings.mains_hz must be 0, 50 or 60"),
        (0 <= given.exposure_ms <= 1000, "camera.settings.exposure_ms must be 0..1000"),
        (10 <= given.fov_deg <= 170, "camera.settings.fov_deg must be 10..170"),
        (
            given.sha256 == "" or re.fullmatch("[0-9a-f]{64}", given.sha256) is not None,
            "camera.settings.sha256 must be 64 hexadecimal digits in lower case",
        ),
    )


def _liveness_limits(config: Config) -> Rules:
    liveness, usb_id = config.liveness, config.camera.pin_usb_id.strip().lower()
    known = {action.value for action in Action}
    return (
        (
            liveness.challenge in {when.value for when in When},
            f"liveness.challenge must be one of {', '.join(When)}",
        ),
        (
            0 <= liveness.challenge_amount <= 10**7,
            "liveness.challenge_amount must be 0..10000000 yuan",
        ),
        (
            Action.MOUTH.value in liveness.actions and set(liveness.actions) <= known,
            f"liveness.actions must be of {', '.join(Action)}, mouth among them",
        ),
        (1 <= liveness.crop_days <= 30, "liveness.crop_days must be 1..30"),
        (
            not usb_id or is_usb_id(usb_id),
            "camera.pin_usb_id must be like 2bc5:0402, hexadecimal and not all zeros",
        ),
    )


def _scene_limits(config: Config) -> Rules:
    lockout, desk = config.lockout, config.desk
    return (
        (config.door.charset in CHARSETS, f"door.charset must be one of {', '.join(CHARSETS)}"),
        (0 <= config.repeat.pass_s <= 3600, "repeat.pass_s must be 0..3600"),
        (0 <= lockout.spoofs <= 100, "lockout.spoofs must be 0..100"),
        (0 < lockout.window_s <= 86_400, "lockout.window_s must be 0..86400"),
        (0 < lockout.lock_s <= 86_400, "lockout.lock_s must be 0..86400"),
        (0 <= config.attendance.duplicate_s <= 3600, "attendance.duplicate_s must be 0..3600"),
        (
            0 <= config.attendance.clock_tolerance_s <= 3600,
            "attendance.clock_tolerance_s must be 0..3600",
        ),
        (1 <= config.console.idle_min <= 240, "console.idle_min must be 1..240"),
        (len(desk.institution) <= 20, "desk.institution has over 20 characters"),
        (_is_time(desk.round_by), "desk.round_by must be a time like 20:00"),
        (_is_centre(config.centre.url), "centre.url must be empty or like https://host:51519"),
        (0 <= desk.makeup_hours <= 240, "desk.makeup_hours must be 0..240"),
        (
            min(desk.max_agents, desk.max_cards) >= 0,
            "desk.max_agents, max_cards must not be negative",
        ),
    )


def _is_centre(url: str) -> bool:
    try:
        return not url or bool(place_of(url))
    except UplinkError:
        return False


def _store_limits(config: Config) -> Rules:
    return (
        (1 <= config.evidence.quota_mb <= 1_048_576, "evidence.quota_mb must be 1..1048576"),
        (config.crypto.suite in SUITES, f"crypto.suite must be one of {', '.join(SUITES)}"),
    )


def _ui_limits(ui: UiConfig) -> Rules:
    return (
        (0 <= ui.screen <= 8, "ui.screen must be 0..8"),
        (0 <= ui.volume <= 100, "ui.volume must be 0..100"),
        (ui.language in LANGUAGES, f"ui.language must be one of {', '.join(LANGUAGES)}"),
        (ui.contrast in CONTRASTS, f"ui.contrast must be one of {', '.join(CONTRASTS)}"),
    )


def _is_time(text: str) -> bool:
    try:
        return f"{time.fromisoformat(text):%H:%M}" == text
    except ValueError:
        return False
