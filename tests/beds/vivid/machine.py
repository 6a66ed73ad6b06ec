"""A small machine of its own for tests that need a kernel with vivid: Debian's, in qemu."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent
BUILT = ROOT / ".dev" / "vivid"
TOOLS = ("qemu-system-x86_64", "busybox", "modprobe", "depmod", "cpio", "dpkg", "apt-get")
META = "linux-image-amd64"
MODULES = ("9p", "9pnet_virtio", "virtio_pci", "vivid", "vhci-hcd", "uvcvideo")
# Emulated processors are about ten times slower than the host's.
_BOOT_S = 120.0
_PROCESSOR = ("-cpu", "max", "-accel", "tcg,thread=single", "-icount", "shift=0,sleep=on")


class MachineError(Exception):
    """The machine could not be built or did not come to its end; the message says why."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What the job in the machine printed, and its exit code."""

    code: int
    output: str


def run_inside(job: str, timeout_s: float) -> Ran:
    """Boot, run the shell lines ``job`` as root with this checkout and Python, and switch off.

    The host's files are there read-only under their own paths, ``/out`` is this run's own folder.
    Its one processor does an instruction in 1 ns of its own clock: times do not depend on what
    else the host does; ``timeout_s`` is the host's.
    """
    unpacked = kernel()
    with tempfile.TemporaryDirectory(prefix="vivid-", dir=BUILT) as folder:
        out = Path(folder) / "out"
        out.mkdir()
        initrd = _initrd(unpacked, Path(folder), job)
        vmlinuz = next((unpacked / "boot").glob("vmlinuz-*"))
        console = _boot(vmlinuz, initrd, out, timeout_s + _BOOT_S)
        log, code = out / "log.txt", out / "code.txt"
        output = log.read_text("utf-8", "replace") if log.is_file() else ""
        if not code.is_file():
            raise MachineError(f"the machine did not finish\n{output}\n{console[-4000:]}")
        return Ran(int(code.read_text("ascii")), output)


def with_python(arguments: str, **environment: str) -> str:
    """A job: this Python with ``arguments``, in this checkout, where it knows it is the guest."""
    names = {"YIBAO_FACE_GUEST": "vivid", "PYTHONPATH": "tests", **environment}
    exports = " ".join(f"{name}={shlex.quote(value)}" for name, value in names.items())
    return f"""
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root PYTHONDONTWRITEBYTECODE=1 {exports}
cd {shlex.quote(str(ROOT))}
{shlex.quote(sys.executable)} {arguments}
"""


def kernel() -> Path:
    """Folder with the unpacked kernel package, downloaded once; raises ``MachineError``."""
    BUILT.mkdir(parents=True, exist_ok=True)
    found = sorted(path.parent for path in BUILT.glob("linux-image-*/ready"))
    if found:
        return found[-1]
    name = _package()
    folder = BUILT / name
    shutil.rmtree(folder, ignore_errors=True)
    _tool(["apt-get", "download", "-q", name], BUILT)
    package = next(BUILT.glob(f"{name}_*.deb"))
    _tool(["dpkg", "-x", str(package), str(folder)])
    _tool(["depmod", "-b", str(folder), _release(folder)])
    package.unlink()
    (folder / "ready").touch()
    return folder


def _package() -> str:
    """What the system's kernel package stands for today, as ``linux-image-6.1.0-56-amd64``."""
    for line in _tool(["apt-cache", "depends", META]).splitlines():
        label, _, name = line.strip().partition(" ")
        if label == "Depends:" and name.startswith("linux-image-"):
            return name
    raise MachineError(f"{META} names no kernel; apt-get update?")


def _release(unpacked: Path) -> str:
    return next((unpacked / "lib/modules").iterdir()).name


def _initrd(unpacked: Path, folder: Path, job: str) -> Path:
    tree = folder / "tree"
    for name in ("bin", "mods"):
        (tree / name).mkdir(parents=True)
    busybox = shutil.which("busybox")
    assert busybox is not None
    shutil.copy(busybox, tree / "bin/busybox")
    shutil.copy(HERE / "init.sh", tree / "init")
    (tree / "init").chmod(0o755)
    files = _modules(unpacked)
    for file in files:
        shutil.copy(file, tree / "mods")
    (tree / "mods/list").write_text("".join(f"{file.name}\n" for file in files), "ascii")
    (tree / "shares").write_text("".join(f"{path}\n" for path in _shares()), "utf-8")
    (tree / "job").write_text(job, "utf-8")
    initrd = folder / "initrd"
    names = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
    packed = subprocess.run(
        ["cpio", "-o", "-H", "newc", "--quiet"],  # noqa: S607  # of the system
        input=names.encode(),
        stdout=subprocess.PIPE,
        cwd=tree,
        check=True,
    )
    initrd.write_bytes(packed.stdout)
    return initrd


def _modules(unpacked: Path) -> list[Path]:
    """Those of ``MODULES`` and what they need, in the order of loading."""
    files: dict[Path, None] = {}
    for module in MODULES:
        release = _release(unpacked)
        told = _tool(["modprobe", "-d", str(unpacked), "-S", release, "--show-depends", module])
        for line in told.splitlines():
            kind, _, path = line.strip().partition(" ")
            if kind == "insmod":
                files[Path(path.split(" ")[0])] = None
    return list(files)


def _shares() -> list[Path]:
    """Host folders the guest sees under the same names."""
    own = [Path("/usr"), ROOT, Path(sys.prefix), Path(sys.base_prefix).resolve()]
    return [path for path in own if not any(path != o and path.is_relative_to(o) for o in own)]


def _boot(vmlinuz: Path, initrd: Path, out: Path, timeout_s: float) -> str:
    share = "local,security_model=none,multidevs=remap"
    command = [
        *("qemu-system-x86_64", *_PROCESSOR),
        *("-m", "1536", "-nographic", "-no-reboot", "-nodefaults", "-serial", "stdio"),
        *("-kernel", str(vmlinuz), "-initrd", str(initrd)),
        *("-append", "console=ttyS0 quiet panic=-1 mitigations=off"),
        *("-virtfs", f"{share},path=/,mount_tag=host,readonly=on"),
        *("-virtfs", f"{share},path={out},mount_tag=out"),
    ]
    try:
        ran = subprocess.run(command, capture_output=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired as exc:
        said = (exc.stdout or b"").decode("utf-8", "replace")
        return f"killed after {timeout_s} s\n{said}"
    return (ran.stdout + ran.stderr).decode("utf-8", "replace")


def _tool(command: list[str], folder: Path | None = None) -> str:
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise MachineError(f"{' '.join(command)}: {ran.stderr.strip()}")
    return ran.stdout
