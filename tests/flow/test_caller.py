"""From which counter a call was asked: on record, whatever became of it, and in the log."""

from __future__ import annotations

import json
import logging
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from harness import FIRST, SECOND, Running, his_call, put_before_camera, running, wait_for
from lan_bed import AUTH, HOST, Peer, peer_of, request

from yibao_face.daemon.config import Config
from yibao_face.daemon.door.http import ATTENDANCE_PATH
from yibao_face.daemon.section import EncounterConfig, LanConfig
from yibao_face.daemon.wiring import caller_book_of
from yibao_face.sync.api import Query

ONE, TWO = "收费一号窗", "收费二号窗"
PHARMACY = "001000200030"


@dataclass(frozen=True)
class Counters:
    """A daemon, and two machines that have the library only."""

    site: Running
    peers: dict[str, Peer]

    def ask(self, name: str, body: bytes, path: str = AUTH) -> dict[str, Any]:
        said = self.peers[name].ask(self.site.daemon.lan.port, request(body, path))
        answer: dict[str, Any] = json.loads(said.partition(b"\r\n\r\n")[2])
        return answer

    def details(self, kind: str = "settlement") -> list[tuple[str, dict[str, Any]]]:
        """Cause and detail of each record, in the order written."""
        rows = self.site.daemon.ledger.outbox.find(Query(kinds=(kind,)))
        return [(row.cause, json.loads(row.detail)) for row in rows]


@contextmanager
def counters(config: Config, **changed: Any) -> Generator[Counters, None, None]:
    with running(replace(config, lan=LanConfig(True, HOST, 0), **changed)) as site:
        wait_for(lambda: site.daemon.lan.port)
        book = caller_book_of(config, site.daemon.desk.gallery.vault)
        key = site.daemon.reply_signer.public_key()
        made = {name: book.add(name, ("127.0.0.1",), "2026-11-27") for name in (ONE, TWO)}
        yield Counters(site, {name: peer_of(caller, key) for name, caller in made.items()})


def test_a_record_says_which_machine_asked(cast: Config, clips: Path) -> None:
    put_before_camera(cast, clips, "live-first")
    with counters(cast) as found:
        assert 1 == found.ask(ONE, his_call(FIRST))["code"]
        assert 1 == found.site.caller.authenticate(his_call(FIRST))["code"]
        assert 0 == found.ask(TWO, his_call(SECOND))["code"]
        assert [
            ("matched-self", {"caller": ONE}),
            ("matched-self", {"caller": "local"}),
            ("other-person", {"caller": TWO}),
        ] == found.details()


def test_a_settlement_of_another_person_is_refused_in_the_name_of_who_asked(
    cast: Config, clips: Path
) -> None:
    put_before_camera(cast, clips, "live-first")
    with counters(cast) as found:
        assert 1 == found.ask(ONE, his_call(FIRST, deal_no="D1"))["code"]
        assert 0 == found.ask(TWO, his_call(SECOND, deal_no="D1"))["code"]
        assert ("deal-taken", {"caller": TWO}) == found.details()[-1]


def test_a_pass_asked_again_elsewhere_has_one_record_and_a_line(
    cast: Config, clips: Path, caplog: pytest.LogCaptureFixture
) -> None:
    put_before_camera(cast, clips, "live-first")
    caplog.set_level(logging.INFO)
    body = his_call(FIRST)
    with counters(cast) as found:
        first, again = found.ask(ONE, body), found.ask(TWO, body)
        [(_, detail)] = found.details()

    assert (1, first) == (first["code"], again)
    assert {"caller": ONE} == detail
    [line] = [r.getMessage() for r in caplog.records if "repeats encounter" in r.getMessage()]
    assert line.endswith(f"asked by {TWO}")


def test_who_joins_a_call_under_way_is_on_its_record(cast: Config, clips: Path) -> None:
    put_before_camera(cast, clips, "nobody")
    brief = EncounterConfig(deadline_s=20.0, capture_s=3.0)
    body = his_call(FIRST)
    with counters(cast, encounter=brief) as found, ThreadPoolExecutor(2) as asking:
        first = asking.submit(found.ask, ONE, body)
        wait_for(lambda: found.site.daemon.service.booth.occupied)
        second = asking.submit(found.ask, TWO, body)
        assert first.result(20) == second.result(20)
        [(_, detail)] = found.details()

    assert {"caller": ONE, "joined": [TWO]} == detail


def test_a_sign_in_says_which_machine_asked(cast: Config, clips: Path) -> None:
    put_before_camera(cast, clips, "live-first")
    told = {"ID": FIRST, "name": "张三", "fixmedins_code": PHARMACY, "fixmedins_name": "大药房"}
    body = json.dumps(told, ensure_ascii=False).encode()
    with counters(cast) as found:
        assert 0 != found.ask(TWO, body, ATTENDANCE_PATH)["code"]
        listed = [{"id": FIRST, "name": "张三"}]
        roster = {"institution": PHARMACY, "practitioners": listed, "staff": "1001"}
        assert found.site.caller.act("roster", roster)["ok"]
        assert 0 == found.ask(ONE, body, ATTENDANCE_PATH)["code"]
        assert [
            ("not-on-roster", {"caller": TWO}),
            ("signed-in", {"caller": ONE}),
        ] == found.details("attendance")


@pytest.mark.parametrize(("path", "said"), [(AUTH, b"{}"), (ATTENDANCE_PATH, b"[]")])
def test_what_is_no_call_is_logged_with_who_asked(
    site: Config, caplog: pytest.LogCaptureFixture, path: str, said: bytes
) -> None:
    caplog.set_level(logging.INFO)
    with counters(site) as found:
        found.ask(TWO, said, path)
        assert [] == found.details()

    assert any(
        r.getMessage().endswith(f"refused: bad-request, asked by {TWO}") for r in caplog.records
    )
