"""One desktop for all tests of the windows; an agent of its own for each."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from harness import put_before_camera
from ui_bed import AgentAtWork, Hands, agent, require_desktop

from yibao_face.daemon.config import Config
from yibao_face.daemon.demo.window.desktop import Desktop, virtual_desktop
from yibao_face.daemon.section import EncounterConfig

Start = Callable[..., AgentAtWork]


@pytest.fixture(scope="session")
def desktop() -> Generator[Desktop, None, None]:
    """1,280 x 720 pixels, with a window manager and a tray."""
    require_desktop()
    with virtual_desktop(1280, 720) as made:
        yield made


@pytest.fixture
def hands(desktop: Desktop) -> Hands:
    """Somebody who clicks and types."""
    return Hands(desktop)


@pytest.fixture
def counter(cast: Config) -> Config:
    """Two persons enrolled, the code of a site; patient, as a busy machine shows few frames."""
    return replace(
        cast,
        desk=replace(cast.desk, institution="001000200030"),
        encounter=EncounterConfig(deadline_s=60.0, capture_s=8.0),
    )


@pytest.fixture
def see(counter: Config, clips: Path) -> Callable[[str], None]:
    """Bring a clip before the camera."""
    return lambda clip: put_before_camera(counter, clips, clip)


@pytest.fixture
def start(desktop: Desktop, counter: Config) -> Generator[Start, None, None]:
    """Start the agent of ``counter``, or of a changed one."""
    with ExitStack() as stack:

        def started(
            *words: str, config: Config | None = None, environment: dict[str, str] | None = None
        ) -> AgentAtWork:
            given = environment or desktop.environment
            return stack.enter_context(agent(config or counter, given, *words))

        yield started
