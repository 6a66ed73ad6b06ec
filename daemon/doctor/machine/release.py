"""What came with the program, and what waits to replace it."""

from __future__ import annotations

import json
from pathlib import Path

from yibao_face.daemon.doctor.check import Check, Finding, doubt, fault, passed_over, well
from yibao_face.daemon.doctor.subject import Subject
from yibao_face.installer.update.fault import UpdateError
from yibao_face.installer.update.place import Place
from yibao_face.installer.update.site import default_root
from yibao_face.installer.update.state import read_state

GROUP = "release"


def papers(subject: Subject) -> Finding:
    """Bill of materials and licences of a packed program."""
    bundle = subject.places.bundle
    if bundle is None:
        return passed_over("从源代码运行，没有打包清单")
    try:
        bill = json.loads((bundle / "sbom.json").read_text("utf-8"))
        count = len(bill["components"])
    except (OSError, ValueError, KeyError, TypeError):
        return fault("sbom.json", "安装包缺少组件清单，可能不完整", "请用原安装包重新安装（修复）")
    licences = bundle / "licences"
    held = sum(1 for _ in licences.iterdir()) if licences.is_dir() else 0
    if not held:
        return fault(
            "licences", "安装包缺少许可证文件，可能不完整", "请用原安装包重新安装（修复）"
        )
    return well(f"{count} 个组件，{held} 份许可证")


def updates(subject: Subject) -> Finding:
    """A version that waits beside this one, and one that was tried and failed."""
    place = Place(_root(subject))
    try:
        state = read_state(place.state)
    except UpdateError:
        cause = "更新的状态文件损坏"
        return fault("state.json", cause, "请用安装包重新安装（修复），数据会保留")
    if state.waiting:
        cause = "有更新等待安装"
        return doubt(state.waiting, cause, "无人核验时会自动安装；也可请工程师现在安装")
    if state.failed:
        told = "、".join(sorted(state.failed))
        cause = "有更新安装后没有通过自检，已退回原来的版本"
        return doubt(told, cause, "请把体检报告交给工程师；在修好之前继续使用现在的版本")
    if subject.places.bundle is not None and not place.trust.is_file():
        return passed_over(
            "没有厂商根证书，只能用安装包更新 no vendor root: updates by package only"
        )
    return well("没有")


def _root(subject: Subject) -> Path:
    """Where versions live: beside the packed program, else the usual place."""
    bundle = subject.places.bundle
    return default_root() if bundle is None else bundle.parent


CHECKS = (
    Check("papers", GROUP, "组件清单和许可证", "bill of materials, licences", papers),
    Check("updates", GROUP, "等待的更新", "updates waiting", updates),
)
