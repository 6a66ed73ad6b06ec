"""``verify`` and ``counter`` against the real daemon: from the counter's words to the record."""

from __future__ import annotations

import _thread
import json
import sqlite3
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from harness import FIRST, Running, his_call, put_before_camera, running

from yibao_face.daemon.cli.main import main
from yibao_face.daemon.config import Config
from yibao_face.sync.api import Record

Run = Callable[..., tuple[int, str, str]]
Portrait = Callable[[str], bytes]
STRANGER = "440301198512121234"
# The counter command watches until it is answered: a test that goes wrong must end it.
PATIENCE_S = 30.0


@pytest.fixture
def daemon(cast: Config, settle: Callable[[Config], None]) -> Generator[Running, None, None]:
    """A daemon with the cast enrolled, found by the configuration at home."""
    quick = replace(cast, enrolment=replace(cast.enrolment, counter_s=2.0))
    with running(quick) as site:
        settle(site.config)
        yield site


@dataclass(frozen=True, slots=True)
class Enrolled:
    """How an enrolment in the call ended: both exit codes, what was printed and recorded."""

    verify: int
    counter: int
    out: str
    err: str
    answer: dict[str, Any]
    stored: Record


@pytest.fixture
def enrol(
    daemon: Running,
    clips: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Callable[..., Enrolled]:
    """A stranger (the third portrait) calls; the clerk types ``words``, then end of file."""

    def enrol(*words: str, watch: tuple[str, ...] = ("--once",)) -> Enrolled:
        put_before_camera(daemon.config, clips, "live-third")
        monkeypatch.setattr("builtins.input", partial(typed_next, iter(words)))
        with ThreadPoolExecutor(1) as pool, patience():
            call = pool.submit(main, ["verify", "--id", STRANGER, "--name", "王五"])
            if not watch:
                call.add_done_callback(lambda _call: _thread.interrupt_main())
            counter = main(["counter", "--staff", "1001", *watch])
            verify = call.result(PATIENCE_S)
        out, err = capfd.readouterr()
        [answer] = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
        [stored] = daemon.daemon.ledger.outbox.waiting()
        return Enrolled(verify, counter, out, err, answer, stored)

    return enrol


@contextmanager
def patience() -> Generator[None, None, None]:
    """Interrupts the main thread, as Ctrl-C does, when the block takes too long."""
    timer = threading.Timer(PATIENCE_S, _thread.interrupt_main)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def typed_next(words: Iterator[str], _question: str) -> str:
    """What ``input`` returns next; ``EOFError`` at the end, as the real one raises."""
    word = next(words, None)
    if word is None:
        raise EOFError
    return str(word)


def enrolled_by(config: Config) -> list[str]:
    """Who vouched, for every person kept."""
    with closing(sqlite3.connect(config.data / "gallery.db")) as db:
        return [row[0] for row in db.execute("SELECT enrolled_by FROM person ORDER BY at, rowid")]


@pytest.mark.parametrize(("clip", "code", "who"), [("live-first", 1, 1), ("flat-first", 0, 0)])
def test_verify_prints_the_answer_and_ends_by_it(
    daemon: Running, clips: Path, run: Run, clip: str, code: int, who: int
) -> None:
    put_before_camera(daemon.config, clips, clip)

    ended, out, err = run("verify", "--id", FIRST, "--name", "张三")
    answer = json.loads(out)
    [stored] = daemon.daemon.ledger.outbox.waiting()
    assert (1 - code, "") == (ended, err)
    assert {"code": code, "type": who, "cp_no": stored.certificate_no} == {
        key: answer[key] for key in ("code", "type", "cp_no")
    }
    assert answer["msg"] in out


def test_verify_sends_a_request_file_as_it_is(
    daemon: Running, clips: Path, run: Run, tmp_path: Path
) -> None:
    put_before_camera(daemon.config, clips, "live-first")
    call = json.loads(his_call(FIRST, name="张三"))
    (tmp_path / "call.json").write_bytes(json.dumps(call, ensure_ascii=False).encode("gbk"))

    ended, out, _ = run("verify", "--request", tmp_path / "call.json")
    [stored] = daemon.daemon.ledger.outbox.waiting()
    assert (0, 1) == (ended, json.loads(out)["code"])
    assert call["deal_no"] == stored.deal_no


def test_verify_prints_the_refusal_of_a_bad_request(
    daemon: Running, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "call.json").write_bytes(b"no json")

    ended, out, err = run("verify", "--request", tmp_path / "call.json")
    assert (1, 0, "") == (ended, json.loads(out)["code"], err)
    assert 0 == daemon.daemon.ledger.outbox.count()


def test_a_port_named_on_the_command_line_wins(
    daemon: Running, settle: Callable[[Config], None], clips: Path, run: Run
) -> None:
    put_before_camera(daemon.config, clips, "live-first")
    port = daemon.config.door.port
    settle(replace(daemon.config, door=replace(daemon.config.door, port=1)))

    assert 0 == run("verify", "--id", FIRST, "--name", "张三", "--port", port)[0]


def test_a_stranger_is_enrolled_by_consent_and_staff(
    daemon: Running, enrol: Callable[..., Enrolled]
) -> None:
    done = enrol("y", "是", "")

    assert (0, 0, "") == (done.verify, done.counter, done.err)
    assert (1, 1, "matched-self") == (done.answer["code"], done.answer["type"], done.stored.cause)
    assert daemon.config.enrolment.consent_version == done.stored.consent
    assert daemon.config.enrolment.consent_text in done.out
    assert "[44**************34]" in done.out
    assert STRANGER not in done.out
    assert "staff:1001" == enrolled_by(daemon.config)[-1]
    assert 3 == len(enrolled_by(daemon.config))


def test_who_was_enrolled_passes_without_the_counter(
    enrol: Callable[..., Enrolled], run: Run
) -> None:
    enrol("yes", "Y", "")

    ended, out, _ = run("verify", "--id", STRANGER, "--name", "王五")
    assert (0, 1) == (ended, json.loads(out)["code"])


@pytest.mark.parametrize(
    ("pictured", "exit_code", "cause", "kept"),
    [("third", 0, "matched-self", 3), ("second", 1, "id-photo-mismatch", 2)],
)
def test_an_id_photo_must_show_the_person_at_the_counter(
    daemon: Running,
    enrol: Callable[..., Enrolled],
    portrait: Portrait,
    pictured: str,
    exit_code: int,
    cause: str,
    kept: int,
) -> None:
    photo = daemon.config.data / "id-photo"
    photo.write_bytes(portrait(pictured))
    done = enrol("y", "y", str(photo))

    assert (exit_code, 0) == (done.verify, done.counter)
    assert (1 - exit_code, cause) == (done.answer["code"], done.stored.cause)
    assert kept == len(enrolled_by(daemon.config))
    assert ("id-photo:1001" in enrolled_by(daemon.config)) is (kept == 3)


def test_staff_who_do_not_confirm_enrol_nobody(
    daemon: Running, enrol: Callable[..., Enrolled]
) -> None:
    done = enrol("y", "n")

    assert (1, 0) == (done.verify, done.counter)
    assert (0, "staff-refused") == (done.answer["code"], done.stored.cause)
    assert 2 == len(enrolled_by(daemon.config))


def test_without_consent_nobody_is_enrolled_and_the_counter_watches_on(
    daemon: Running, enrol: Callable[..., Enrolled]
) -> None:
    done = enrol("n", watch=())

    assert (1, 130) == (done.verify, done.counter)
    assert (0, "consent-refused", "") == (
        done.answer["code"],
        done.stored.cause,
        done.stored.consent,
    )
    assert 2 == len(enrolled_by(daemon.config))


def test_a_counter_whose_input_ends_fails_in_one_line(enrol: Callable[..., Enrolled]) -> None:
    done = enrol()

    assert (1, 1) == (done.verify, done.counter)
    assert (0, "counter-silent") == (done.answer["code"], done.stored.cause)
    assert done.err.startswith("yibao-face: ")
    assert 1 == done.err.count("\n")
