"""The camera: is it there, is it ours, may we, does it see what liveness needs."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator

from yibao_face.daemon.codes import TABLE, cause_of
from yibao_face.daemon.core.encounter import Cause
from yibao_face.daemon.core.liveness.device import DeviceFacts, is_software
from yibao_face.daemon.doctor.check import Check, Finding, doubt, fault, passed_over, well
from yibao_face.daemon.doctor.machine.registry import CLASSES, MACHINE, USER, below, values
from yibao_face.daemon.doctor.subject import Subject
from yibao_face.drivers.api import Capability, DeviceError, Frame
from yibao_face.drivers.conformance.point import first_frame
from yibao_face.drivers.holder import holder_of
from yibao_face.drivers.plugin import plugins
from yibao_face.drivers.table import AUTO, BUILT_IN, open_camera
from yibao_face.drivers.uvc.linux.node import Node, nodes
from yibao_face.drivers.uvc.linux.node import Places as DevicePlaces

GROUP = "camera"
_FAST_MBPS, _SLOW_MBPS = 5000, 480
# Vendors of depth cameras, which need USB 3 for colour, depth and infrared at once.
_DEPTH_VENDORS = ("8086:", "2bc5:")
# These check a face themselves, and as they come from the works not whether it is alive.
_DECIDING = {"2aad:6373": "RealSense ID F45x"}
_OUR_GROUPS = ("video", "plugdev", "yibao-face")
_FIRST_S = 5.0
_PRIVACY = r"SOFTWARE\Microsoft\Windows\CurrentVersion\CapabilityAccessManager\ConsentStore\webcam"
_FILTERS = r"CLSID\{860BB310-5D01-11D0-BD3B-00A0C911CE86}\Instance"


def _nodes(subject: Subject) -> list[Node]:
    return nodes(DevicePlaces(subject.places.sys, subject.places.dev))


def configured(subject: Subject) -> Finding:
    """Whether one is named, by a driver that exists."""
    uri = subject.config.camera.uri
    if not uri:
        cause = "没有配置摄像头"
        return fault("空", cause, "请在[camera]填写uri，可填auto；编号见 yibao-face camera list")
    name = uri.partition(":")[0]
    site = plugins(subject.config.plugins).drivers
    if uri != AUTO and name not in BUILT_IN and name not in site:
        cause = "配置的摄像头驱动不存在"
        return fault(name, cause, f"请改为 auto 或：{'、'.join(BUILT_IN)}")
    return well(name)


def plugged_in(subject: Subject) -> Finding:
    """What the drivers see."""
    found = subject.found
    if found.cameras:
        names = "、".join(f"{info.driver} {info.model}".strip() for info in found.cameras[:4])
        return well(f"{len(found.cameras)} 个：{names}")
    if found.faults:
        name, why = next(iter(found.faults.items()))
        cause = TABLE[cause_of(why)].message
        return fault(
            name, f"摄像头驱动{name}无法查找：{cause}", "请重新插拔摄像头，或重新安装驱动"
        )
    cause = "没有找到摄像头"
    return fault("0 个", cause, "请检查USB线和接口（用电脑后面的蓝色接口），再运行体检")


def rights(subject: Subject) -> Finding:
    """Whether the account that serves may open video devices."""
    if subject.machine.system == "win32":
        return _privacy()
    found = _nodes(subject)
    if not found:
        return passed_over("没有视频设备")
    denied = [node.path.name for node in found if not _may_open(node)]
    if denied:
        cause = "当前账号不能打开摄像头"
        rules = "/etc/udev/rules.d/70-yibao-face.rules"
        fix = f"请把 yibao-face camera rules 的输出存到{rules}，再重新插拔摄像头"
        return fault("、".join(denied), cause, fix)
    return well(f"{len(found)} 个设备可以打开")


def _may_open(node: Node) -> bool:
    try:
        state = node.path.stat()
    except OSError:
        return False
    if sys.platform == "win32" or os.geteuid() != 0:
        return os.access(node.path, os.R_OK | os.W_OK)
    # The administrator may always: what is asked is whether the account that serves may.
    import grp  # noqa: PLC0415  # of POSIX alone

    try:
        group = grp.getgrgid(state.st_gid).gr_name
    except KeyError:
        group = ""
    shared = state.st_mode & 0o060 == 0o060 and group in _OUR_GROUPS
    return shared or state.st_mode & 0o006 == 0o006 or bool(_acl(node))


def _acl(node: Node) -> bool:
    """Whether udev gave somebody of this session a right of his own."""
    if sys.platform != "linux":
        return False
    try:
        return "system.posix_acl_access" in os.listxattr(node.path)
    except OSError:
        return False


def _privacy() -> Finding:
    if any(values(root, _PRIVACY).get("Value") == "Deny" for root in (MACHINE, USER)):
        cause = "Windows隐私设置不允许使用摄像头"
        return fault("Deny", cause, "请在“设置→隐私→摄像头”里打开允许桌面应用访问")
    return well("允许")


def speed(subject: Subject) -> Finding:
    """Of the USB connection: a depth camera at a slow socket loses pictures."""
    if subject.machine.system == "win32":
        return passed_over("Windows不提供该信息，请用蓝色USB 3.0接口")
    speeds = {node.device: (node, _mbps(node)) for node in _nodes(subject) if node.usb_id}
    known = [(node, mbps) for node, mbps in speeds.values() if mbps]
    if not known:
        return passed_over("没有USB摄像头")
    node, mbps = min(known, key=lambda one: one[1])
    told = f"{node.name or node.usb_id} {mbps} Mbps"
    if mbps < _SLOW_MBPS:
        cause = "摄像头接在低速USB接口上，画面跟不上"
        return fault(told, cause, "请换到USB 3.0接口（蓝色），不要经过集线器和加长线")
    depth = node.usb_id.startswith(_DEPTH_VENDORS)
    if depth and mbps < _FAST_MBPS:
        cause = "3D摄像头没有以USB 3.0连接，帧率会下降"
        return doubt(told, cause, "请换到USB 3.0接口（蓝色），使用原装线")
    return well(told)


def _mbps(node: Node) -> int:
    try:
        return int(float((node.device / "speed").read_text("ascii")))
    except (OSError, ValueError):
        return 0


def holder(subject: Subject) -> Finding:
    """Which program has it open, where it is not us."""
    if subject.health is not None:
        return passed_over("核验服务正在使用摄像头")
    if subject.machine.system == "win32":
        return passed_over("Windows不提供该信息，打不开时请关闭其他用摄像头的程序")
    for node in _nodes(subject):
        name = holder_of(node.path, subject.places.proc)
        if name:
            cause = f"摄像头被程序{name}占用"
            return fault(f"{node.path.name}：{name}", cause, "请关闭该程序后重试")
    return well("没有被占用")


def pinned(subject: Subject) -> Finding:
    """Whether the camera this counter was fitted with is there."""
    camera = subject.config.camera
    if not (camera.pin_usb_id or camera.pin_serial):
        cause = "没有固定摄像头，换成别的摄像头不会被发现"
        return doubt("未固定", cause, "请在控制台“摄像头向导”里固定当前摄像头")
    usb_id = camera.pin_usb_id.strip().lower()
    there = [
        info
        for info in subject.found.cameras
        if usb_id in ("", info.usb_id) and camera.pin_serial in ("", info.serial)
    ]
    if not there:
        cause = "登记的摄像头不在，换了别的摄像头或没有插好"
        return fault(
            usb_id or "序列号不符", cause, "请换回登记的摄像头；确需更换请在控制台重新固定"
        )
    return well(there[0].model or usb_id)


def virtual(subject: Subject) -> Finding:
    """Cameras that are programs: with one of them anybody may be shown."""
    names = sorted(set(_software(subject)))
    if names:
        cause = "电脑上装有虚拟摄像头软件，可能被用来冒充"
        return fault("、".join(names), cause, "请卸载该软件；结算电脑不得安装虚拟摄像头")
    return well("没有")


def _software(subject: Subject) -> Iterator[str]:
    for node in _nodes(subject):
        path = str(node.device)
        if is_software(DeviceFacts("uvc", node.name, path=path, device_name=node.name)):
            yield node.name
    yield from (name for name in _filters() if is_software(DeviceFacts("uvc", name)))


def _filters() -> Iterator[str]:
    """Capture filters of DirectShow: that is how such programs show themselves on Windows."""
    for name in below(CLASSES, _FILTERS):
        yield values(CLASSES, f"{_FILTERS}\\{name}").get("FriendlyName", "")


def planes(subject: Subject) -> Finding:
    """Whether it sees depth and infrared: asked of a frame, while nobody else has it."""
    uri = subject.config.camera.uri
    if not uri:
        return passed_over("没有配置摄像头")
    if subject.health is not None:
        return passed_over("核验服务正在使用摄像头，请在控制台做整机自检")
    site = plugins(subject.config.plugins).drivers
    try:
        with open_camera(uri, subject.config.camera.settings, site) as camera:
            frame, flags = first_frame(camera, _FIRST_S), camera.info.capability
    except DeviceError as exc:
        return fault(type(exc).__name__, TABLE[cause_of(exc)].message, "请按提示处理后再运行体检")
    return _seen(frame, recorded=Capability.RECORDED in flags)


def _seen(frame: Frame, *, recorded: bool) -> Finding:
    seen = ["彩色"]
    seen += ["深度"] if frame.depth_mm is not None else []
    seen += ["红外"] if frame.ir is not None else []
    told = "、".join(seen)
    if recorded:
        fix = "请接入3D摄像头并修改[camera]的uri"
        return doubt(f"{told}（录像）", TABLE[Cause.RECORDED_CAMERA].message, fix)
    if frame.depth_mm is None:
        cause = "摄像头没有深度画面，不能用于结算"
        return fault(told, cause, "请更换3D摄像头，或按供应商说明启用深度")
    if frame.ir is None:
        cause = "摄像头没有红外画面，逆光和暗处更易失败"
        return doubt(told, cause, "有红外的型号请在驱动里启用")
    return well(told)


def vendor(subject: Subject) -> Finding:
    """Devices and settings that are not safe as their vendor delivers them."""
    unsafe = [title for usb_id, title in _DECIDING.items() if usb_id in _usb_ids(subject)]
    if unsafe:
        cause = "该设备出厂默认只比对不查活体，不能用它自带的判断"
        return doubt("、".join(unsafe), cause, "请勿使用厂商自带的识别结果；本程序不采用它")
    camera = subject.config.camera
    name = camera.uri.partition(":")[0]
    if name in ("rtsp", "onvif") and not camera.settings.credentials:
        cause = "网络摄像头没有设置密码文件，可能仍是出厂口令"
        return doubt(name, cause, "请修改摄像头口令，并在[camera.settings]填写credentials文件")
    if re.search(r"//[^/@]*:[^/@]*@", camera.uri):
        return doubt(name, "摄像头口令写在了配置里", "请把口令移到credentials文件（权限600）")
    if name == "cabi" and not camera.settings.sha256:
        cause = "外部驱动库没有核对指纹，被替换不会被发现"
        return doubt(name, cause, "请在[camera.settings]填写sha256")
    return well("没有发现")


def _usb_ids(subject: Subject) -> set[str]:
    folder = subject.places.sys / "bus" / "usb" / "devices"
    found: set[str] = set()
    for device in folder.iterdir() if folder.is_dir() else ():
        try:
            ids = [
                (device / name).read_text("ascii").strip() for name in ("idVendor", "idProduct")
            ]
        except OSError:
            continue
        found.add(":".join(ids).lower())
    return found


CHECKS = (
    Check("camera", GROUP, "摄像头配置", "configured camera", configured),
    Check("camera-list", GROUP, "摄像头连接", "cameras plugged in", plugged_in, limit_s=15),
    Check("camera-rights", GROUP, "摄像头权限", "camera permissions", rights),
    Check("camera-usb", GROUP, "USB速度", "USB speed", speed),
    Check("camera-holder", GROUP, "摄像头占用", "who holds the camera", holder),
    Check("camera-pin", GROUP, "登记的摄像头", "pinned camera", pinned),
    Check("camera-virtual", GROUP, "虚拟摄像头", "virtual cameras", virtual),
    Check("camera-planes", GROUP, "深度和红外", "depth and infrared", planes),
    Check("camera-vendor", GROUP, "厂商默认值", "unsafe vendor defaults", vendor),
)
