"""The compiled head: landmarks on their place, persons of human size, faults told apart."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from yibao_face.daemon.config import Config
from yibao_face.models.api import ModelAlteredError, ModelMissingError
from yibao_face.models.simulator.mesh.asset import FILE, RECIPE, install_head, read_compiled
from yibao_face.models.simulator.mesh.head import HeadModel, load_head_model
from yibao_face.models.simulator.species import Species
from yibao_face.models.weights.store import RECEIPT, WeightStore

UPPER_LIP, LOWER_LIP, CHIN = (13, 82, 312, 0), (14, 87, 317, 17), (152, 199, 175)
UPPER_LIDS, LOWER_LIDS = (159, 386), (145, 374)


def drop_mm(heads: HeadModel, unit: str, landmarks: tuple[int, ...]) -> np.ndarray:
    """How far landmarks fall when a face unit is at its full reach."""
    rest = heads.person(np.random.default_rng(1)).vertices
    moved = heads.landmarks(heads.moved(rest, {unit: 1.0})) - heads.landmarks(rest)
    return -moved[list(landmarks), 1]


def test_the_lower_lip_and_the_chin_fall_with_the_jaw_the_upper_lip_stays(
    heads: HeadModel,
) -> None:
    assert drop_mm(heads, "jawOpen", LOWER_LIP).min() > 20
    assert drop_mm(heads, "jawOpen", CHIN).min() > 15
    assert np.abs(drop_mm(heads, "jawOpen", UPPER_LIP)).max() < 4


@pytest.mark.parametrize(("side", "index"), [("Right", 0), ("Left", 1)])
def test_a_blink_closes_the_lid_of_its_own_side(heads: HeadModel, side: str, index: int) -> None:
    upper = drop_mm(heads, f"eyeBlink{side}", UPPER_LIDS)
    lower = drop_mm(heads, f"eyeBlink{side}", LOWER_LIDS)
    assert upper[index] > 6
    assert abs(upper[1 - index]) < 1
    assert np.abs(lower).max() < 2


def test_persons_are_of_human_size_and_all_different(heads: HeadModel) -> None:
    faces = [heads.landmarks(heads.person(np.random.default_rng(k)).vertices) for k in range(60)]
    eyes = [np.linalg.norm(face[[33, 133]].mean(0) - face[[362, 263]].mean(0)) for face in faces]
    assert min(eyes) > 44
    assert max(eyes) < 76
    assert np.std(eyes) > 1
    assert 60 == len({face.tobytes() for face in faces})


def test_a_compiled_head_is_not_compiled_again(with_head: WeightStore, tmp_path: Path) -> None:
    before = (with_head.folder / FILE).stat().st_mtime_ns
    # Without a package in reach: it is not asked for.
    assert with_head.folder / FILE == install_head(with_head, tmp_path)
    assert before == (with_head.folder / FILE).stat().st_mtime_ns


def test_a_head_of_an_older_recipe_is_compiled_anew_and_comes_out_the_same(
    with_head: WeightStore, home: Config, tmp_path: Path
) -> None:
    entry = with_head.manifest.by_role("canonical-face")
    for file in (entry.file, RECEIPT):
        shutil.copyfile(with_head.folder / file, tmp_path / file)
    np.savez(tmp_path / FILE, allow_pickle=False, recipe=np.array("0:older"))
    compiled = install_head(replace(with_head, folder=tmp_path), home.downloads)
    recipe, arrays = read_compiled(compiled)
    assert RECIPE == recipe
    for name, kept in read_compiled(with_head.folder / FILE)[1].items():
        assert np.array_equal(kept, arrays[name]), name


def test_a_missing_head_is_said_to_be_missing(with_head: WeightStore, tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match="install"):
        load_head_model(replace(with_head, folder=tmp_path))


def test_a_head_of_another_recipe_is_not_used(with_head: WeightStore, tmp_path: Path) -> None:
    with np.load(with_head.folder / FILE) as kept:
        arrays = {name: kept[name] for name in kept}
    assert RECIPE == str(arrays["recipe"])
    arrays["recipe"] = np.array("0:older")
    np.savez(tmp_path / FILE, allow_pickle=False, **arrays)
    with pytest.raises(ModelMissingError, match="0:older"):
        load_head_model(replace(with_head, folder=tmp_path))


@pytest.mark.parametrize("kept", [0, 10, 4000])
def test_a_damaged_head_is_said_to_be_altered(
    kept: int, with_head: WeightStore, tmp_path: Path
) -> None:
    (tmp_path / FILE).write_bytes((with_head.folder / FILE).read_bytes()[:kept])
    with pytest.raises(ModelAlteredError):
        load_head_model(replace(with_head, folder=tmp_path))


def test_every_species_has_a_name_of_the_standard() -> None:
    assert [Species.LIVE] == [species for species in Species if not species.is_attack]
    assert all(species.gb for species in Species)
    assert "完整照片" == Species.PRINT_FLAT.gb
    assert Species.VIDEO.gb == "视频"
