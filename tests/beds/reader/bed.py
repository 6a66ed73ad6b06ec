"""The stand-in library, built by the system's compiler, and the chip it pretends to read."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from harness import require

from yibao_face.drivers.reader.chip import HEIGHT, WIDTH, bmp_of
from yibao_face.drivers.reader.hosted import ReaderSettings

SOURCE = Path(__file__).parent / "standin.c"
# Invented; the check marks are right.
NUMBER = "110101199003070003"
FIELDS = {
    "name": "张三",
    "sex": "1",
    "nation": "01",
    "born": "19900307",
    "address": "某省某市某路1号",
    "number": NUMBER,
    "issuer": "某市公安局",
    "valid_from": "20150101",
    "valid_until": "20350101",
}
WIDTHS = {
    "name": 30,
    "sex": 2,
    "nation": 4,
    "born": 16,
    "address": 70,
    "number": 36,
    "issuer": 30,
    "valid_from": 16,
    "valid_until": 16,
    "more": 28,
    "kind": 2,
    "rest": 6,
}
OLD_FOREIGN_WIDTHS = {
    "latin": 120,
    "sex": 2,
    "number": 30,
    "nation": 6,
    "name": 30,
    "valid_from": 16,
    "valid_until": 16,
    "born": 16,
    "version": 4,
    "authority": 8,
    "kind": 2,
    "rest": 6,
}


def text_of(widths: dict[str, int] = WIDTHS, /, **fields: str) -> bytes:
    """The 256 bytes of a chip, each field padded with spaces."""
    parts = (
        fields.get(name, "").ljust(width // 2).encode("utf-16-le")
        for name, width in widths.items()
    )
    return b"".join(parts)


def resident(**changed: str) -> bytes:
    """The text of the invented resident's chip, with ``changed`` fields."""
    return text_of(**{**FIELDS, **changed})


def pixels() -> bytes:
    """102x126 BGR pixels that differ from row to row and side to side."""
    across, down = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    return np.dstack([across, down, across + down]).astype(np.uint8).tobytes()


@dataclass(frozen=True, slots=True)
class Standin:
    """A built library and the folder it obeys."""

    library: Path
    folder: Path

    @property
    def settings(self) -> ReaderSettings:
        """As a site would configure it."""
        return ReaderSettings(str(self.library), sha256_of(self.library))

    def put(self, text: bytes, mode: str = "card") -> None:
        """Lay a chip with ``text`` on the reader."""
        (self.folder / "text").write_bytes(text)
        self.behave(mode)

    def behave(self, mode: str) -> None:
        """What the library does from its next call on."""
        (self.folder / "mode").write_text(mode, "ascii")


def sha256_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def build(into: Path, *defines: str) -> Path:
    """Compile the stand-in; skip, or fail in CI, without a compiler."""
    library = into / "libstandin.so"
    words = [require("cc"), "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(library)]
    subprocess.run([*words, *(f"-D{d}" for d in defines), str(SOURCE)], check=True)
    return library


def standin(into: Path, *defines: str) -> Standin:
    """A reader with the invented resident's card on it."""
    made = Standin(build(into, *defines), into)
    (into / "packed").write_bytes(b"WLf\0".ljust(1024, b"\x5a"))
    (into / "pixels").write_bytes(pixels())
    (into / "photo.bmp").write_bytes(bmp_of(pixels()))
    made.put(resident())
    return made
