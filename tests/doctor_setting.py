"""What is done to the configuration and the camera."""

from __future__ import annotations

import os
from dataclasses import replace

from doctor_bed import Bench
from doctor_case import (
    FAIL,
    OK,
    SKIP,
    WARN,
    Breaks,
    case,
    listed,
    quiet,
    setting,
)
from harness import HOME

listed("config", OK, "默认值", quiet)
listed("config-rights", SKIP, "没有配置文件", quiet)
listed("institution", OK, "001000200031", quiet)
listed("institution", WARN, "机构编码", setting("desk", institution=""))
listed("samples", OK, "", quiet)
listed("samples", FAIL, "camera.uri", setting("camera", uri="replay:/a.rgbd"))
listed("samples", FAIL, "desk.institution", setting("desk", institution="001000200030"))
listed("samples", FAIL, "centre.url", setting("centre", url="https://centre.example:51519"))
listed("callers", OK, "", quiet)
listed("callers", WARN, "text_plain", setting("door", text_plain=True))
listed("callers", WARN, "http://his", setting("door", origins=("http://his.local",)))
for word, section, weak, level in (
    ("liveness-depth", "liveness", {"allow_rgb_only": True}, FAIL),
    ("liveness-challenge", "liveness", {"challenge": "never"}, FAIL),
    ("match-margin", "match", {"margin": 0.0}, WARN),
    ("camera-peek", "camera", {"peek_s": 0.0}, WARN),
    ("lockout", "lockout", {"spoofs": 0}, FAIL),
    ("lockout", "lockout", {"spoofs": 50}, FAIL),
    ("lockout", "lockout", {"lock_s": 1.0}, FAIL),
    ("attack-pictures", "liveness", {"keep_attack_crops": False}, WARN),
):
    listed(word, OK, "", quiet)
    listed(word, level, "请", setting(section, **weak))
listed("camera-lamps", OK, "true", quiet)


@case("camera-lamps", FAIL, "补光")
def _dark(bench: Bench) -> None:
    bench.set("camera", settings=replace(bench.config.camera.settings, emitter=False))


@case("config", FAIL, "unknown key door.prot")
def _typo(bench: Bench) -> None:
    bench.trouble = "config.toml: unknown key door.prot"


@case("liveness-depth", SKIP, "先修好")
def _unknown_config(bench: Bench) -> None:
    _typo(bench)


def config_file(mode: int) -> Breaks:
    def make(bench: Bench) -> None:
        bench.file.write_text("", "utf-8")
        bench.file.chmod(mode)

    return make


listed("config", OK, "可用", config_file(0o640))
listed("config-rights", OK, "640", config_file(0o640))
listed("config-rights", FAIL, "任何账号", config_file(0o666))


def camera(name: str, **usb: str) -> Breaks:
    return lambda bench: bench.camera(0, name, **usb)


ORBBEC = {"idVendor": "2bc5", "idProduct": "0402"}
listed("camera", FAIL, "没有配置", quiet)
listed("camera", OK, "uvc", setting("camera", uri="uvc:/dev/video0"))
listed("camera", OK, "auto", setting("camera", uri="auto"))
listed("camera", FAIL, "驱动不存在", setting("camera", uri="kinect:0"))
listed("camera-rights", SKIP, "没有视频设备", quiet)
listed("camera-rights", OK, "1 个", camera("HD Camera"))
listed("camera-usb", SKIP, "没有USB", quiet)
listed("camera-usb", OK, "5000", camera("Astra", speed="5000", **ORBBEC))
listed("camera-usb", WARN, "USB 3.0", camera("Astra", speed="480", **ORBBEC))
listed("camera-usb", FAIL, "低速", camera("Astra", speed="12", **ORBBEC))
listed("camera-holder", OK, "没有被占用", camera("HD Camera"))
listed("camera-virtual", OK, "没有", camera("HD Camera", speed="480", **ORBBEC))
listed("camera-virtual", FAIL, "OBS Virtual Camera", camera("OBS Virtual Camera"))
listed("camera-virtual", FAIL, "Nice Webcam", camera("Nice Webcam"))
listed("camera-vendor", OK, "没有发现", quiet)
listed("camera-vendor", WARN, "口令", setting("camera", uri="rtsp://10.0.0.2/1"))
listed("camera-vendor", WARN, "指纹", setting("camera", uri="cabi:/opt/vendor.so"))
listed("camera-list", FAIL, "没有找到", quiet)
listed("camera-pin", WARN, "未固定", quiet)
listed("camera-pin", FAIL, "登记的摄像头不在", setting("camera", pin_usb_id="2bc5:0402"))
listed("camera-planes", SKIP, "没有配置", quiet)
listed("camera-planes", FAIL, "未找到", setting("camera", uri="uvc:/dev/video63"))


@case("camera-vendor", WARN, "RealSense ID")
def _deciding(bench: Bench) -> None:
    bench.put("sys/bus/usb/devices/1-1/idVendor", "2aad\n")
    bench.put("sys/bus/usb/devices/1-1/idProduct", "6373\n")


@case("camera-rights", FAIL, "不能打开")
def _private_camera(bench: Bench) -> None:
    bench.camera(0, "HD Camera").chmod(0o600 if os.geteuid() == 0 else 0)


@case("camera-planes", WARN, "深度、红外（录像）")
def _recording(bench: Bench) -> None:
    bench.set("camera", uri=f"replay:{HOME / 'clips' / 'live-first.rgbd'}")


for network in ("yunet-2023mar", "sface-2021dec", "face-landmarker-1", "canonical-face-1"):
    listed(f"model-{network}", OK, "一致", quiet)
listed("model-choice", OK, "随程序", quiet)
listed("model-choice", FAIL, "比对模型", setting("match", model="ours-1"))
listed("model-speed", OK, "embedder", quiet)
