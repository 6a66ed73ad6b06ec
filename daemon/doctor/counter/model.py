"""The networks: the very files that were pinned, and fast enough here."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from math import inf
from statistics import median

import numpy as np

from yibao_face.daemon.codes import TABLE, cause_of
from yibao_face.daemon.doctor.check import Check, Finding, doubt, fault, passed_over, well
from yibao_face.daemon.doctor.counter.face import EYES_PX, IRISES, drawn_face
from yibao_face.daemon.doctor.subject import Subject
from yibao_face.daemon.wiring import plain_store, weight_store
from yibao_face.models.api import ModelError
from yibao_face.models.suite import load_face_models
from yibao_face.models.weights.manifest import ModelEntry, load_manifest

GROUP = "model"
# By role: what one face may cost on a counter PC before people wait for it.
LIMIT_MS = {"detector": 80.0, "landmarker": 120.0, "embedder": 150.0}
_RUNS = 5
# Of the 320 of the drawn face; they lie 2 apart where it was drawn.
_OFF_PX = 8.0
# Networks are loaded, on a slow disk and by a virus scanner.
_LOAD_S = 60.0
_FIX = "请用原安装包重新安装（修复），或执行 yibao-face models install"


def verified(entry: ModelEntry, subject: Subject) -> Finding:
    """The installed file of ``entry`` by its hash; run on its golden input where it has one."""
    try:
        plain_store(subject.config).verify(entry)
    except ModelError as exc:
        return fault(entry.file, TABLE[cause_of(exc)].message, _FIX)
    return well("文件和标准结果一致")


def choice(subject: Subject) -> Finding:
    """The embedder the site put in, if any, has thresholds."""
    chosen = subject.config.match.model
    if not chosen:
        return well("随程序的模型")
    try:
        store = weight_store(subject.config)
        store.verify(store.manifest.by_role("embedder"))
    except ModelError:
        cause = "配置指定的比对模型不存在、被改动或没有阈值，无法核验"
        return fault(
            chosen, cause, "请执行 yibao-face models list 核对[match]的model，或留空使用自带模型"
        )
    return well(chosen)


def together(subject: Subject) -> Finding:
    """The networks as the daemon has them, one after the other, on a face drawn by us."""
    try:
        models = load_face_models(plain_store(subject.config))
    except ModelError as exc:
        return fault(type(exc).__name__, TABLE[cause_of(exc)].message, _FIX)
    with closing(models):
        faces = models.detector.find(drawn_face())
        dense = models.landmarker.find(drawn_face(), faces[0]) if len(faces) == 1 else None
    if dense is None:
        told, off_px = f"{len(faces)} 张", inf
    else:
        off_px = float(np.abs(dense.points[list(IRISES)] - EYES_PX).max())
        told = f"眼睛位置相差 {off_px:.0f} 像素"
    if off_px > _OFF_PX:
        cause = "算法在这台电脑上算错：标准图上的人脸没有找对"
        return fault(told, cause, f"{_FIX}；仍不行请更换电脑")
    return well(told)


def speed(subject: Subject) -> Finding:
    """Milliseconds of one face by each network, the median of five."""
    try:
        models = load_face_models(plain_store(subject.config))
    except ModelError as exc:
        return passed_over(TABLE[cause_of(exc)].message)
    picture = drawn_face()
    with closing(models):
        face = models.detector.find(picture)[0]
        took_ms = {
            "detector": _median_ms(lambda: models.detector.find(picture)),
            "landmarker": _median_ms(lambda: models.landmarker.find(picture, face)),
            "embedder": _median_ms(lambda: models.embedder.embed(picture[:112, :112])),
        }
    told = "，".join(f"{role} {ms:.0f}/{LIMIT_MS[role]:.0f} ms" for role, ms in took_ms.items())
    if any(ms > LIMIT_MS[role] for role, ms in took_ms.items()):
        cause = "算法在这台电脑上偏慢，核验要等较久"
        return doubt(told, cause, "请关闭占用处理器的程序；仍然偏慢请更换电脑")
    return well(told)


def _median_ms(work: Callable[[], object]) -> float:
    work()
    return median(_once_ms(work) for _ in range(_RUNS))


def _once_ms(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


_TITLES = {
    "detector": "检测模型",
    "landmarker": "关键点模型",
    "embedder": "比对模型",
    "canonical-face": "标准人脸",
}

NETWORKS = frozenset(f"model-{entry.id}" for entry in load_manifest().models)
CHECKS = (
    *(
        Check(
            f"model-{entry.id}",
            GROUP,
            _TITLES.get(entry.role, entry.role),
            f"{entry.role}: sha256, golden vector",
            partial(verified, entry),
            quick=True,
            limit_s=_LOAD_S,
        )
        for entry in load_manifest().models
    ),
    Check(
        *("model-together", GROUP, "算法试算", "networks on a drawn face", together),
        quick=True,
        limit_s=_LOAD_S,
    ),
    Check("model-choice", GROUP, "比对模型的选择", "chosen embedder", choice),
    Check("model-speed", GROUP, "算法速度", "inference ms", speed, limit_s=_LOAD_S),
)
