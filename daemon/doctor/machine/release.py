"""What came with the program, and what waits to replace it."""

from __future__ import annotations

import json

from yibao_face.daemon.doctor.check import Check, Finding, doubt, fault, passed_over, well
from yibao_face.daemon.doctor.subject import Subject

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
    """Update files that were delivered and not taken yet."""
    folder = subject.config.data / "update"
    waiting = sorted(file.name for file in folder.iterdir()) if folder.is_dir() else []
    waiting = [name for name in waiting if not name.endswith((".part", ".lock"))]
    if not waiting:
        return well("没有")
    cause = "有更新等待安装"
    return doubt(f"{len(waiting)} 个", cause, "无人核验时会自动安装；也可请工程师现在安装")


CHECKS = (
    Check("papers", GROUP, "组件清单和许可证", "bill of materials, licences", papers),
    Check("updates", GROUP, "等待的更新", "updates waiting", updates),
)
