"""The scripted reader of the demo plays cards and faults, and says that it is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from beds.reader.bed import pixels, resident

from yibao_face.drivers.reader.api import Again, ReaderConfigError, ReaderLostError
from yibao_face.drivers.reader.chip import bmp_of, parse
from yibao_face.drivers.reader.table import open_reader
from yibao_face.drivers.reader.virtual import VirtualReader, write_card

CARD = parse(resident(), bmp_of(pixels()))


def test_the_script_is_played_in_order_then_no_card_comes() -> None:
    reader = VirtualReader([Again.MOVED, None, CARD])

    assert [Again.MOVED, None, CARD, None] == [reader.wait(0.01) for _ in range(4)]


def test_a_scripted_loss_and_a_closed_reader_are_lost() -> None:
    reader = VirtualReader([ReaderLostError("virtual: unplugged")])

    with pytest.raises(ReaderLostError, match="unplugged"):
        reader.wait(0.01)
    reader.close()
    with pytest.raises(ReaderLostError, match="closed"):
        reader.wait(0.01)


@pytest.mark.parametrize("until", ["20350101", "长期"])
def test_a_card_kept_in_a_file_comes_back_as_it_was(tmp_path: Path, until: str) -> None:
    card = parse(resident(valid_until=until), bmp_of(pixels()))
    write_card(tmp_path / "card.json", card, "card.bmp")

    with open_reader(f"virtual:{tmp_path / 'card.json'}") as reader:
        assert reader.info.virtual
        assert card == reader.wait(0.01)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"kind": "resident", "name": 1}'])
def test_a_file_without_a_card_is_a_config_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "card.json").write_text(text)

    with pytest.raises(ReaderConfigError, match=r"no card in card\.json"):
        open_reader(f"virtual:{tmp_path / 'card.json'}")
