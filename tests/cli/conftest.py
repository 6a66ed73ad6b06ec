"""The command line as a user meets it: arguments in, exit code and two streams out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from yibao_face.daemon.cli.main import main
from yibao_face.daemon.config import Config, to_toml


@pytest.fixture
def settle(monkeypatch: pytest.MonkeyPatch) -> Callable[[Config], None]:
    """Writes a configuration into its data folder and makes that folder the home."""

    def settle(config: Config) -> None:
        (config.data / "config.toml").write_bytes(to_toml(config).encode())
        monkeypatch.setenv("YIBAO_FACE_HOME", str(config.data))

    return settle


@pytest.fixture
def at_home(site: Config, settle: Callable[[Config], None]) -> Config:
    """The fresh data folder of ``site`` as the home."""
    settle(site)
    return site


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs a command: exit code, standard output, standard error (of native code too)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        code = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return run


@pytest.fixture
def refusal(run: Callable[..., tuple[int, str, str]]) -> Callable[..., str]:
    """Runs a command that must fail with exit code 1 and one line; returns that line's text."""

    def refusal(*arguments: object) -> str:
        code, _, err = run(*arguments)
        assert 1 == code
        assert 1 == err.count("\n") == len(err.splitlines()), err
        assert err.startswith("yibao-face: ")
        return err.removeprefix("yibao-face: ").rstrip("\n")

    return refusal
