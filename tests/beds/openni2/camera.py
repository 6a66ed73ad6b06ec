"""The virtual Astra: built here, plugged, spoilt and held by its control file; its pictures."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

HERE = Path(__file__).parent
HEADERS = Path("/usr/include/openni2")
WIDTH, HEIGHT, PERIOD_US = 640, 480, 33333
# The camera looks at its control file each 20 ms.
_NOTICED_S = 0.1
_LIBRARIES = ("libOpenNI2.so.0", "OpenNI2/Drivers/libOniFile.so.0")


def system_folder() -> Path:
    """Where Debian keeps the runtime: a folder of the machine's triplet."""
    found = sorted(Path("/usr/lib").glob(f"*/{_LIBRARIES[0]}"))
    return found[0].parent if found else Path("/usr/lib")


def build(runtime: Path) -> Path:
    """A runtime as vendors ship it, in ``runtime``, whose one driver is the virtual camera."""
    for name in _LIBRARIES:
        (runtime / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(system_folder() / name, runtime / name)
    (runtime / _LIBRARIES[0]).rename(runtime / "libOpenNI2.so")
    driver = runtime / "OpenNI2/Drivers/libVirtualAstra.so.0"
    _compile("VirtualAstra.cpp", driver, "-fPIC", "-shared", "-pthread")
    return runtime


def build_recorder(runtime: Path) -> Path:
    """OpenNI2's own recorder as a program: ``record FILE.oni FRAMES``."""
    library = ("-L", str(runtime), "-lOpenNI2", f"-Wl,-rpath,{runtime}")
    # It looks for the name Debian gives it.
    shutil.copy(runtime / "libOpenNI2.so", runtime / "libOpenNI2.so.0")
    _compile("record.cpp", runtime / "record", *library)
    return runtime / "record"


def _compile(source: str, result: Path, *options: str) -> None:
    common = ["-std=c++17", "-O2", "-Wall", "-Wextra", "-isystem", str(HEADERS)]
    command = ["g++", *common, str(HERE / source), "-o", str(result), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    assert not done.stderr, done.stderr


class Astra:
    """The camera whose control file lies in ``folder``; settings are explained in its source.

    It belongs to this process and its children: the runtime is loaded after this was made.
    """

    def __init__(self, folder: Path) -> None:
        os.environ["VIRTUAL_ASTRA"] = str(folder)
        self.folder = folder
        self._set: dict[str, str] = {}
        self._holder: subprocess.Popen[bytes] | None = None
        self.set()

    def set(self, **settings: str | int) -> None:
        """Change settings; the camera sees all of them at once."""
        self._set |= {key: str(value) for key, value in settings.items()}
        text = "".join(f"{key}={value}\n" for key, value in self._set.items())
        fresh = self.folder / "control.new"
        fresh.write_text(text, "ascii")
        fresh.replace(self.folder / "control")

    def heal(self) -> None:
        """All settings as at the start; unplugged and plugged in again."""
        self.vacate()
        self._set = {}
        self.plug(0)
        self.plug(1)

    def plug(self, plugged: int, **settings: str | int) -> None:
        """Unplug or plug in, and wait until the system has noticed."""
        self.set(plugged=plugged, **settings)
        time.sleep(_NOTICED_S)

    def occupy(self) -> None:
        """Another process takes the camera."""
        self.vacate()
        command = [sys.executable, __file__, str(self.folder / "claim")]
        self._holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._holder.stdout is not None
        assert b"held\n" == self._holder.stdout.readline()

    def vacate(self) -> None:
        """It gives the camera back."""
        if self._holder is not None:
            self._holder.communicate()
        self._holder = None


def exposure_of(depth_mm: npt.NDArray[np.uint16]) -> int:
    """Which exposure a depth plane is of."""
    return int(depth_mm[0, 0]) - 1


def depth_mm(k: int, width: int = WIDTH, height: int = HEIGHT) -> npt.NDArray[np.uint16]:
    """Depth plane of exposure ``k``."""
    y, x = np.mgrid[:height, :width]
    plane = (500 + (x + 2 * y + k) % 1000).astype(np.uint16)
    plane[0, 0] = 1 + k
    return plane


def ir(k: int, width: int = WIDTH, height: int = HEIGHT) -> npt.NDArray[np.uint8]:
    """The highest 8 of its 10 bits of infrared."""
    y, x = np.mgrid[:height, :width]
    return ((3 * x + y + 5 * k) % 1024 // 4).astype(np.uint8)


def bgr(k: int, width: int = WIDTH, height: int = HEIGHT) -> npt.NDArray[np.uint8]:
    """Its colour image."""
    y, x = np.mgrid[:height, :width]
    return np.stack([0 * x + k, y + 2 * k, x + k], axis=-1).astype(np.uint8)


def _hold(claim: Path) -> None:
    """Hold the camera as its driver does until the standard input ends."""
    with claim.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        sys.stdout.write("held\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    _hold(Path(sys.argv[1]))
