"""Builds the vendor's camera and directs it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness import require

from yibao_face.drivers.api import Camera
from yibao_face.drivers.conformance.bed import Bed
from yibao_face.drivers.driver import Settings
from yibao_face.drivers.host.camera import open_hosted

_HERE = Path(__file__).parent
INCLUDE = _HERE.parents[2] / "drivers/cabi/include"
_WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fvisibility=hidden")


def build(out: Path, *defines: str) -> Path:
    """The library, as a vendor would build it; ``defines``: ``VENDOR_ABI=2`` and the like."""
    flags = [*_WARNINGS, *(f"-D{define}" for define in ("_GNU_SOURCE", *defines))]
    source = str(_HERE / "vendor.c")
    command = [require("gcc"), "-std=c11", "-shared", "-fPIC", *flags, f"-I{INCLUDE}", source]
    subprocess.run([*command, "-o", str(out)], check=True)
    return out


@dataclass(frozen=True, slots=True)
class Stage:
    """A library and the folder that directs its camera."""

    library: Path
    folder: Path

    @property
    def rest(self) -> str:
        """Of the camera's uri."""
        return f"{self.library}#{self.folder}"

    def misdo(self, fault: str) -> None:
        """Let the camera do ``fault`` from now on."""
        (self.folder / "fault").write_text(fault, "ascii")

    def put(self, name: str) -> Callable[[], None]:
        """Make a state hold, ``unplugged`` or ``stalled``."""
        return (self.folder / name).touch

    def take(self, name: str) -> Callable[[], None]:
        """Undo it."""
        return lambda: (self.folder / name).unlink(missing_ok=True)

    def bed(self, driver: str, open_: Callable[[str], Camera]) -> Bed:
        """``open_``: takes the name of a device, this one's folder or one that is not there."""
        other = list[Camera]()
        return Bed(
            driver,
            lambda: open_(str(self.folder)),
            absent=lambda: open_(str(self.folder / "none")),
            unplug=self.put("unplugged"),
            replug=self.take("unplugged"),
            stall=self.put("stalled"),
            resume=self.take("stalled"),
            occupy=lambda: other.append(open_hosted("cabi", self.rest, Settings())),
            vacate=lambda: other.pop().close(),
        )
