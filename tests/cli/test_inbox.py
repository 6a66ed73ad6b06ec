"""``yibao-face inbox`` and ``center sign|seal``: a document by hand, from the centre to a site."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from inbox_bed import FIRST, SECOND, counter_at, person, persons, roster, signed

from yibao_face.daemon.config import Config, load_config

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> Path:
    """The data folder of a site that knows the key ``seed``, made by its centre."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("YIBAO_FACE_HOME", str(folder))
    code, keys, _ = run("policy", "keygen", "-o", tmp_path / "seed")
    assert 0 == code
    (folder / "centre-keys.json").write_text(keys, "utf-8")
    return folder


@pytest.fixture
def made(tmp_path: Path, run: Run) -> Callable[..., Path]:
    """Signs a payload as the centre does; ``to``: seals it."""

    def made(kind: str, version: int, payload: object, to: str = "") -> Path:
        draft, out = tmp_path / "draft.json", tmp_path / f"{kind}-{version}.json"
        draft.write_text(json.dumps(payload, ensure_ascii=False), "utf-8-sig")
        words = ["seal", "--to", to] if to else ["sign"]
        key = ("--key", tmp_path / "seed")
        assert (
            0
            == run(
                *("center", *words, "--kind", kind, "--version", version, *key, draft, "-o", out)
            )[0]
        )
        return out

    return made


def test_documents_are_carried_in_and_listed(
    data: Path, made: Callable[..., Path], run: Run
) -> None:
    assert "nothing of the centre is in force" in run("inbox", "ls")[1]
    public = run("inbox", "key")[1].split()
    assert "x25519" == public[0]
    files = (
        made("roster", 2, roster(FIRST)),
        made("person-references", 1, persons(person(data, SECOND)), public[2]),
        made("configuration", 5, {"values": {"match.margin": 0.06}}),
    )
    code, out, err = run("inbox", "take", *files)

    assert (0, "") == (code, err)
    assert [
        "已生效 / in force: roster version 2",
        "已生效 / in force: person-references version 1",
        "已生效 / in force: configuration version 5，重启服务后生效 / from the next start",
    ] == out.splitlines()
    listed = run("inbox", "ls")[1].splitlines()
    assert [
        "configuration version 5",
        "person-references batch-1 version 1",
        "roster 001000200030 version 2",
    ] == [line.split(" since ")[0] for line in listed]
    assert "1\n" == run("person", "count")[1]
    assert FIRST not in "".join(listed)


def test_one_that_is_refused_does_not_keep_out_the_others(
    data: Path, made: Callable[..., Path], run: Run, tmp_path: Path
) -> None:
    strange = tmp_path / "strange.json"
    strange.write_bytes(signed("roster", 9, roster()))
    code, out, err = run("inbox", "take", strange, made("roster", 2, roster(FIRST)))

    assert 1 == code
    assert "refused strange.json: the document is signed with a key that is not" in out
    assert "roster version 2" in out
    assert err.startswith("yibao-face: 1 ")
    assert not (data / "configuration.accepted.json").exists()


@pytest.mark.usefixtures("data")
def test_what_is_no_document_is_told_in_one_line(refusal: Refusal, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"not json")

    assert "a.json: the document is not a JSON object" == refusal(
        "inbox", "take", tmp_path / "a.json"
    )
    assert "b.json cannot be read" in refusal("inbox", "take", tmp_path / "b.json")


def test_the_key_is_the_same_each_time_and_no_other_key_of_the_device(
    data: Path, run: Run
) -> None:
    key = run("inbox", "key")[1]

    assert key == run("inbox", "key")[1]
    assert key.split()[2] not in run("certificate", "key")[1]
    assert [data / "device.key"] == sorted(data.glob("device.key*"))


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--to", "!"), "--to is not base64"),
        (("--to", "AAAA"), "--to holds 3 bytes"),
        (("--to", "A" * 43 + "="), "no X25519 public key"),
        (("--version", "0"), "version is out of range"),
    ],
)
def test_what_cannot_be_sealed_is_told(
    refusal: Refusal, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    (tmp_path / "draft.json").write_text("{}")
    usual = ("--to", "B" * 43 + "=", "--version", "1", "--kind", "agents")
    given = (*usual, "--key", tmp_path / "seed", *words)

    said = refusal("center", "seal", *given, tmp_path / "draft.json", "-o", tmp_path / "out")
    assert told in said


@pytest.mark.skipif(sys.platform == "win32", reason="file modes are POSIX")
@pytest.mark.usefixtures("data")
def test_a_key_others_may_read_signs_nothing(refusal: Refusal, tmp_path: Path) -> None:
    (tmp_path / "seed").chmod(0o644)
    (tmp_path / "draft.json").write_text("{}")
    given = ("--kind", "agents", "--version", "1", "--key", tmp_path / "seed")

    assert "chmod 600" in refusal(
        "center", "sign", *given, tmp_path / "draft.json", "-o", tmp_path / "out"
    )


def test_a_revoked_certificate_is_told_by_verify(
    data: Path, made: Callable[..., Path], run: Run, refusal: Refusal, tmp_path: Path
) -> None:
    from yibao_face.daemon.trust.certificate import Facts, issue  # noqa: PLC0415  # here alone
    from yibao_face.daemon.wiring import signer_of, vault_of  # noqa: PLC0415  # here alone

    facts = Facts("H", "D1", "p", 1, 1, "matched-self", "", 1_796_056_200_000, demo=False)
    found = issue("019374c0-1111-7222-8333-444444444444", facts, signer_of(vault_of(Config(data))))
    (tmp_path / "statement.json").write_text(found.text, "utf-8")
    assert 0 == run("certificate", "verify", tmp_path / "statement.json")[0]

    run("inbox", "take", made("revocation", 1, {"certificates": [found.no]}))
    assert "genuine, but revoked by the centre" == refusal(
        "certificate", "verify", tmp_path / "statement.json"
    )


def test_config_prints_the_effective_values_and_what_is_the_centres(
    data: Path, made: Callable[..., Path], run: Run, tmp_path: Path
) -> None:
    values = {"match.margin": 0.06, "desk.round_by": "19:30"}
    run("inbox", "take", made("configuration", 3, {"values": values}))
    code, out, err = run("config")

    assert (0, "") == (code, err)
    assert "margin = 0.06\n" in out
    assert "# 中心配置 / of the centre, version 3: desk.round_by, match.margin\n" in out
    printed = tmp_path / "printed.toml"
    printed.write_bytes(out.encode())
    assert load_config() == load_config(printed)
    (data / "configuration.accepted.json").write_bytes(b"{}")
    assert "# 中心配置未采用 / configuration of the centre left out: " in run("config")[1]


def test_the_bed_and_the_command_see_the_same_site(data: Path, run: Run) -> None:
    (data / "centre-keys.json").unlink()
    with counter_at(data) as counter:
        counter.take_signed("roster", 1, roster())

    assert "roster 001000200030 version 1 since " in run("inbox", "ls")[1]
