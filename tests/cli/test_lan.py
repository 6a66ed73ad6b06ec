"""``lan add``, ``list``, ``remove``: what the engineer carries to the other machine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from yibao_face.daemon.config import Config
from yibao_face.daemon.section import LanConfig
from yibao_face.daemon.wiring import caller_book_of, reply_signer_of, vault_of

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]
ADD = ("lan", "add", "收费一号窗", "--address", "192.168.1.20")


@pytest.fixture
def networked(site: Config, settle: Callable[[Config], None]) -> Config:
    """A site whose configuration names its address on the network."""
    config = replace(site, lan=LanConfig(True, "192.168.1.9", 51521))
    settle(config)
    return config


def test_one_line_is_all_the_other_machine_needs(networked: Config, run: Run) -> None:
    code, out, err = run(*ADD)
    told, line = out.splitlines()
    [made] = caller_book_of(networked, vault_of(networked)).all()
    key = reply_signer_of(vault_of(networked)).public_key().hex()

    assert (0, "") == (code, err)
    assert told.startswith("# 收费一号窗")
    assert f"192.168.1.9:51521,{key},{made.id},{made.secret.hex()}" == line


def test_the_secret_is_shown_once(networked: Config, run: Run) -> None:
    del networked
    secret = run(*ADD)[1].split(",")[-1].strip()
    _, out, _ = run("lan", "list")

    assert 64 == len(secret)
    assert secret not in out
    assert out.split()[1:3] == ["收费一号窗", "192.168.1.20/32"]


def test_it_may_be_a_settings_file(networked: Config, run: Run) -> None:
    del networked
    lines = run(*ADD, "--form", "conf")[1].splitlines()
    assert lines[0].startswith("#")
    values = dict(line.split(" = ") for line in lines[1:])

    assert ["daemon", "key", "verify", "caller", "secret"] == list(values)
    assert "on" == values["verify"]


def test_it_may_be_a_registry_file(networked: Config, run: Run) -> None:
    del networked
    lines = run(*ADD, "--form", "registry", "--host", "10.0.0.5")[1].splitlines()
    assert lines[0].startswith(";")
    assert "[HKEY_LOCAL_MACHINE\\SOFTWARE\\yibao-face\\library]" in lines
    assert '"daemon"="10.0.0.5:51521"' in lines


def test_it_says_so_where_lan_mode_is_off(
    site: Config, settle: Callable[[Config], None], run: Run
) -> None:
    settle(site)
    assert "未启用" in run(*ADD, "--host", "192.168.1.9")[1]


@pytest.mark.parametrize("host", ["", "0.0.0.0"])  # noqa: S104  # never bound
def test_without_an_address_of_this_machine_nobody_could_call(
    site: Config, settle: Callable[[Config], None], refusal: Refusal, host: str
) -> None:
    settle(replace(site, lan=LanConfig(bool(host), host)))
    assert "--host" in refusal(*ADD)


@pytest.mark.parametrize(
    ("words", "told"),
    [(("--address", "his.local"), "his.local"), (("--address", "10.0.0.0/8"), "/16")],
)
def test_an_address_that_is_none_is_refused(
    networked: Config, refusal: Refusal, words: tuple[str, ...], told: str
) -> None:
    assert told in refusal("lan", "add", "一号", *words)
    assert () == caller_book_of(networked, vault_of(networked)).all()


@pytest.mark.usefixtures("networked")
def test_who_is_removed_is_gone(run: Run, refusal: Refusal) -> None:
    run(*ADD)
    assert "收费一号窗" in run("lan", "remove", "收费一号窗")[1]
    assert (0, "", "") == run("lan", "list")
    assert "没有这台电脑" in refusal("lan", "remove", "收费一号窗")
