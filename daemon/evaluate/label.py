"""What a recorded clip shows: the species of GB/T 41987-2022, their names and how to present them.

A label is the key written into a clip or the name of its folder; the simulator's finer species are
labels too.
"""

from __future__ import annotations

from dataclasses import dataclass

from yibao_face.daemon.evaluate.result import LIVE
from yibao_face.models.simulator.species import Species


@dataclass(frozen=True, slots=True)
class Kind:
    """A species of the standard. ``how``: what the engineer does before the camera."""

    key: str
    chinese: str
    english: str
    how: str


KINDS = (
    Kind(
        LIVE,
        "真人",
        "living person",
        "本人自然站立，正对摄像头，距离 35–80 cm，每次换一位或重新站位",
    ),
    Kind(
        "photo",
        "完整照片",
        "whole photo",
        "手持整张照片正对摄像头，依次平放、左右弯曲、上下弯曲、倾斜",
    ),
    Kind(
        "photo-holes", "抠洞照片", "photo with holes", "照片抠去眼、鼻、嘴后贴在脸上，正对摄像头"
    ),
    Kind("photo-cut-out", "去背景照片", "photo cut out", "沿人脸轮廓剪去背景，手持或贴在脸上"),
    Kind(
        "screen", "电子照片", "photo on a screen", "用手机、平板或显示器全屏显示照片，正对摄像头"
    ),
    Kind("video", "视频", "video", "用手机、平板或显示器播放录制或合成的人脸视频"),
    Kind("mask", "仿真面具", "mask", "佩戴塑料、3D 纸或硅胶面具，正对摄像头"),
    Kind("head", "仿真头模", "head model", "将头模置于 35–80 cm 处正对摄像头，可缓慢转动"),
)
_KINDS = {kind.key: kind for kind in KINDS}
_SIMULATED = {species.value: species for species in Species}


def chinese_of(label: str) -> str:
    """The name of the standard; ``label`` itself where it is none of ours."""
    kind = _KINDS.get(label)
    if kind is not None:
        return kind.chinese
    species = _SIMULATED.get(label)
    return label if species is None else species.gb


def is_label(label: str) -> bool:
    """Whether it names a species."""
    return label in _KINDS or label in _SIMULATED


def kind_of(key: str) -> Kind:
    """The species of the standard; ``KeyError`` where ``key`` names none."""
    return _KINDS[key]
