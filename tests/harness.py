"""What tests share: the real daemon in a thread, the networks, the invented persons."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import pytest
from aiohttp import web_app

from yibao_face.daemon.clock import Clock
from yibao_face.daemon.config import Config
from yibao_face.daemon.console.serve import serve_with_console
from yibao_face.daemon.core.scene.detail import CHINA
from yibao_face.daemon.door.client import Caller, caller_of, sample_request
from yibao_face.daemon.door.server import serve
from yibao_face.daemon.trust.document import keys_text, sign_document
from yibao_face.daemon.trust.signature import Ed25519Signer
from yibao_face.daemon.wiring import (
    Daemon,
    build,
    centre_keys_path,
    policy_paths,
    weight_store,
)
from yibao_face.drivers.api import Camera
from yibao_face.drivers.replay import ReplayCamera
from yibao_face.models.suite import FaceModels, load_face_models

if sys.platform == "win32":
    import _winapi

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("YIBAO_FACE_TEST_HOME", ROOT / ".dev" / "home"))
# Who is enrolled where a test asks for the cast: invented numbers.
FIRST, SECOND = "320101194202156744", "110101199003070000"
# What takes minutes begins first: begun last, one process would work while the others wait.
LONG_FILES = (
    "tests/beds/vivid/test_in_guest.py",
    "tests/shim/test_beds.py",
    "tests/installer/test_windows_setup.py",
    "tests/ui/test_agent.py",
    "tests/update/test_power.py",
    "tests/sync/center/test_bus.py",
    "tests/console/test_page.py",
    "tests/sync/office/test_page.py",
    "tests/flow/test_link.py",
    "tests/ui/test_window.py",
    "tests/conform/test_run.py",
)


_SEQUENCE = itertools.count(1)


def his_call(number: str, **changed: Any) -> bytes:
    """A complete HIS call for the person with ``number``; each is a settlement of its own."""
    body = {**sample_request(number, "演示", Clock(), next(_SEQUENCE)), **changed}
    return json.dumps(body, ensure_ascii=False).encode()


def link_folder(at: Path, to: Path) -> None:
    """Make ``at`` lead to ``to``: a junction on Windows, where links need an administrator."""
    if sys.platform == "win32":
        _winapi.CreateJunction(str(to), str(at))
    else:
        at.symlink_to(to, target_is_directory=True)


def unlink_folder(at: Path) -> None:
    """Take the link away, not what it leads to."""
    if sys.platform == "win32":
        at.rmdir()
    else:
        at.unlink()


def put_before_camera(config: Config, clips: Path, clip: str) -> None:
    """Let the replay camera of ``config`` see ``clip`` from its next opening on."""
    shutil.copyfile(clips / f"{clip}.rgbd", config.data / "before-camera.rgbd")


def unpaced(config: Config) -> Callable[[], Camera]:
    """Opens the replay camera of ``config``: frames as fast as they decode, not as recorded."""
    return lambda: ReplayCamera(config.data / "before-camera.rgbd", paced=False)


@contextmanager
def loaded(config: Config) -> Generator[FaceModels, None, None]:
    """The networks of a data folder."""
    models = load_face_models(weight_store(config))
    try:
        yield models
    finally:
        models.close()


def shared(config: Config) -> FaceModels | None:
    """The tests' own networks, loaded once, where ``config`` links to them unchanged."""
    if config.models.resolve() != (HOME / "models").resolve():
        return None
    return _shared_models()


@cache
def _shared_models() -> FaceModels:
    return load_face_models(weight_store(Config(HOME)))


@dataclass(frozen=True, slots=True)
class Running:
    """A daemon that serves on a free port of this machine."""

    config: Config
    daemon: Daemon
    caller: Caller


class Hands:
    """The hands of a clock a test sets: ``at("2026-12-01T08:00")``, the time in China."""

    def __init__(self, moment: str) -> None:
        self.ms = 0
        self.at(moment)

    def at(self, moment: str) -> None:
        """Set the clock."""
        there = datetime.fromisoformat(moment).replace(tzinfo=CHINA)
        self.ms = round(there.timestamp() * 1000)

    @property
    def clock(self) -> Clock:
        """The clock; each look at it is a millisecond later, so that records differ."""
        return Clock(unix_ms=self._tick)

    def _tick(self) -> int:
        self.ms += 1
        return self.ms


def sign_policy(config: Config, version: int, rules: list[dict[str, Any]], **more: Any) -> None:
    """Put a policy of the centre into the inbox, and the centre's key beside it."""
    signer = Ed25519Signer(bytes(32))
    payload = json.dumps({"version": version, "rules": rules, **more}, ensure_ascii=False)
    inbox, _ = policy_paths(config)
    centre_keys_path(config).write_text(keys_text([signer]), "utf-8")
    inbox.write_bytes(sign_document("policy", version, payload, signer))


@contextmanager
def running(
    config: Config,
    *,
    demo: bool = True,
    camera: Callable[[], Camera] | None = None,
    clock: Clock | None = None,
    page: bool = False,
) -> Generator[Running, None, None]:
    """The real daemon in a thread: real port, real store, real networks; ``page``: its console."""
    bound = threading.Event()
    port: list[int] = []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def ready(at: int) -> None:
        port.append(at)
        bound.set()

    with build(config, demo=demo, camera=camera, clock=clock, loaded=shared(config)) as daemon:
        file = config.data / "config.toml"
        served = (
            serve_with_console(daemon, ready, stop, file) if page else serve(daemon, ready, stop)
        )
        thread = threading.Thread(target=loop.run_until_complete, args=(served,), name="daemon")
        thread.start()
        try:
            assert bound.wait(10), "the daemon did not bind"
            config = replace(config, door=replace(config.door, port=port[0]))
            yield Running(config, daemon, caller_of(config, clerk=True))
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(20)
            loop.close()
            forget_apps()
            assert not thread.is_alive(), "the daemon did not stop"


def forget_apps() -> None:
    """Let go of apps that were closed.

    aiohttp keeps the last 1024 handlers with their apps, and so each daemon, its networks and the
    frames of its camera. A daemon has one app for life; here hundreds come and go.
    """
    # There is no public way to them.
    web_app._cached_build_middleware.cache_clear()  # pyright: ignore[reportPrivateUsage]


def require(tool: str) -> str:
    """Path of ``tool``; skip without it on a machine at hand, fail in CI and where demanded."""
    found = shutil.which(tool)
    if found is None:
        lacking(tool)
    return found


def require_file(file: Path, name: str) -> None:
    """As ``require``, of a file that is no program; ``name``: what it stands for."""
    if not file.is_file():
        lacking(name)


def lacking(name: str) -> NoReturn:
    """Fail where everything is demanded, skip elsewhere."""
    demanded = os.environ.get("CI") or os.environ.get("YIBAO_FACE_TOOLCHAIN")
    assert not demanded, f"{name} is required here"
    pytest.skip(f"{name} is not on this machine")


def wait_for(condition: Callable[[], object]) -> None:
    """Until ``condition`` holds, 5 s at the most."""
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("waited 5 s in vain")
