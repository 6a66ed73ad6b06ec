"""A vendor's library, real and compiled, behind a process: read, refused, hanging, crashing."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from beds.reader.bed import NUMBER, Standin, pixels, resident, sha256_of, standin

from yibao_face.drivers.reader.api import (
    Again,
    IdCard,
    ReaderBusyError,
    ReaderConfigError,
    ReaderError,
    ReaderLostError,
    ReaderMissingError,
    ReaderUnsupportedError,
)
from yibao_face.drivers.reader.chip import bmp_of
from yibao_face.drivers.reader.hosted import HostedReader
from yibao_face.drivers.reader.table import ReaderSettings, open_reader

MakeStandin = Callable[..., Standin]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeStandin:
    """Builds the stand-in with some defines; its folder is the one the library obeys."""

    def make(*defines: str) -> Standin:
        monkeypatch.setenv("READER_STANDIN", str(tmp_path))
        return standin(tmp_path, *defines)

    return make


@pytest.fixture
def plain(make: MakeStandin) -> Standin:
    return make("DECODER=GetBmp")


@pytest.fixture
def reader(plain: Standin) -> Generator[HostedReader, None, None]:
    with HostedReader("sdt", "", plain.settings, answer_s=1.0) as opened:
        yield opened


def read(made: Standin, uri: str = "sdt:1003") -> IdCard | Again | None:
    with open_reader(uri, made.settings) as opened:
        return opened.wait(5.0)


@pytest.mark.parametrize(
    ("vendor", "defines"),
    [
        ("sdt", ["DECODER=GetBmp"]),
        ("huaxu", ["IN_MEMORY"]),
        ("synjones", ["PREFIX=Syn_", "DECODER=Syn_GetBmp"]),
    ],
)
def test_every_vendor_delivers_text_and_picture(
    make: MakeStandin, vendor: str, defines: list[str]
) -> None:
    card = read(make(*defines), f"{vendor}:1003")

    assert isinstance(card, IdCard)
    assert (NUMBER, "张三", bmp_of(pixels())) == (card.number, card.name, card.photo)


def test_the_first_usb_port_that_answers_is_taken(plain: Standin) -> None:
    assert isinstance(read(plain, "sdt:"), IdCard)


def test_a_second_library_may_unpack_the_picture(make: MakeStandin, tmp_path: Path) -> None:
    apart = tmp_path / "decoder"
    apart.mkdir()
    decoder = standin(apart, "DECODER=GetBmp").library
    reads = make()
    both = replace(reads.settings, decoder=str(decoder), decoder_sha256=sha256_of(decoder))

    with open_reader("sdt:1003", both) as opened:
        card = opened.wait(5.0)
    assert isinstance(card, IdCard)
    assert bmp_of(pixels()) == card.photo


def test_without_a_decoder_the_card_comes_without_its_picture(make: MakeStandin) -> None:
    card = read(make())

    assert isinstance(card, IdCard)
    assert b"" == card.photo


def test_no_card_is_waited_for_and_then_none(reader: HostedReader, plain: Standin) -> None:
    plain.behave("nothing")
    started = time.monotonic()

    assert reader.wait(0.6) is None
    assert time.monotonic() - started < 0.6 + 1.0 + 1.0


@pytest.mark.parametrize(
    ("mode", "again"),
    [
        ("taken-away", Again.MOVED),
        ("shifted", Again.MOVED),
        ("bank-card", Again.OTHER_CARD),
    ],
)
def test_a_card_put_on_badly_is_asked_for_again_and_then_read(
    reader: HostedReader, plain: Standin, mode: str, again: Again
) -> None:
    plain.behave(mode)
    assert again is reader.wait(2.0)

    plain.behave("card")
    assert isinstance(reader.wait(2.0), IdCard)


def test_a_damaged_chip_is_unreadable_and_the_next_one_is_read(
    reader: HostedReader, plain: Standin
) -> None:
    plain.put(os.urandom(256))
    assert Again.UNREADABLE is reader.wait(2.0)

    plain.put(resident())
    assert isinstance(reader.wait(2.0), IdCard)


def test_a_library_that_writes_too_much_disturbs_nothing(
    reader: HostedReader, plain: Standin
) -> None:
    plain.behave("overlong")

    assert isinstance(reader.wait(2.0), IdCard)


@pytest.mark.parametrize(
    ("mode", "said"), [("crash", "crashed"), ("hang", "silent for 1 s"), ("unplugged", "0x01")]
)
def test_a_crash_a_hang_and_an_unplug_are_loss_for_ever(
    reader: HostedReader, plain: Standin, mode: str, said: str
) -> None:
    plain.behave(mode)

    with pytest.raises(ReaderLostError, match=f"^sdt:: .*{said}"):
        reader.wait(1.0)
    plain.behave("card")
    with pytest.raises(ReaderLostError, match=f"^sdt:: .*{said}"):
        reader.wait(1.0)


@pytest.mark.parametrize(
    ("mode", "error"), [("absent", ReaderMissingError), ("taken", ReaderBusyError)]
)
def test_a_port_that_does_not_open_says_why(
    plain: Standin, mode: str, error: type[ReaderError]
) -> None:
    plain.behave(mode)

    with pytest.raises(error, match=r"^sdt:1003: "):
        open_reader("sdt:1003", plain.settings)


def test_a_security_module_without_licence_is_unsupported(
    reader: HostedReader, plain: Standin
) -> None:
    plain.behave("unlicensed")

    with pytest.raises(ReaderUnsupportedError, match="security module refuses"):
        reader.wait(1.0)


def test_a_library_without_the_functions_is_named(make: MakeStandin) -> None:
    with pytest.raises(ReaderUnsupportedError, match=r"has no function Syn_OpenPort$"):
        open_reader("synjones:1003", make().settings)


def test_a_file_that_is_no_library_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "sdtapi.dll"
    file.write_bytes(b"MZ, but not for here")

    with pytest.raises(ReaderUnsupportedError, match=r"sdtapi\.dll cannot be loaded"):
        open_reader("sdt:1003", ReaderSettings(str(file), sha256_of(file)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sha256": ""}, "has no sha256"),
        ({"sha256": "0" * 64}, "is not the one of the configured sha256"),
        ({"library": "missing.dll"}, "missing.dll cannot be read"),
        ({"library": ""}, "library is not configured"),
        ({"decoder": "missing.dll"}, "library missing.dll has no sha256"),
    ],
)
def test_a_library_that_is_not_the_configured_one_is_never_loaded(
    plain: Standin, change: dict[str, str], said: str
) -> None:
    with pytest.raises(ReaderConfigError, match=said):
        open_reader("sdt:1003", replace(plain.settings, **change))


@pytest.mark.parametrize(
    "uri", ["", "sdt", "nobody:1", "sdt:17", "sdt:usb", "sdt:-1", "sdt:²", "sdt:01001"]
)
def test_a_uri_that_names_no_reader_is_refused(plain: Standin, uri: str) -> None:
    with pytest.raises(ReaderConfigError):
        open_reader(uri, plain.settings)


def test_a_closed_reader_leaves_no_process_and_no_picture_behind(
    plain: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for_a_moment = tmp_path / "moment"
    for_a_moment.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(for_a_moment))
    before = set(psutil.Process().children())
    opened = open_reader("sdt:1003", plain.settings)
    assert isinstance(opened.wait(5.0), IdCard)
    [folder] = for_a_moment.iterdir()

    assert [] == list(folder.iterdir())
    opened.close()
    opened.close()
    assert [] == list(for_a_moment.iterdir())
    assert before == set(psutil.Process().children())
    with pytest.raises(ReaderLostError, match="closed"):
        opened.wait(0.1)
