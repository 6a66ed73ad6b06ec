"""The link to the centre in the page: as it is now, not as the last record left it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import pytest
from center_bed import INSTITUTION
from console_bed import Window, office
from ui_bed import until
from uplink_bed import Centre, bind, centre

from yibao_face.daemon.config import Config
from yibao_face.daemon.console.access.role import Role
from yibao_face.daemon.section import CentreConfig


@pytest.fixture
def center(tmp_path_factory: pytest.TempPathFactory) -> Generator[Centre, None, None]:
    """A running centre."""
    with centre(tmp_path_factory.mktemp("center")) as made:
        yield made


@pytest.fixture
def linked(cast: Config, center: Centre) -> Config:
    """A centre configured, the machine not bound yet."""
    return replace(cast, centre=CentreConfig(center.place.url))


def link(window: Window, path: str = "/status") -> dict[str, Any]:
    found: dict[str, Any] = window.ask(path).json()["link"]
    return found


def test_a_machine_without_a_centre_or_not_bound_is_no_fault(cast: Config, linked: Config) -> None:
    for config, state in ((cast, "none"), (linked, "unbound")):
        with office(config) as made:
            found = link(made.window(Role.ENGINEER))
            assert (state, None) == (found["state"], found["ok"])


@pytest.mark.parametrize("path", ["/status", "/queue"])
def test_what_was_sent_before_does_not_hide_that_the_centre_is_away(
    linked: Config, center: Centre, path: str
) -> None:
    bind(linked, center)
    with office(linked) as made:
        engineer = made.window(Role.ENGINEER)
        form = {"institution": INSTITUTION, "day": "2026-12-01", "count": 1}
        assert made.site.caller.act("settled", form)["ok"]
        until(lambda: link(engineer, path)["ok"] is True)
        until(lambda: engineer.ask("/queue").json()["sent"] == 1)

    with office(replace(linked, centre=CentreConfig("https://localhost:1"))) as made:
        engineer = made.window(Role.ENGINEER)
        until(lambda: link(engineer, path)["state"] == "offline")
        assert link(engineer, path)["ok"] is False
        found = engineer.ask("/queue").json()
        assert (0, True) == (found["waiting"], bool(found["last_sent_ms"]))
