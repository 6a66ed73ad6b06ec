"""``library config``: what the installer writes so that the library trusts this daemon alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from yibao_face.daemon.config import Config
from yibao_face.daemon.wiring import reply_signer_of, vault_of

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]


def key_of(config: Config) -> str:
    return reply_signer_of(vault_of(config)).public_key().hex()


def test_the_file_names_daemon_and_key(
    site: Config, settle: Callable[[Config], None], run: Run
) -> None:
    settle(replace(site, door=replace(site.door, port=51518)))

    code, out, err = run("library", "config")
    assert (0, "") == (code, err)
    assert f"daemon = 127.0.0.1:51518\nkey = {key_of(site)}\nverify = on\n" == out


def test_port_and_verification_may_be_told(at_home: Config, run: Run) -> None:
    code, out, _ = run("library", "config", "--port", 4711, "--no-verify")

    assert 0 == code
    assert f"daemon = 127.0.0.1:4711\nkey = {key_of(at_home)}\nverify = off\n" == out


@pytest.mark.parametrize(("words", "verify"), [((), "on"), (("--no-verify",), "off")])
def test_windows_gets_a_registry_file(
    at_home: Config, run: Run, words: tuple[str, ...], verify: str
) -> None:
    _, out, _ = run("library", "config", "--registry", "--port", 51518, *words)

    assert [
        "Windows Registry Editor Version 5.00",
        "",
        "[HKEY_LOCAL_MACHINE\\SOFTWARE\\yibao-face\\library]",
        '"daemon"="127.0.0.1:51518"',
        f'"key"="{key_of(at_home)}"',
        f'"verify"="{verify}"',
    ] == out.splitlines()


@pytest.mark.usefixtures("at_home")
@pytest.mark.parametrize("words", [(), ("--port", "0"), ("--port", "65536"), ("--port", "-1")])
def test_a_port_nobody_can_call_is_refused(refusal: Refusal, words: tuple[str, ...]) -> None:
    said = refusal("library", "config", *words)

    assert "the library needs a port of 1..65535: name it with --port" == said


def test_the_key_stays_the_same_and_is_not_the_secret(at_home: Config, run: Run) -> None:
    shown = {run("library", "config", "--port", 1) for _ in range(2)}

    assert 1 == len(shown)
    assert vault_of(at_home).reply_seed.hex() not in str(shown)
