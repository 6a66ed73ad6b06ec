"""A counter PC made of files, on which anything can be broken."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from yibao_face.daemon.cli.machine.doctor import ALL
from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config
from yibao_face.daemon.doctor.check import Check, Finding, made
from yibao_face.daemon.doctor.subject import Machine, Places, Subject

BY_ID: dict[str, Check] = {check.id: check for check in ALL}
CPU = "model name\t: any\nflags\t\t: fpu sse4_2 avx2\n"
MEMORY = "MemTotal:       16000000 kB\nMemAvailable:    8000000 kB\n"


@dataclass
class Bench:
    """A machine whose folders lie below ``root``, as a sound counter has them."""

    root: Path
    config: Config
    machine: Machine = field(
        default_factory=lambda: Machine("linux", "x86_64", 64, (5, 10, 0), (2, 31), 19045, "utf-8")
    )
    his: tuple[Path, ...] = ()
    now_ms: int = 1_800_000_000_000
    trouble: str = ""
    quick: bool = False

    def __post_init__(self) -> None:
        for name in ("proc", "sys", "dev", "run", "etc", "usr", "home", "bundle"):
            (self.root / name).mkdir(parents=True)
        self.put("proc/cpuinfo", CPU)
        self.put("proc/meminfo", MEMORY)

    @property
    def data(self) -> Path:
        return self.config.data

    @property
    def file(self) -> Path:
        return self.data / "config.toml"

    def put(self, name: str, content: str | bytes = "") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def set(self, section: str, **values: Any) -> None:
        """Change the configuration, as a site would."""
        body = replace(getattr(self.config, section), **values)
        self.config = replace(self.config, **{section: body})

    @property
    def subject(self) -> Subject:
        places = Places(
            *(self.root / name for name in ("proc", "sys", "dev", "run", "etc", "usr", "home")),
            bundle=self.root / "bundle",
        )
        clock = Clock(lambda: self.now_ms)
        return Subject(
            *(self.config, self.file, self.trouble, self.his, self.quick),
            places=places,
            machine=self.machine,
            clock=clock,
        )

    def ask(self, id_: str) -> Finding:
        return made(BY_ID[id_], self.subject).finding

    def camera(self, number: int, name: str, **usb: str) -> Path:
        """A video node, on a USB socket where ``usb`` says what hangs there."""
        socket = f"usb1/1-{number}" if usb else f"virtual/v{number}"
        device = self.root / "sys" / "devices" / socket
        for file, value in usb.items():
            self.put(str((device / file).relative_to(self.root)), value)
        device.mkdir(parents=True, exist_ok=True)
        entry = self.root / f"sys/class/video4linux/video{number}"
        self.put(str((entry / "name").relative_to(self.root)), name)
        (entry / "device").symlink_to(device)
        node = self.put(f"dev/video{number}")
        node.chmod(0o666)
        return node


def free_port() -> int:
    """One nobody listens on: on the usual one another daemon of this machine may."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
