"""The commands that try a reader and a scanner show what they read, masked; a card enrols."""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from beds.reader.bed import NUMBER, Standin, resident, standin
from harness import his_call, put_before_camera, running

from yibao_face.daemon.config import Config
from yibao_face.daemon.demo.picture.card import CARD_NUMBER, chip_photo, invented_card
from yibao_face.daemon.gallery.gallery import Numbers
from yibao_face.daemon.section import ReaderConfig, ScannerConfig
from yibao_face.daemon.wiring import gallery_of
from yibao_face.drivers.reader.virtual import write_card
from yibao_face.models.suite import FaceModels

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]
Settle = Callable[[Config], None]


def yes(_question: str) -> str:
    """The clerk at the terminal agrees to all."""
    return "y"


@pytest.fixture
def vendor(
    at_home: Config, settle: Settle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Standin:
    """The stand-in library of a vendor, configured as the reader."""
    folder = tmp_path / "vendor"
    folder.mkdir()
    monkeypatch.setenv("READER_STANDIN", str(folder))
    made = standin(folder, "DECODER=GetBmp")
    reader = ReaderConfig("sdt:", made.settings.library, made.settings.sha256)
    settle(replace(at_home, reader=reader))
    return made


@pytest.mark.usefixtures("vendor")
def test_a_card_is_shown_masked(run: Run) -> None:
    code, out, err = run("reader", "test", "--seconds", "5")

    assert (0, "") == (code, err)
    assert "11**************03" in out
    assert "张*" in out
    assert not [secret for secret in (NUMBER, "张三", "某市", "1990") if secret in out]


def test_a_card_laid_badly_brings_advice(vendor: Standin, run: Run) -> None:
    vendor.behave("taken-away")
    threading.Timer(1.0, vendor.behave, ("card",)).start()
    code, out, _ = run("reader", "test", "--seconds", "10")

    assert 0 == code
    assert "请重新放置身份证并保持不动" in out


def test_no_card_is_told(vendor: Standin, refusal: Refusal) -> None:
    vendor.behave("nothing")

    assert "no card was read within 0.5 s" == refusal("reader", "test", "--seconds", "0.5")


def test_a_reader_that_does_not_answer_is_told(vendor: Standin, refusal: Refusal) -> None:
    vendor.behave("absent")

    assert "sdt:: no reader answers (0x01)" == refusal("reader", "test")


@pytest.mark.usefixtures("at_home")
def test_without_a_reader_or_scanner_the_key_is_named(refusal: Refusal) -> None:
    assert "no reader is configured: [reader] uri" == refusal("reader", "test")
    assert "no reader is configured: [reader] uri" == refusal("person", "card")
    assert "no scanner is configured: [scanner] uri" == refusal("scanner", "test")


def test_a_person_is_enrolled_by_the_card_alone(
    vendor: Standin,
    at_home: Config,
    run: Run,
    models: FaceModels,
    portrait: Callable[[str], bytes],
) -> None:
    (vendor.folder / "photo.bmp").write_bytes(chip_photo(models, portrait("third")))
    code, out, err = run("person", "card", "--psn", "P7", "--by", "1001")

    assert (0, "") == (code, err)
    assert out.endswith("enrolled 11**************03 by the card's picture\n")
    gallery = gallery_of(at_home)
    person = gallery.find(Numbers(NUMBER, "P7"))
    assert person is not None
    assert "张三" == gallery.name(person)
    assert ["id-photo"] == [source for source, _, _ in gallery.history(person)]


def test_an_expired_card_enrols_nobody(vendor: Standin, at_home: Config, refusal: Refusal) -> None:
    vendor.put(resident(valid_until="20200101"))

    assert "the card is not valid today" == refusal("person", "card")
    assert 0 == gallery_of(at_home).count()


def test_a_virtual_reader_enrols_nobody(at_home: Config, settle: Settle, refusal: Refusal) -> None:
    file = at_home.data / "card.json"
    write_card(file, invented_card(b""), "card.bmp")
    settle(replace(at_home, reader=ReaderConfig(f"virtual:{file}")))

    assert "a virtual reader vouches for nobody" == refusal("person", "card")
    assert 0 == gallery_of(at_home).count()


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are of Unix")
def test_a_scanned_code_is_told_by_its_kind_and_masked(
    at_home: Config, settle: Settle, run: Run
) -> None:
    import pty  # noqa: PLC0415  # of Unix alone

    theirs, ours = pty.openpty()
    settle(replace(at_home, scanner=ScannerConfig(f"serial:{os.ttyname(ours)}")))
    # Opening a port drops what was sent before.
    scans = threading.Timer(1.0, os.write, (theirs, NUMBER.encode() + b"\r"))
    scans.start()
    code, out, err = run("scanner", "test", "--seconds", "10")
    scans.join()
    os.close(ours)
    os.close(theirs)

    assert (0, "") == (code, err)
    assert "id-number" in out
    assert "11**************03 (18)" in out
    assert NUMBER not in out


def test_the_counter_confirms_by_the_card_on_the_daemons_reader(
    cast: Config,
    settle: Settle,
    clips: Path,
    models: FaceModels,
    portrait: Callable[[str], bytes],
    monkeypatch: pytest.MonkeyPatch,
    run: Run,
) -> None:
    file = cast.data / "card.json"
    write_card(file, invented_card(chip_photo(models, portrait("third"))), "card.bmp")
    put_before_camera(cast, clips, "live-third")
    monkeypatch.setattr("builtins.input", yes)
    with (
        running(replace(cast, reader=ReaderConfig(f"virtual:{file}"))) as site,
        ThreadPoolExecutor(1) as pool,
    ):
        settle(site.config)
        call = pool.submit(site.caller.authenticate, his_call(CARD_NUMBER, name="王五"))
        code, out, err = run("counter", "--staff", "1001", "--card", "--once")

        assert 1 == call.result(30)["code"]
    assert (0, "") == (code, err)
    assert "请把身份证放在阅读器上" in out
    with closing(sqlite3.connect(cast.data / "gallery.db")) as db:
        [(by,)] = db.execute("SELECT enrolled_by FROM person ORDER BY rowid DESC LIMIT 1")
    assert "id-card:1001" == by
