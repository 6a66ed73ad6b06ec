"""``desk``: every act and view through the running daemon, from the words of the command line."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness import FIRST, SECOND, Running, his_call, put_before_camera, running

from yibao_face.daemon.cli.main import main
from yibao_face.daemon.config import Config
from yibao_face.daemon.desk.table import ACTS, VIEWS
from yibao_face.daemon.section import DeskConfig
from yibao_face.daemon.trust.document import keys_text, sign_document
from yibao_face.daemon.trust.signature import Ed25519Signer
from yibao_face.daemon.wiring import centre_keys_path
from yibao_face.sync.api import Query

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]
Portrait = Callable[[str], bytes]
SITE = "001000200030"
CENTRE = Ed25519Signer(bytes(32))


@pytest.fixture
def daemon(cast: Config, settle: Callable[[Config], None]) -> Generator[Running, None, None]:
    """A daemon of one site, found by the configuration at home."""
    centre_keys_path(cast).write_text(keys_text([CENTRE]), "utf-8")
    with running(replace(cast, desk=DeskConfig(institution=SITE))) as site:
        settle(site.config)
        yield site


@pytest.fixture
def photo(tmp_path: Path, portrait: Portrait) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(portrait("second"))
    return path


def done(answered: tuple[int, str, str]) -> dict[str, Any]:
    code, out, err = answered
    assert (0, "") == (code, err)
    found: dict[str, Any] = json.loads(out)
    return found


def details(site: Running, kind: str) -> list[dict[str, Any]]:
    rows = site.daemon.ledger.outbox.find(Query(kinds=(kind,)))
    return [json.loads(row.detail) for row in rows]


def test_an_act_before_the_camera_is_done(daemon: Running, clips: Path, run: Run) -> None:
    put_before_camera(daemon.config, clips, "live-first")
    signed = done(run("desk", "treatment-in", f"id={FIRST}", "item=tuina", "staff=护士01"))

    assert (True, "matched-self") == (signed["ok"], signed["cause"])
    [session] = done(run("desk", "treatments"))["sessions"]
    assert (signed["id"], "tuina", None) == (
        session["session"],
        session["item"],
        session["out_ms"],
    )


def test_an_act_that_was_refused_ends_with_exit_code_1(
    daemon: Running, clips: Path, run: Run
) -> None:
    put_before_camera(daemon.config, clips, "live-second")

    code, out, err = run("desk", "treatment-in", f"id={FIRST}", "item=tuina", "staff=护士01")
    assert (1, "") == (code, err)
    assert (False, "other-person") == (json.loads(out)["ok"], json.loads(out)["cause"])
    code, out, err = run("desk", "treatment-in")
    assert (1, "请填写证件号码(id)或个人编号(psn)", "") == (code, json.loads(out)["msg"], err)


def test_a_special_case_goes_with_its_photographs_and_a_review_with_a_yes_or_no(
    daemon: Running, run: Run, photo: Path
) -> None:
    words = ("desk", "special", f"id={SECOND}", "case=face-unrecognised", "staff=1001")
    registered = done(run(*words, "--photo", photo, photo))

    [waiting] = done(run("desk", "queue"))["waiting"]
    assert (registered["id"], 2) == (waiting["of"], len(waiting["photos"]))
    assert 1 == len(set(waiting["photos"]))
    kept = daemon.daemon.desk.evidence.get(waiting["photos"][0])
    assert photo.read_bytes() == kept
    assert done(run("desk", "review", f"of={registered['id']}", "approved=true", "staff=R1"))["ok"]
    assert [True] == [detail["approved"] for detail in details(daemon, "review")]
    assert {"waiting": []} == done(run("desk", "queue"))


@pytest.mark.parametrize("word", ["yes", "True", "1", ""])
def test_a_review_takes_nothing_but_true_and_false(
    daemon: Running, run: Run, photo: Path, word: str
) -> None:
    words = ("desk", "special", f"id={SECOND}", "case=face-unrecognised", "staff=1001")
    of = done(run(*words, "--photo", photo))["id"]

    code, out, _ = run("desk", "review", f"of={of}", f"approved={word}", "staff=R1")
    assert (1, "是否通过(approved)须为true或false") == (code, json.loads(out)["msg"])
    assert [] == details(daemon, "review")


def test_a_count_is_a_number(daemon: Running, run: Run) -> None:
    done(run("desk", "settled", "day=2026-12-01", "count=120"))

    assert [120] == [detail["count"] for detail in details(daemon, "settled")]


@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize("count", ["-1", "many", "", "²", "1.5", "9" * 5000])
def test_what_is_no_count_is_told_in_the_answer(run: Run, count: str) -> None:
    code, out, err = run("desk", "settled", "day=2026-12-01", f"count={count}")

    assert (1, "人次(count)须为0以上的整数", "") == (code, json.loads(out)["msg"], err)


def test_a_task_of_the_centre_goes_as_the_file_it_is(
    daemon: Running, run: Run, tmp_path: Path
) -> None:
    payload = {"task": "T1", "institution": SITE, "scope": "hospital"}
    payload |= {"from_ms": 1_796_000_000_000, "until_ms": 1_796_003_600_000}
    signed = tmp_path / "task.json"
    signed.write_bytes(sign_document("round-task", 1, json.dumps(payload), CENTRE))

    assert done(run("desk", "task", "--document", signed))["ok"]
    assert ["T1"] == [task["task"] for task in done(run("desk", "tasks"))["tasks"]]
    signed.write_bytes(signed.read_bytes().replace(b"T1", b"T2"))
    code, out, _ = run("desk", "task", "--document", signed)
    assert (1, "document-refused") == (code, json.loads(out)["cause"])
    assert ["T1"] == [detail["task"] for detail in details(daemon, "round-task")]


def test_data_of_a_dialysis_goes_as_the_json_it_is(
    daemon: Running, clips: Path, run: Run, tmp_path: Path
) -> None:
    put_before_camera(daemon.config, clips, "live-first")
    words = ("desk", "treatment-in", f"id={FIRST}", "item=haemodialysis", "staff=护士01")
    session = done(run(*words))["id"]
    data = {"purification": {"方式": "HD", "小时": 4.0}, "tests": [{"k": "5.1"}]}
    (tmp_path / "data.json").write_text(json.dumps(data, ensure_ascii=False), "utf-8")

    sent = run("desk", "treatment-data", f"session={session}", "--data", tmp_path / "data.json")
    assert done(sent)["ok"]
    [row] = daemon.daemon.ledger.outbox.find(Query(kinds=("treatment-data",)))
    assert data == daemon.daemon.ledger.opened(row)
    assert "HD" not in row.detail


@pytest.mark.usefixtures("daemon")
def test_a_view_is_printed_as_json_with_chinese_in_clear(run: Run, photo: Path) -> None:
    words = ("desk", "special", f"id={SECOND}", "case=on-leave", "staff=1001")
    run(*words, "--photo", photo)

    code, out, err = run("desk", "queue")
    assert (0, "") == (code, err)
    assert "请假" in out


@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize("name", VIEWS)
def test_every_view_is_shown_to_a_site_that_named_its_institution(run: Run, name: str) -> None:
    assert isinstance(done(run("desk", name)), dict)


def test_a_view_takes_fields(daemon: Running, clips: Path, run: Run) -> None:
    put_before_camera(daemon.config, clips, "live-first")
    daemon.caller.authenticate(his_call(FIRST, fixmedins_code="other"))

    days = ("from=2020-01-01", "to=2099-12-31")
    assert 0 == done(run("desk", "findings", *days))["calls"]
    assert 1 == done(run("desk", "findings", "institution=other", *days))["calls"]


@pytest.mark.usefixtures("daemon")
def test_a_view_that_is_asked_wrongly_fails_in_one_line(refusal: Refusal) -> None:
    assert "HTTP 400" in refusal("desk", "rounds", "day=yesterday")


@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize("key", ["name", "self"])
def test_a_key_no_view_knows_is_passed_over(run: Run, key: str) -> None:
    assert {"waiting": []} == done(run("desk", "queue", f"{key}=x"))


@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("dance",), "no such act or view: dance; see --help"),
        (("queue", "day"), "not KEY=VALUE: day"),
        (("queue", "=x"), "not KEY=VALUE: =x"),
        (("queue", "day=2026-12-01", "day=2026-12-02"), "given twice: day"),
    ],
)
def test_words_that_say_nothing_are_refused(
    refusal: Refusal, words: tuple[str, ...], said: str
) -> None:
    assert said == refusal("desk", *words)


@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize("option", ["--photo", "--document", "--data"])
def test_a_file_that_is_missing_is_named(refusal: Refusal, option: str) -> None:
    said = refusal("desk", "special", option, "missing.file")

    assert said.startswith("missing.file cannot be read")


@pytest.mark.usefixtures("daemon")
@pytest.mark.parametrize("data", [b"", b"hello", b"\xff", b"[" * 100_000])
def test_data_that_is_no_json_is_named(refusal: Refusal, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "data.json").write_bytes(data)

    said = refusal("desk", "treatment-data", "--data", tmp_path / "data.json")
    assert "data.json is not JSON" == said


@pytest.mark.usefixtures("at_home")
def test_without_a_daemon_it_says_so(refusal: Refusal) -> None:
    assert "no daemon runs on this data folder" in refusal("desk", "queue")


def test_the_help_names_every_act_and_view(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["desk", "--help"])

    words = capsys.readouterr().out.replace(",", " ").replace(".", " ").split()
    assert {*ACTS, *VIEWS} <= set(words)


def test_a_photograph_is_sent_in_base64(daemon: Running, run: Run, tmp_path: Path) -> None:
    (tmp_path / "no-picture.jpg").write_bytes(base64.b64encode(b"no picture"))
    words = ("desk", "special", f"id={SECOND}", "case=on-leave", "staff=1001")

    code, out, _ = run(*words, "--photo", tmp_path / "no-picture.jpg")
    assert (1, "id-photo-unusable") == (code, json.loads(out)["cause"])
    assert [] == details(daemon, "special")
