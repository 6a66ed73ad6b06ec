"""PRelu written as convolutions gives the same numbers, whatever comes after it."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from yibao_face.models.engine import Network
from yibao_face.models.weights.convert import convert

CHANNELS = 6
SLOPES = {
    "usual": (-0.5, 0.9),
    "above one": (1.1, 2.0),
    "about one": (0.9995, 1.0005),
    "nothing": (0.0, 0.0),
}
Nodes = list[Any]


def conv(source: str, weights: str, out: str, group: int = 1) -> Any:
    return helper.make_node("Conv", [source, weights], [out], group=group, pads=[1, 1, 1, 1])


# What comes after the activation `p`.
AFTER: dict[str, Nodes] = {
    "nothing": [helper.make_node("Identity", ["p"], ["out"])],
    "a convolution": [conv("p", "dense", "out")],
    "one per channel": [conv("p", "single", "out", CHANNELS)],
    "one in groups": [conv("p", "pairs", "out", 3)],
    "two convolutions": [
        conv("p", "dense", "a"),
        conv("p", "dense", "b"),
        helper.make_node("Sub", ["a", "b"], ["d"]),
        helper.make_node("Add", ["d", "a"], ["out"]),
    ],
    "weights used before": [
        conv("input", "dense", "a"),
        conv("p", "dense", "b"),
        helper.make_node("Add", ["a", "b"], ["out"]),
    ],
    "a sum with itself": [
        helper.make_node("Add", ["p", "p"], ["twice"]),
        conv("twice", "dense", "out"),
    ],
}


def graph(slopes: tuple[float, float], after: Nodes, *more: str) -> bytes:
    """Picture → PRelu → ``after``; ``more``: outputs beside `out`."""
    rng = np.random.default_rng(4)
    shapes = {"dense": (6, 6, 3, 3), "single": (6, 1, 3, 3), "pairs": (6, 2, 3, 3)}
    arrays = {name: rng.normal(0, 0.3, shape) for name, shape in shapes.items()}
    arrays["slope"] = rng.uniform(*slopes, (CHANNELS, 1, 1))
    size = [1, CHANNELS, 8, 8]
    made = helper.make_graph(
        [helper.make_node("PRelu", ["input", "slope"], ["p"]), *after],
        "small",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, size)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name in ("out", *more)],
        [numpy_helper.from_array(a.astype(np.float32), name) for name, a in arrays.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return bytes(model.SerializeToString())


def compare(data: bytes) -> None:
    picture = np.random.default_rng(5).normal(0, 1, (1, CHANNELS, 8, 8)).astype(np.float32)
    converted = convert("fold-onnx", data)

    found = Network("converted", converted).run(picture)

    evaluator: Any = ReferenceEvaluator(onnx.load_from_string(data))
    expected = evaluator.run(list(found), {"input": picture})
    for got, want in zip(found.values(), expected, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=2e-5)
    parsed: Any = onnx.load_from_string(converted)
    assert "PRelu" not in {node.op_type for node in parsed.graph.node}


@pytest.mark.parametrize("slopes", SLOPES)
@pytest.mark.parametrize("after", AFTER)
def test_no_number_changes(slopes: str, after: str) -> None:
    compare(graph(SLOPES[slopes], AFTER[after]))


def test_an_activation_that_is_an_output_itself_keeps_its_numbers() -> None:
    compare(graph(SLOPES["usual"], AFTER["a convolution"], "p"))


def test_the_factor_moves_into_the_next_convolution_where_it_can() -> None:
    kinds: dict[str, int] = {}
    for name in ("a convolution", "one per channel", "one in groups", "nothing"):
        parsed: Any = onnx.load_from_string(
            convert("fold-onnx", graph(SLOPES["usual"], AFTER[name]))
        )
        kinds[name] = sum(node.op_type == "Conv" for node in parsed.graph.node)

    assert {"a convolution": 2, "one per channel": 2, "one in groups": 3, "nothing": 2} == kinds
