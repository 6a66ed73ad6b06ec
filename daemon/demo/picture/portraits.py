"""Photographs of clear origin for the demo, out of pinned packages, never kept in the repo."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from yibao_face.models.weights.manifest import Source
from yibao_face.models.weights.source import extract, fetch

_PORTRAITS = Source(
    package="face_recognition",
    version="1.3.0",
    file="face_recognition-1.3.0.tar.gz",
    sha256="5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec",
    kind="sdist",
)
_ASTRONAUT = Source(
    package="scikit-image",
    version="0.26.0",
    file="scikit_image-0.26.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl",
    sha256="74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
    platform="manylinux_2_28_x86_64",
)


@dataclass(frozen=True, slots=True)
class Portrait:
    """One picture: official portraits and NASA's, all in the public domain."""

    source: Source
    member: str
    sha256: str


_IMAGES = "face_recognition-1.3.0/tests/test_images"
PORTRAITS: dict[str, Portrait] = {
    "first-1": Portrait(
        _PORTRAITS,
        f"{_IMAGES}/obama.jpg",
        "0930e3aa8cae5920329c0c8cbc6a2ab70f47b0e67b432875beaa95cbf7e741f6",
    ),
    "first-2": Portrait(
        _PORTRAITS,
        f"{_IMAGES}/obama2.jpg",
        "a7efcc907375274796f39646510704aa86672d59f6d5469d69af3c85590976a6",
    ),
    "first-3": Portrait(
        _PORTRAITS,
        f"{_IMAGES}/obama3.jpg",
        "76ac6bf97c36dc2da0ad16a537d6a5ac1b10f48d49aac29a0cca9a17cdbc3ca3",
    ),
    "second": Portrait(
        _PORTRAITS,
        f"{_IMAGES}/biden.jpg",
        "3c17508bb91554c637a2eabddfae790e5bb1caba93130814fc2ac50be9760c4c",
    ),
    "third": Portrait(
        _ASTRONAUT,
        "skimage/data/astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    ),
}


def load_portrait(name: str, cache: Path) -> bytes:
    """JPEG or PNG bytes; raises ``ModelSourceError`` when the package cannot be had."""
    portrait = PORTRAITS[name]
    return extract(fetch(portrait.source, cache), portrait.member, portrait.sha256)
