"""``certificate``: what stands behind a number, checked offline by whoever has the key."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from yibao_face.daemon.config import Config
from yibao_face.daemon.core.decision import Outcome, refused
from yibao_face.daemon.core.encounter import Answer, Cause, Who
from yibao_face.daemon.core.scene.event import Kind
from yibao_face.daemon.ledger import Entry
from yibao_face.daemon.trust.signature import Ed25519Signer, key_id_of
from yibao_face.daemon.wiring import desk_of
from yibao_face.sync.api import Record

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]
SITE, DEAL = "001000200030", "00100020003020261201090000演示"
STRANGER = base64.b64encode(Ed25519Signer(bytes(32)).public_key()).decode()


def settle_deal(config: Config, outcome: Outcome, deal_no: str = DEAL) -> Record:
    with desk_of(config) as desk:
        entry = Entry(Kind.SETTLEMENT, outcome, SITE, "p" * 64, deal_no)
        return desk.ledger.write(desk.ledger.new_id(), entry)


@pytest.fixture
def passed(at_home: Config) -> Record:
    """A settlement that passed, among one that did not and another."""
    settle_deal(at_home, refused(Cause.OTHER_PERSON))
    settle_deal(at_home, Outcome(Answer.PASS, Who.AGENT, Cause.MATCHED_AGENT, 0.7), "other")
    return settle_deal(at_home, Outcome(Answer.PASS, Who.SELF, Cause.MATCHED_SELF, 0.8))


@pytest.fixture
def statement(at_home: Config, passed: Record, run: Run) -> Path:
    """The certificate as a file, as it is sent to whoever asks."""
    path = at_home.data / "statement.json"
    path.write_bytes(run("certificate", "show", passed.certificate_no)[1].encode())
    return path


def test_a_certificate_is_shown_as_it_was_signed(passed: Record, run: Run) -> None:
    shown = run("certificate", "show", passed.certificate_no)

    assert (0, f"{passed.certificate}\n", "") == shown
    assert shown == run("certificate", "show", f" {passed.certificate_no.lower()} ")


def test_a_genuine_certificate_says_what_it_vouches_for(passed: Record, run: Run) -> None:
    code, out, err = run("certificate", "verify", passed.certificate_no)
    [first, second] = out.splitlines()

    assert (0, "", f"genuine: {passed.certificate_no}") == (code, err, first)
    said = json.loads(second)
    assert (SITE, DEAL, 1, 1, "matched-self", False) == (
        said["institution"],
        said["deal_no"],
        said["code"],
        said["type"],
        said["cause"],
        said["demo"],
    )
    assert said["at"].startswith(passed.day)
    assert said["at"].endswith("+08:00")


def test_the_file_verifies_elsewhere_with_the_public_key_alone(
    statement: Path,
    run: Run,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    algorithm, key_id, key = run("certificate", "key")[1].split()
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.setenv("YIBAO_FACE_HOME", str(elsewhere))
    words = ("certificate", "verify", statement)

    assert ("ed25519", key_id_of(base64.b64decode(key))) == (algorithm, key_id)
    assert 0 == run(*words, "--key", key, "--deal-no", DEAL, "--institution", SITE)[0]
    assert [] == list(elsewhere.iterdir())


def test_a_file_saved_with_a_byte_order_mark_verifies(statement: Path, run: Run) -> None:
    statement.write_bytes(b"\xef\xbb\xbf" + statement.read_bytes())

    assert 0 == run("certificate", "verify", statement)[0]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--deal-no", "other"), "genuine, but not of this deal-no"),
        (("--deal-no", ""), "genuine, but not of this deal-no"),
        (("--institution", "other"), "genuine, but not of this institution"),
        (("--deal-no", DEAL, "--institution", "other"), "genuine, but not of this institution"),
    ],
)
def test_a_certificate_of_another_settlement_is_refused(
    statement: Path, refusal: Refusal, words: tuple[str, ...], said: str
) -> None:
    assert said == refusal("certificate", "verify", statement, *words)


def test_nothing_is_said_about_a_certificate_that_is_not_genuine(
    statement: Path, run: Run
) -> None:
    statement.write_bytes(statement.read_bytes().replace(SITE.encode(), b"001000200031"))

    code, out, err = run("certificate", "verify", statement)
    assert (1, "", "yibao-face: signature does not fit the statement\n") == (code, out, err)


@pytest.mark.parametrize("data", [b"", b"hello", b"[]", b"\xff\xfe{\x00", b"[" * 100_000])
def test_a_file_that_is_no_certificate_is_refused(
    at_home: Config, refusal: Refusal, data: bytes
) -> None:
    (at_home.data / "file.json").write_bytes(data)

    assert "certificate is not " in refusal("certificate", "verify", at_home.data / "file.json")


def test_the_key_of_another_daemon_is_refused(statement: Path, refusal: Refusal) -> None:
    said = refusal("certificate", "verify", statement, "--key", STRANGER)

    assert said.endswith("is not known")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("no base64!", "--key is not base64"),
        ("公钥", "--key is not base64"),
        ("", "--key holds 0 bytes, a public key has 32"),
        ("AAAA", "--key holds 3 bytes, a public key has 32"),
    ],
)
def test_what_is_no_key_is_told_so(statement: Path, refusal: Refusal, key: str, said: str) -> None:
    assert said == refusal("certificate", "verify", statement, "--key", key)


@pytest.mark.usefixtures("passed")
@pytest.mark.parametrize("cp_no", ["", " ", "0" * 30, "nowhere.json", "%"])
@pytest.mark.parametrize("action", ["show", "verify"])
def test_a_number_nobody_was_given_is_not_found(refusal: Refusal, action: str, cp_no: str) -> None:
    said = refusal("certificate", action, cp_no)

    assert "no such certificate in the results of this data folder" == said


def test_the_key_of_a_data_folder_stays_the_same(at_home: Config, run: Run) -> None:
    keys = {run("certificate", "key") for _ in range(2)}

    assert 1 == len(keys)
    assert (at_home.data / "device.key").read_bytes().hex() not in str(keys)
