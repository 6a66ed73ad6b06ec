"""One encounter per camera: busy, caller gone, deadline, silence, loss, stopping."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness import FIRST, Running, his_call, running, wait_for

from yibao_face.daemon.config import Config
from yibao_face.daemon.door.http import AUTH_PATH
from yibao_face.drivers.api import (
    Capability,
    DeviceBusyError,
    DeviceConfigError,
    DeviceError,
    DeviceLostError,
    Frame,
)
from yibao_face.drivers.replay import ReplayCamera
from yibao_face.drivers.virtual import Step, VirtualCamera

ALL = Capability.RGB | Capability.DEPTH | Capability.IR


def frames_of(clips: Path, clip: str, count: int) -> list[Frame]:
    """Frames of a demo clip, for a camera that stamps them."""
    with ReplayCamera(clips / f"{clip}.rgbd", paced=False) as camera:
        found = [camera.read(5.0) for _ in range(count)]
    return [frame for frame in found if frame is not None]


def causes(site: Running) -> list[str]:
    return [row.cause for row in site.daemon.ledger.outbox.waiting()]


class Opened:
    """Hands out virtual cameras by script and remembers them."""

    def __init__(self, *scripts: list[Step], capability: Capability = ALL) -> None:
        self._scripts = list(scripts)
        self._capability = capability
        self.cameras: list[VirtualCamera] = []

    def __call__(self) -> VirtualCamera:
        self.cameras.append(VirtualCamera(self._scripts.pop(0), self._capability, live=True))
        return self.cameras[-1]


def call_in_thread(site: Running) -> tuple[threading.Thread, list[dict[str, Any]]]:
    answers: list[dict[str, Any]] = []
    thread = threading.Thread(
        target=lambda: answers.append(site.caller.authenticate(his_call(FIRST)))
    )
    thread.start()
    return thread, answers


def test_a_live_camera_passes_outside_the_demo(cast: Config, clips: Path) -> None:
    opened = Opened([*frames_of(clips, "live-first", 8)])
    with running(cast, demo=False, camera=opened) as site:
        answer = site.caller.authenticate(his_call(FIRST))

    assert (1, 1) == (answer["code"], answer["type"])
    assert opened.cameras[0].closed


def test_a_second_caller_is_told_busy_and_the_first_is_served(cast: Config, clips: Path) -> None:
    opened = Opened([1.5, *frames_of(clips, "live-first", 8)])
    patient = replace(cast, camera=replace(cast.camera, silence_s=5.0))
    with running(patient, demo=False, camera=opened) as site:
        thread, first = call_in_thread(site)
        wait_for(lambda: opened.cameras)
        second = site.caller.authenticate(his_call(FIRST))
        thread.join(20)

    assert (0, "正在为另一位核验，请稍候重试") == (second["code"], second["msg"])
    assert 1 == first[0]["code"]
    assert 1 == len(opened.cameras)


def test_the_camera_is_free_within_a_second_of_the_caller_leaving(
    cast: Config, clips: Path
) -> None:
    opened = Opened([60.0], [*frames_of(clips, "live-first", 8)])
    patient = replace(cast, camera=replace(cast.camera, silence_s=50.0))
    with running(patient, demo=False, camera=opened) as site:
        caller = http.client.HTTPConnection("127.0.0.1", site.config.door.port)
        caller.request("POST", AUTH_PATH, his_call(FIRST))
        wait_for(lambda: opened.cameras)
        left_at = time.monotonic()
        caller.close()
        wait_for(lambda: opened.cameras[0].closed)
        took_s = time.monotonic() - left_at
        wait_for(lambda: causes(site))
        nxt = site.caller.authenticate(his_call(FIRST))

        assert took_s < 1.0
        assert ["caller-gone", "matched-self"] == causes(site)
    assert 1 == nxt["code"]


def test_the_deadline_of_the_call_ends_it(cast: Config) -> None:
    opened = Opened([60.0])
    short = replace(
        cast,
        camera=replace(cast.camera, silence_s=50.0),
        encounter=replace(cast.encounter, deadline_s=0.5),
    )
    with running(short, demo=False, camera=opened) as site:
        answer = site.caller.authenticate(his_call(FIRST))

    assert (0, "核验超时，请重新发起") == (answer["code"], answer["msg"])


def test_stopping_the_daemon_answers_the_call_under_way(cast: Config) -> None:
    opened = Opened([60.0])
    patient = replace(cast, camera=replace(cast.camera, silence_s=50.0))
    with running(patient, demo=False, camera=opened) as site:
        thread, answers = call_in_thread(site)
        wait_for(lambda: opened.cameras)
    thread.join(10)

    assert (0, "核验服务正在停止，请稍后重试") == (answers[0]["code"], answers[0]["msg"])


@pytest.mark.parametrize(
    ("script", "said", "cause"),
    [
        ([60.0], "没有画面", "camera-silent"),
        ([DeviceLostError("virtual:0 unplugged")], "已断开", "camera-lost"),
        ([DeviceError("virtual:0 broke")], "摄像头故障", "camera-fault"),
        ([RuntimeError("a bug of the driver")], "系统内部错误", "internal"),
    ],
    ids=["silent", "unplugged", "broken", "driver bug"],
)
def test_a_failing_camera_is_named_and_the_next_call_is_served(
    cast: Config, clips: Path, script: list[Step], said: str, cause: str
) -> None:
    opened = Opened(script, [*frames_of(clips, "live-first", 8)])
    with running(cast, demo=False, camera=opened) as site:
        failed = site.caller.authenticate(his_call(FIRST))
        served = site.caller.authenticate(his_call(FIRST))

        assert [cause, "matched-self"] == causes(site)
    assert 0 == failed["code"]
    assert said in failed["msg"]
    assert 1 == served["code"]
    assert all(camera.closed for camera in opened.cameras)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DeviceBusyError("uvc:0"), "其他程序占用"),
        (DeviceConfigError("uvc:0"), "配置有误"),
    ],
    ids=["busy", "config"],
)
def test_a_camera_that_does_not_open_is_told_why(
    cast: Config, error: DeviceError, said: str
) -> None:
    def refuse() -> VirtualCamera:
        raise error

    with running(cast, camera=refuse) as site:
        answer = site.caller.authenticate(his_call(FIRST))

    assert 0 == answer["code"]
    assert said in answer["msg"]


def test_a_colour_camera_without_depth_cannot_pass_anybody(cast: Config, clips: Path) -> None:
    opened = Opened([*frames_of(clips, "live-first", 8)], capability=Capability.RGB)
    with running(cast, demo=False, camera=opened) as site:
        answer = site.caller.authenticate(his_call(FIRST))

    assert 0 == answer["code"]
    assert "不支持活体检测" in answer["msg"]


@pytest.mark.parametrize("living", [1, 2, 3])
def test_a_photo_shown_among_living_frames_of_the_same_person_is_refused(
    cast: Config, clips: Path, living: int
) -> None:
    script: list[Step] = [
        *frames_of(clips, "live-first", living),
        *frames_of(clips, "flat-first", 4),
    ]
    with running(cast, demo=False, camera=Opened(script)) as site:
        answer = site.caller.authenticate(his_call(FIRST))

    assert 0 == answer["code"]
    assert "疑似照片" in answer["msg"]


@pytest.mark.parametrize("at", range(5))
def test_one_photo_frame_among_a_living_strangers_is_never_the_one_matched(
    cast: Config, clips: Path, at: int
) -> None:
    script: list[Step] = [*frames_of(clips, "live-second", 8)]
    script[at:at] = frames_of(clips, "flat-first", 1)
    with running(cast, demo=False, camera=Opened(script)) as site:
        answer = site.caller.authenticate(his_call(FIRST))

    assert (0, 0) == (answer["code"], answer["type"])


def test_living_frames_of_one_person_never_vouch_for_another(cast: Config, clips: Path) -> None:
    script: list[Step] = []
    for _ in range(4):
        script += frames_of(clips, "live-second", 3)
        script += frames_of(clips, "nobody", 1)
    opened = Opened([*script, *frames_of(clips, "live-first", 1)])
    with running(cast, demo=False, camera=opened) as site:
        answer = site.caller.authenticate(his_call(FIRST))

    assert (0, 0) == (answer["code"], answer["type"])
