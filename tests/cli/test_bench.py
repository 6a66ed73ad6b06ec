"""The benchmark measures verifications, each of a settlement of its own."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from harness import link_folder

from yibao_face.daemon.config import Config
from yibao_face.daemon.demo import bench


def test_every_verification_of_the_benchmark_looks_at_the_person_anew(
    home: Config,
    at_home: Config,
    run: Callable[..., tuple[int, str, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bench, "_IDLE_S", 0.1)
    link_folder(at_home.data / "clips", home.data / "clips")
    link_folder(at_home.data / "downloads", home.downloads)
    figures = at_home.data / "figures.json"
    code, _, err = run("bench", "verify", "--frames", 2, "--verifications", 3, "--json", figures)
    stages = {stage["name"]: stage for stage in json.loads(figures.read_bytes())["stages"]}

    assert (0, 3) == (code, stages["whole call (5 frames + match)"]["samples"]), err
    assert stages["whole call (5 frames + match)"]["p50_ms"] > stages["embed"]["p50_ms"]
