"""A counter whose suite is SM: SM3 chain, SM4 data, SM2 certificates; and one that switches."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from harness import FIRST, his_call, lacking, put_before_camera, running

from yibao_face.daemon.cli.main import main
from yibao_face.daemon.config import Config, to_toml
from yibao_face.daemon.section import CryptoConfig
from yibao_face.daemon.trust.signature import SignatureError, has_sm2
from yibao_face.daemon.wiring import desk_of, outbox_path
from yibao_face.sync.outbox import Outbox

Run = Callable[..., tuple[int, str, str]]


def of_suite(config: Config, suite: str) -> Config:
    return replace(config, crypto=CryptoConfig(suite))


@pytest.fixture
def sm(cast: Config, clips: Path) -> Config:
    """A counter of the suite from its first record on."""
    if not has_sm2():
        lacking("gmssl-pyx")
    put_before_camera(cast, clips, "live-first")
    return of_suite(cast, "sm")


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs a command: exit code, standard output, standard error."""

    def run(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return code, out, err

    return run


def at_home(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    (config.data / "config.toml").write_bytes(to_toml(config).encode())
    monkeypatch.setenv("YIBAO_FACE_HOME", str(config.data))


def algorithm(config: Config) -> str:
    with Outbox(outbox_path(config)) as outbox:
        return outbox.file.algorithm


def test_chain_data_and_certificate_are_those_of_the_suite(
    sm: Config, monkeypatch: pytest.MonkeyPatch, run: Run, tmp_path: Path
) -> None:
    with running(sm) as site:
        answer = site.caller.authenticate(his_call(FIRST))
        assert 1 == answer["code"]
        records = site.daemon.ledger.outbox.waiting()
    assert "sm3" == algorithm(sm)
    assert {b"S2"} == {record.sealed_request[:2] for record in records}
    assert "sm2" == json.loads(records[-1].certificate)["algorithm"]

    at_home(sm, monkeypatch)
    assert "完好 / whole" in run("queue", "verify")[1]
    assert f"genuine: {answer['cp_no']}\n" in run("certificate", "verify", answer["cp_no"])[1]
    key = run("certificate", "key")[1].split()
    assert "sm2" == key[0]
    statement = tmp_path / "statement.json"
    statement.write_text(run("certificate", "show", answer["cp_no"])[1], "utf-8")
    assert 0 == run("certificate", "verify", statement, "--key", key[2])[0]


@pytest.mark.parametrize(("first", "then"), [("standard", "sm"), ("sm", "standard")])
def test_a_switch_is_told_and_leaves_chain_people_and_certificates_whole(
    sm: Config,
    first: str,
    then: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    run: Run,
) -> None:
    numbers: list[str] = []
    for suite in (first, then):
        with running(of_suite(sm, suite)) as site:
            answer = site.caller.authenticate(his_call(FIRST))
            assert 1 == answer["code"]
            numbers.append(answer["cp_no"])
    began = {"standard": "sha256", "sm": "sm3"}[first]
    assert f"crypto.suite {then}: the record chain stays in {began}" in caplog.text
    assert began == algorithm(sm)

    at_home(of_suite(sm, then), monkeypatch)
    assert "完好 / whole" in run("queue", "verify")[1]
    for number in numbers:
        assert 0 == run("certificate", "verify", number)[0]


def test_without_the_library_the_suite_is_refused_in_a_clear_line(
    site: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gmssl_pyx", None)
    with (
        pytest.raises(SignatureError, match=r"its extra is yibao-face\[sm\]"),
        desk_of(of_suite(site, "sm")),
    ):
        pass
