"""`yibao-face models add` and `thresholds`, and a daemon that will not settle uncalibrated."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from harness import FIRST
from onnx import TensorProto, helper, numpy_helper

from yibao_face.daemon.config import Config
from yibao_face.daemon.gallery.gallery import Numbers
from yibao_face.daemon.section import MatchConfig
from yibao_face.daemon.wiring import gallery_of
from yibao_face.models.engine import Network
from yibao_face.models.weights.manifest import load_manifest

Run = Callable[..., tuple[int, str, str]]
Refusal = Callable[..., str]
Settle = Callable[[Config], None]
OWN = load_manifest().by_role("embedder")
ADD = ("--accepted-by", "王主任")


def little() -> bytes:
    """An embedder of 24 numbers that looks at a 7x7 thumbnail."""
    rng = np.random.default_rng(1)
    weights = numpy_helper.from_array(rng.normal(0, 0.1, (147, 24)).astype(np.float32), "w")
    nodes = [
        helper.make_node("AveragePool", ["data"], ["p"], kernel_shape=[16, 16], strides=[16, 16]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "w"], ["out"]),
    ]
    picture = helper.make_tensor_value_info("data", TensorProto.FLOAT, [1, 3, 112, 112])
    result = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 24])
    graph = helper.make_graph(nodes, "little", [picture], [result], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return bytes(model.SerializeToString())


def sheet() -> dict[str, Any]:
    picture = (np.random.RandomState(3).rand(1, 3, 112, 112) * 2).astype(np.float32)
    head = [round(float(v), 5) for v in Network("little", little()).run(picture)["out"][0, :8]]
    shape = [1, 3, 112, 112]
    picture_as = {"layout": "NCHW", "size": [112, 112], "color": "RGB", "mean": 127.5}
    return {
        "id": "little-1",
        "role": "embedder",
        "file": "little.onnx",
        "sha256": hashlib.sha256(little()).hexdigest(),
        "input": {"name": "data", **picture_as, "scale": 0.0078125},
        "align": "arcface5",
        "dim": 24,
        "metric": "cosine",
        "calibrated_on": "",
        "licence": "MIT",
        "golden": {"seed": 3, "high": 2.0, "shape": shape, "head": {"out": head}, "rtol": 1e-3},
    }


def limits(model_id: str, sha256: str, value: float) -> dict[str, Any]:
    """What the calibrate command writes."""
    row = {"template": 1, "probe": 1, "far": 1e-5, "value": value}
    pairs = {"impostor_pairs": 200_000, "genuine_pairs": 500, "missed": 40}
    return {
        "schema": 1,
        "model_id": model_id,
        "model_sha256": sha256,
        "calibrated_on": "400 pictures of the site",
        "date": "2026-11-26",
        "rows": [{**row, **pairs}],
    }


@pytest.fixture
def own(site: Config, tmp_path: Path, settle: Settle) -> Config:
    """A data folder with networks of its own, so that one can be added; nothing is selected."""
    config = replace(site, data=tmp_path / "own")
    shutil.copytree(site.models, config.models)
    settle(config)
    return config


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """``site-model.json`` and the network beside it."""
    (tmp_path / "little.onnx").write_bytes(little())
    file = tmp_path / "site-model.json"
    file.write_text(json.dumps(sheet()), "utf-8")
    return file


def change(file: Path, changed: dict[str, Any]) -> Path:
    body = {**json.loads(file.read_text("utf-8")), **changed}
    file.write_text(json.dumps({k: v for k, v in body.items() if v is not None}), "utf-8")
    return file


def listing(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def select(config: Config, settle: Settle, model_id: str) -> None:
    settle(replace(config, match=MatchConfig(model=model_id)))


def test_an_added_model_is_listed_with_licence_and_state(
    own: Config, model: Path, run: Run
) -> None:
    code, out, err = run("models", "add", model, *ADD)

    assert (0, "") == (code, err)
    assert f"little-1: in {own.models}, no thresholds: calibrate first\n" == out
    code, out, _ = run("models", "list")
    assert 0 == code
    own_lines = out[out.index("little-1") :]
    assert f"sha256 {sheet()['sha256']}" in own_lines
    assert "licence MIT · put in by the site; licence accepted by 王主任 on 20" in own_lines
    assert own_lines.endswith("  no thresholds: calibrate first\n")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"sha256": "0" * 64}, "little.onnx: sha256"),
        ({"licence": None}, "site-model.json: licence is missing"),
        ({"licence": ""}, "site-model.json: licence cannot be ''"),
        ({"golden": {**sheet()["golden"], "seed": 4}}, "differs from its golden vector"),
        ({"id": OWN.id}, "is the name of a model we carry"),
        ({"dim": 128}, "gives (1, 24), not (1, 128)"),
    ],
)
def test_a_model_that_is_not_as_described_is_refused_in_one_line(
    own: Config, model: Path, refusal: Refusal, changed: dict[str, Any], says: str
) -> None:
    before = listing(own.models)

    assert says in refusal("models", "add", change(model, changed), *ADD)

    assert before == listing(own.models)


@pytest.mark.usefixtures("own")
def test_a_description_cut_off_is_refused(model: Path, refusal: Refusal) -> None:
    model.write_bytes(model.read_bytes()[:200])

    assert "site-model.json is no JSON, or only a part of it" == refusal(
        "models", "add", model, *ADD
    )


@pytest.mark.usefixtures("own")
def test_what_is_missing_on_the_command_line_is_told(model: Path, refusal: Refusal) -> None:
    assert "--accepted-by" in refusal("models", "add", model)
    assert "models add needs a FILE" == refusal("models", "add", *ADD)
    assert "models thresholds needs a FILE" == refusal("models", "thresholds")
    assert "none.json cannot be read" in refusal("models", "add", "none.json", *ADD)


def test_a_daemon_does_not_start_with_a_model_without_thresholds(
    own: Config, model: Path, run: Run, refusal: Refusal, settle: Settle
) -> None:
    run("models", "add", model, *ADD)
    select(own, settle, "little-1")

    said = refusal("serve", "--port", "0")

    assert "little-1 cannot be selected: no thresholds: calibrate first" == said
    code, out, _ = run("models", "list")
    assert 0 == code
    assert "  no thresholds: calibrate first · selected\n" in out


def test_a_daemon_does_not_start_with_a_model_that_is_not_there(
    own: Config, refusal: Refusal, settle: Settle
) -> None:
    select(own, settle, "nobody-1")

    assert "nobody-1 is not installed" == refusal("serve", "--port", "0")


def test_thresholds_make_it_selectable_and_bad_ones_leave_them(
    own: Config, model: Path, tmp_path: Path, run: Run, refusal: Refusal, settle: Settle
) -> None:
    run("models", "add", model, *ADD)
    select(own, settle, "little-1")
    file = tmp_path / "thresholds.json"
    file.write_text(json.dumps(limits("little-1", sheet()["sha256"], 0.61)), "utf-8")

    code, out, err = run("models", "thresholds", file)

    said = "match 0.61 at FAR 1e-05: 400 pictures of the site"
    assert (0, f"little-1: {said}\n", "") == (code, out, err)
    for bad in ('{"schema": 1', json.dumps(limits("little-1", "0" * 64, 0.2))):
        file.write_text(bad, "utf-8")
        assert "thresholds.json" in refusal("models", "thresholds", file)
    _, out, _ = run("models", "list")
    assert f"  {said} (2026-11-26) · selected\n" in out


def test_a_person_is_enrolled_with_the_model_that_is_selected(
    own: Config,
    model: Path,
    tmp_path: Path,
    run: Run,
    settle: Settle,
    portrait: Callable[[str], bytes],
) -> None:
    ready = {"thresholds": limits("little-1", sheet()["sha256"], 0.61)}
    run("models", "add", change(model, ready), *ADD)
    select(own, settle, "little-1")
    (tmp_path / "photo.jpg").write_bytes(portrait("first-1"))
    person = ("person", "add", "--id", FIRST, "--name", "张三")

    code, _, err = run(*person, "--photo", tmp_path / "photo.jpg")

    assert (0, "") == (code, err)
    gallery = gallery_of(own)
    [(_, _, used)] = gallery.history(gallery.person_of(Numbers(FIRST)))
    assert "little-1" == used


def test_the_model_we_carry_takes_thresholds_of_the_site(
    own: Config, tmp_path: Path, run: Run, refusal: Refusal
) -> None:
    file = tmp_path / "thresholds.json"
    file.write_text(json.dumps(limits(OWN.id, OWN.sha256, 0.55)), "utf-8")

    assert 0 == run("models", "thresholds", file)[0]

    _, out, _ = run("models", "list")
    assert "  match 0.55 at FAR 1e-05: 400 pictures of the site (2026-11-26) · selected\n" in out
    (own.models / f"thresholds-{OWN.id}.json").write_text("{", "utf-8")
    assert OWN.id in refusal("serve", "--port", "0")
