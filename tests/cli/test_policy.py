"""``yibao-face policy`` as the centre and a site use it: keygen, sign, check, try, install."""

from __future__ import annotations

import argparse
import json
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from yibao_face.daemon.cli.centre import policy
from yibao_face.daemon.cli.common import CliError

POLICY: dict[str, Any] = {
    "version": 7,
    "valid_from": "2026-01-01",
    "groups": {"chronic": {"disease": ["I10"]}},
    "specials": {"on-leave": False},
    "rules": [
        {"id": "key-groups", "check": True, "when": {"group_any": ["chronic"]}},
        {"id": "small", "check": False, "when": {"med_type": ["41"], "medfee_below": 100.5}},
    ],
}
Run = Callable[..., str]


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs an action with a data folder of the test's own; what it prints."""
    monkeypatch.setenv("YIBAO_FACE_HOME", str(tmp_path / "data"))
    top = argparse.ArgumentParser()
    policy.add(top.add_subparsers())

    def run(*words: object) -> str:
        given = top.parse_args(["policy", *map(str, words)])
        assert 0 == given.run(given)
        return capsys.readouterr().out

    return run


@pytest.fixture
def centre(tmp_path: Path, run: Run) -> Callable[..., Path]:
    """A centre whose key the site knows: signs a policy and returns the signed file."""
    (tmp_path / "data").mkdir()
    seed = tmp_path / "seed"
    (tmp_path / "data" / "centre-keys.json").write_text(run("keygen", "-o", seed), "utf-8")

    def sign(**changed: Any) -> Path:
        body = {**POLICY, **changed}
        payload, signed = tmp_path / "payload.json", tmp_path / f"v{body['version']}.json"
        payload.write_text(json.dumps(body), "utf-8")
        run("sign", "--key", seed, "--version", body["version"], payload, "-o", signed)
        return signed

    return sign


def test_a_signed_policy_is_checked_and_shown(centre: Callable[..., Path], run: Run) -> None:
    assert [
        "policy version 7, genuine, 2 rule(s)",
        "in force today: no (from always until 2020-12-31)",
        "key-groups: look when group_any=chronic",
        "small: no check needed when med_type=41 medfee_below=100.5",
        "special:on-leave: no check needed",
        "default: look",
    ] == run("check", centre(valid_from=None, valid_until="2020-12-31")).splitlines()


def test_a_policy_of_today_is_in_force(centre: Callable[..., Path], run: Run) -> None:
    shown = run("check", centre(valid_from=None, rules=[{"id": "all", "check": False}]))

    assert "in force today: yes (from always until further notice)" in shown
    assert "all: no check needed always" in shown


SMALL = ("--med-type", "41", "--amount", "99.90", "--disease", "J00", "--at", "2026-11-22T09:30")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (SMALL, "no check needed (code 2), rule small"),
        ((*SMALL, "--amount", "100.50"), "look (code 1), rule default"),
        ((*SMALL, "--disease", "I10"), "look (code 1), rule key-groups"),
        ((*SMALL, "--disease", ""), "look (code 1), rule key-groups"),
        ((*SMALL, "--at", "2025-12-31T23:59"), "look (code 1), rule policy-not-in-force"),
        ((*SMALL, "--at", "2025-12-31T16:00+00:00"), "no check needed (code 2), rule small"),
        (
            ("--disease", "J00", "--at", "2026-11-22", "--special", "on-leave"),
            "no check needed (code 2), rule special:on-leave",
        ),
    ],
)
def test_a_visit_can_be_tried(
    centre: Callable[..., Path], run: Run, words: tuple[str, ...], expected: str
) -> None:
    assert f"{expected}\n" == run("try", centre(), *words)


def test_a_draft_can_be_tried_before_it_is_signed(tmp_path: Path, run: Run) -> None:
    draft = tmp_path / "draft.json"
    draft.write_text(json.dumps(POLICY), "utf-8-sig")

    assert "no check needed (code 2), rule small\n" == run("try", "--draft", draft, *SMALL)
    with pytest.raises(CliError, match=r"draft\.json: "):
        run("try", draft, *SMALL)


def test_an_installed_policy_lies_in_the_inbox_byte_by_byte(
    tmp_path: Path, centre: Callable[..., Path], run: Run
) -> None:
    signed = centre()

    assert "version 7" in run("install", signed)
    assert signed.read_bytes() == (tmp_path / "data" / "policy.json").read_bytes()


def test_a_changed_policy_is_neither_installed_nor_shown(
    tmp_path: Path, centre: Callable[..., Path], run: Run
) -> None:
    signed = centre()
    signed.write_bytes(signed.read_bytes().replace(b"100.5", b"900.5"))

    for action in ("check", "install", "try"):
        with pytest.raises(CliError, match=r"v7\.json: the signature does not fit"):
            run(action, signed)
    assert not (tmp_path / "data" / "policy.json").exists()


def test_a_policy_of_an_unknown_centre_is_refused(
    tmp_path: Path, centre: Callable[..., Path], run: Run
) -> None:
    signed = centre()
    (tmp_path / "data" / "centre-keys.json").unlink()

    with pytest.raises(CliError, match="not the centre's"):
        run("install", signed)


@pytest.mark.parametrize("changed", [{"version": 6}, {"rules": []}])
def test_what_is_not_newer_than_the_policy_in_force_is_not_installed(
    tmp_path: Path, centre: Callable[..., Path], run: Run, changed: dict[str, Any]
) -> None:
    in_force = centre().read_bytes()
    (tmp_path / "data" / "policy.accepted.json").write_bytes(in_force)

    with pytest.raises(CliError, match="is not newer than 7"):
        run("install", centre(**changed))
    assert "version 7" in run("install", centre())
    assert "version 8" in run("install", centre(version=8))


def test_a_policy_the_daemon_would_not_read_is_never_signed(
    tmp_path: Path, centre: Callable[..., Path], run: Run
) -> None:
    with pytest.raises(CliError, match="unknown key 'note'"):
        centre(note="x")
    payload = tmp_path / "payload.json"
    payload.write_text(json.dumps(POLICY), "utf-8")
    with pytest.raises(CliError, match="holds version 7"):
        run("sign", "--key", tmp_path / "seed", "--version", 8, payload, "-o", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no POSIX modes")
def test_a_signing_key_is_for_its_owner_alone(
    tmp_path: Path, centre: Callable[..., Path], run: Run
) -> None:
    seed = tmp_path / "seed"
    run("keygen", "-o", tmp_path / "other")
    centre()

    assert {0o600} == {stat.S_IMODE(f.stat().st_mode) for f in (seed, tmp_path / "other")}
    seed.chmod(0o640)
    with pytest.raises(CliError, match="chmod 600"):
        centre()


def test_a_signing_key_is_never_written_over(tmp_path: Path, run: Run) -> None:
    seed = tmp_path / "seed"
    run("keygen", "-o", seed)
    before = seed.read_bytes()

    with pytest.raises(CliError, match="seed cannot be made"):
        run("keygen", "-o", seed)
    assert before == seed.read_bytes()


def test_keygen_prints_the_public_half_only(tmp_path: Path, run: Run) -> None:
    shown = run("keygen", "-o", tmp_path / "seed")

    assert (tmp_path / "seed").read_text("ascii").strip() not in shown
    assert ["ed25519"] == [entry["algorithm"] for entry in json.loads(shown).values()]


@pytest.mark.parametrize("text", ["", "zz", "00" * 31, "签"])
def test_a_file_that_holds_no_key_signs_nothing(
    tmp_path: Path, centre: Callable[..., Path], text: str
) -> None:
    (tmp_path / "seed").write_text(text, "utf-8")

    with pytest.raises(CliError, match="seed holds no signing key"):
        centre()


@pytest.mark.parametrize("action", ["check", "install", "try"])
def test_a_missing_file_is_named(tmp_path: Path, run: Run, action: str) -> None:
    with pytest.raises(CliError, match=r"nowhere\.json cannot be read"):
        run(action, tmp_path / "nowhere.json")


@pytest.mark.parametrize("words", [("--amount", "ten"), ("--at", "noon"), ("--special", "other")])
def test_a_wrong_word_is_wrong_usage(tmp_path: Path, run: Run, words: tuple[str, str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run("try", tmp_path / "p.json", *words)

    assert 2 == ended.value.code


def test_the_example_of_the_documentation_does_what_it_says(
    centre: Callable[..., Path], run: Run
) -> None:
    text = (Path(__file__).parents[2] / "docs" / "policy.md").read_text("utf-8")
    example = json.loads(text.split("```json\n")[1].split("```")[0])
    words = ["--institution", "P32010000001", *SMALL]

    assert "no check needed (code 2), rule small-purchase\n" == run(
        "try", centre(**example), *words
    )
    assert "look (code 1), rule key-groups\n" == run(
        "try", centre(**example), *words, "--disease", "E11.900"
    )
