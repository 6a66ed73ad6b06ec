"""A vendor, and a counter PC whose program is small: what updates are tested with.

The program is real: it says its version, tests itself, and answers ``/health`` as the daemon does.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from securesystemslib.signer import CryptoSigner  # pyright: ignore[reportPrivateImportUsage]  # by __all__

from yibao_face.installer.update.decision import Watch
from yibao_face.installer.update.place import Place
from yibao_face.installer.update.publish.pack import About, pack
from yibao_face.installer.update.publish.repository import (
    ROLES,
    Days,
    Repository,
    Signers,
    make_root,
)
from yibao_face.installer.update.release import Release
from yibao_face.installer.update.site import Site
from yibao_face.installer.update.swap.hands import ask, hands_of
from yibao_face.installer.update.swap.switch import Way, switch_of
from yibao_face.installer.update.updater import Updater
from yibao_face.installer.update.version import Version

OLD, NEW, NEWER = Version(1, 0, 0), Version(1, 1, 0), Version(1, 2, 0)
PLATFORM = "linux-x86_64"
PROGRAM = """#!{python} -SE
import http.server, json, os, pathlib, sys
here = pathlib.Path(__file__).resolve().parent
told = json.loads((here / "_internal" / "told.json").read_text())
if sys.argv[1:] == ["--version"]:
    print("yibao-face", told["version"])
elif sys.argv[1:] == ["doctor", "--selftest"]:
    sys.exit(told["selftest"])
elif sys.argv[1:2] == ["update"]:
    os.execv({python!r}, [{python!r}, "-P", "-m", "yibao_face.daemon", *sys.argv[1:]])
elif sys.argv[1:2] == ["serve"]:
    if told["crash"]:
        sys.exit(1)
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            busy = pathlib.Path(sys.argv[3]).exists()
            body = json.dumps({{"status": "ok", "busy": busy, **told["health"]}}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)
        def log_message(self, *_):
            pass
    http.server.HTTPServer.address_family = 2
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Answer)
    server.serve_forever()
"""


def make_program(
    folder: Path,
    version: Version,
    *,
    selftest: int = 0,
    crash: bool = False,
    health: Mapping[str, Any] | None = None,
    more: Mapping[str, bytes] | None = None,
) -> Path:
    """A program of ``version`` in ``folder``; what else it is to be."""
    inner = folder / "_internal"
    inner.mkdir(parents=True)
    told = {
        "version": str(version),
        "selftest": selftest,
        "crash": crash,
        "health": {"version": str(version), "able": True, **(health or {})},
    }
    (inner / "told.json").write_text(json.dumps(told), "utf-8")
    (inner / "lib.so.1").write_bytes(b"library" * 1000)
    (inner / "lib.so").symlink_to("lib.so.1")
    (inner / "资源").mkdir()
    (inner / "资源" / "字体.txt").write_text("中文", "utf-8")
    for name, data in (more or {}).items():
        (inner / name).write_bytes(data)
    program = folder / "yibao-face"
    program.write_text(PROGRAM.format(python=sys.executable), "utf-8")
    program.chmod(0o755)
    return folder


@dataclass
class Vendor:
    """Signs: two of three holders for root, two for targets, one for the others."""

    folder: Path
    keys: dict[str, list[CryptoSigner]] = field(default_factory=dict[str, list[CryptoSigner]])
    days: Days = field(default_factory=Days)
    platform: str = PLATFORM
    preset: int = 6

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.repository = Repository(self.folder / "repository")
        counts = {"root": 3, "targets": 2, "snapshot": 1, "timestamp": 1}
        for role, count in counts.items():
            self.keys.setdefault(role, [CryptoSigner.generate_ed25519() for _ in range(count)])
        self.publish_root()

    def publish_root(self, days: int = 365) -> None:
        """A root of the next version, of the keys as they are now."""
        public = {role: [key.public_key for key in self.keys[role]] for role in ROLES}
        thresholds = {"root": 2, "targets": 2, "snapshot": 1, "timestamp": 1}
        root = make_root(public, thresholds, days, self.repository.newest_root())
        for key in self.keys["root"][:2]:
            root.sign(key, append=True)
        path = self.folder / "root.json"
        root.to_file(str(path))
        self.repository.publish_root(path)

    @property
    def signers(self) -> Signers:
        return Signers(self.keys["targets"], self.keys["snapshot"], self.keys["timestamp"])

    def release(
        self, version: Version = NEW, readable_from: Version = OLD, **program: Any
    ) -> Release:
        """Build, pack, sign and publish ``version``."""
        bundle = self.folder / f"bundle-{version}-{time.monotonic_ns()}"
        return self.publish(make_program(bundle, version, **program), version, readable_from)

    def publish(self, bundle: Path, version: Version, readable_from: Version) -> Release:
        """Pack, sign and publish what lies in ``bundle``."""
        about = About(version, self.platform, readable_from)
        release = pack(bundle, about, self.folder, preset=self.preset)
        archive = self.folder / release.archive
        self.repository.add(release, archive, self.signers, self.days)
        return release

    def stick(self, version: Version | None = None) -> Path:
        """The update file of the newest release, or of ``version``."""
        path = self.folder / f"update-{time.monotonic_ns()}.zip"
        self.repository.stick(self.repository.release(self.platform, version), path)
        return path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@dataclass
class Counter:
    """A PC at a counter with version 1.0.0, served by a program that answers."""

    root: Path
    data: Path
    kind: str = "symlink"
    port: int = field(default_factory=free_port)
    child: Path = field(init=False)
    watch: Watch = field(default_factory=lambda: Watch(0.5, 20.0, 5.0))

    def __post_init__(self) -> None:
        self.place = Place(self.root)
        self.place.own.mkdir(parents=True)
        self.data.mkdir(parents=True, exist_ok=True)
        (self.data / "queue.db").write_bytes(b"records")
        self.child = self.data.parent / f"{self.data.name}.pid"
        make_program(self.place.app(OLD), OLD)
        switch = switch_of(self.root, self.kind)
        switch.lay(Way.ON, OLD)
        switch.go(Way.ON)

    def trust(self, vendor: Vendor) -> Counter:
        """Install the vendor's first root, as the installer does."""
        root = (vendor.repository.metadata / "1.root.json").read_bytes()
        self.place.trust.write_bytes(root)
        return self

    @property
    def site(self) -> Site:
        return Site(
            data=self.data,
            restart=("unused",),
            switch=self.kind,
            health=f"http://127.0.0.1:{self.port}/health",
            platform=PLATFORM,
            idle_wait_s=5.0,
            watch=self.watch,
        )

    def updater(self, at: Callable[[str], None] = lambda _step: None) -> Updater:
        """The updater of this PC with real hands; ``restart`` is a service manager's."""
        hands = replace(hands_of(self.site, self.place.scratch), restart=self.restart, at=at)
        hands = replace(hands, sleep=_nap)
        return Updater(self.place, self.site, switch_of(self.root, self.kind), hands)

    def with_hands(self, **hands: Any) -> Updater:
        """As ``updater``, with some hands replaced."""
        made = self.updater()
        return replace(made, hands=replace(made.hands, **hands))

    @property
    def current(self) -> Version:
        return switch_of(self.root, self.kind).current()

    def start(self) -> None:
        """Start what is current, as the system does after boot."""
        program = self.place.app(self.current) / "yibao-face"
        words = [str(program), "serve", str(self.port), str(self.data / "busy")]
        with Path(os.devnull).open("rb+") as nothing:
            child = subprocess.Popen(
                words, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
            )
        self.child.write_text(str(child.pid))
        # Nobody waits for it here: it is the system's child.
        child.returncode = 0

    def stop(self) -> None:
        """The power goes: whoever serves at the port, noted down or not, is no more."""
        for pid in self._serving():
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except ChildProcessError:
                _gone(pid)
            except ProcessLookupError:
                pass
        self.child.unlink(missing_ok=True)

    def _serving(self) -> list[int]:
        words = f"\0serve\0{self.port}\0".encode()
        found: list[int] = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if words in path.read_bytes():
                    found.append(int(path.parent.name))
        return found

    def restart(self) -> None:
        self.stop()
        self.start()

    def answers(self) -> str:
        """Version that answers, once it does; empty after 20 s without one."""
        until_s = time.monotonic() + 20
        while time.monotonic() < until_s:
            health = ask(self.site.health)
            if health is not None:
                return health.version
            time.sleep(0.05)
        return ""

    def folders(self) -> set[str]:
        return {path.name for path in self.root.iterdir()} - {"update", "yibao-face"}


def _nap(seconds: float) -> None:
    time.sleep(min(seconds, 0.05))


def _gone(pid: int) -> None:
    """Until a process that was another's child is no more; its port is free then."""
    until_s = time.monotonic() + 10
    while time.monotonic() < until_s:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return
        if state == "Z":
            return
        time.sleep(0.01)


def cut_off(work: Callable[[Callable[[str], None]], object], step: str) -> bool:
    """Do ``work`` in a process that is killed before ``step``; whether it came so far."""

    def at(reached: str) -> None:
        if reached == step:
            os.kill(os.getpid(), signal.SIGKILL)

    pid = os.fork()
    if pid == 0:
        try:
            work(at)
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)
