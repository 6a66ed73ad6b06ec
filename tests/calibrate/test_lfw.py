"""The carried networks on pictures of strangers: what the thresholds were promised to cost."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import ROOT

from yibao_face.daemon.calibrate.embedding import embed_folder, list_pictures, person_of
from yibao_face.daemon.calibrate.eye import open_eye
from yibao_face.daemon.calibrate.rate import codes_of, one_to_one
from yibao_face.daemon.calibrate.study import Row, Study, study
from yibao_face.daemon.config import Config
from yibao_face.daemon.wiring import plain_store

LFW = ROOT.parent / "shared" / "data" / "lfw-dev"
# All of them take five minutes: every third person, by name, is looked at.
EVERY = 3


@pytest.fixture(scope="module")
def result(home: Config, tmp_path_factory: pytest.TempPathFactory) -> Study:
    if not LFW.is_dir():
        pytest.skip(f"no pictures of strangers here ({LFW.parent.name}/{LFW.name})")
    files = list_pictures(LFW)
    chosen = set(sorted({person_of(file) for file in files})[::EVERY])
    some = [file for file in files if person_of(file) in chosen]
    eye = open_eye(plain_store(home), "", 0.0)
    kept: Path = tmp_path_factory.mktemp("lfw") / "embeddings.npz"
    return study(embed_folder(eye, LFW, some, lambda _line: None, kept), eye.limit)


def row(result: Study, template: int, probe: int, far: float | None, *, single: bool) -> Row:
    [found] = [
        row
        for row in result.rows
        if (row.template, row.probe, row.far, row.single) == (template, probe, far, single)
    ]
    return found


@pytest.mark.timeout(600)
def test_every_picture_shows_a_face(result: Study) -> None:
    found = result.embedded

    assert result.persons > 900
    assert len(found.files) > 1500
    assert 0 == found.unreadable
    assert found.faceless <= len(found.files) // 1000
    # Blocks or not: the same number of pairs.
    assert one_to_one(found.vectors, codes_of(found.owners)).impostors.total > 1_000_000


@pytest.mark.timeout(600)
def test_one_picture_a_side(result: Study) -> None:
    at = row(result, 1, 1, 1e-5, single=True)

    assert at.resolved
    assert at.fa.value <= 1e-5
    assert 0.42 <= at.limit <= 0.52
    assert at.frr.value <= 0.08
    assert at.spread[0] <= at.frr.value <= at.spread[1]


@pytest.mark.timeout(600)
def test_the_carried_threshold_holds_on_them(result: Study) -> None:
    # Without the margin a site adds.
    at = row(result, 1, 1, None, single=True)

    assert at.fa.interval[0] <= 2e-5
    assert at.frr.value <= 0.07


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("pictures", "most"), [(2, 1), (3, 1)])
def test_more_pictures_a_side_miss_almost_nobody(result: Study, pictures: int, most: int) -> None:
    at = row(result, pictures, pictures, 1e-4, single=False)

    assert at.frr.trials >= 40
    assert at.frr.errors <= most


@pytest.mark.timeout(600)
def test_thresholds_of_one_half_hold_on_the_other(result: Study) -> None:
    single = {row.far: row for row in result.held_out if row.single}

    assert {1e-3, 1e-4} <= set(single)
    for far, row in single.items():
        assert far is not None
        assert row.fa.value <= 6 * far
        assert row.frr.value <= 0.1
