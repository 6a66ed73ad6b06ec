"""What stands before the simulated camera, named as GB/T 41987 names it, and what it is asked."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """What a presenter is asked to do; left and right are the presenter's own."""

    MOUTH = "mouth"
    TURN_LEFT = "turn-left"
    TURN_RIGHT = "turn-right"


class Species(StrEnum):
    """A living person or a kind of presentation attack."""

    LIVE = "live"
    PRINT_FLAT = "print-flat"
    PRINT_CURVED = "print-curved"
    PRINT_VFOLD = "print-vfold"
    PRINT_EYEHOLES = "print-eyeholes"
    PRINT_NOSE_SLIT = "print-nose-slit"
    PRINT_UNDER_GLASSES = "print-under-glasses"
    PHONE = "phone"
    TABLET = "tablet"
    TABLET_TILTED = "tablet-tilted"
    MONITOR = "monitor"
    VIDEO = "video"
    PAPER_MASK = "paper-mask"
    MINI_3D = "mini-3d"
    RESIN_MASK = "resin-mask"
    MANNEQUIN = "mannequin"
    SILICONE_MASK = "silicone-mask"
    SWAP = "swap"
    FROZEN = "frozen"
    CROSSED = "crossed"

    @property
    def is_attack(self) -> bool:
        """Anything but a living person who is there."""
        return self is not Species.LIVE

    @property
    def gb(self) -> str:
        """The species of GB/T 41987 it belongs to; 注入 is none of that standard's."""
        return _GB[self]


_GB = {
    Species.LIVE: "真人",
    Species.PRINT_FLAT: "完整照片",
    Species.PRINT_CURVED: "完整照片（弯曲）",
    Species.PRINT_VFOLD: "完整照片（折叠）",
    Species.PRINT_EYEHOLES: "抠洞照片",
    Species.PRINT_NOSE_SLIT: "抠洞照片（眼鼻）",
    Species.PRINT_UNDER_GLASSES: "去背景照片",
    Species.PHONE: "电子照片",
    Species.TABLET: "电子照片",
    Species.TABLET_TILTED: "视频",
    Species.MONITOR: "电子照片",
    Species.VIDEO: "视频",
    Species.PAPER_MASK: "仿真面具（纸质）",
    Species.MINI_3D: "仿真头模（缩小）",
    Species.RESIN_MASK: "仿真面具",
    Species.MANNEQUIN: "仿真头模",
    Species.SILICONE_MASK: "仿真面具（硅胶）",
    Species.SWAP: "换人",
    Species.FROZEN: "注入（静帧）",
    Species.CROSSED: "注入（异源）",
}
