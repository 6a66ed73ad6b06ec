"""One loaded graph: what fits goes through, what does not is an error of ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from yibao_face.models.api import ModelAlteredError, ModelRunError
from yibao_face.models.engine import Network
from yibao_face.models.weights.store import WeightStore


@pytest.fixture(scope="module")
def graph(installed: WeightStore) -> Path:
    """The file of a small network."""
    return installed.path(installed.manifest.by_role("detector"))


def test_outputs_are_named_and_as_large_as_the_picture_asks(graph: Path) -> None:
    network = Network("test", graph)

    small = network.run(np.zeros((1, 3, 64, 96), np.float32))
    large = network.run(np.zeros((1, 3, 128, 96), np.float32))

    kinds = ("cls", "obj", "bbox", "kps")
    assert {f"{kind}_{stride}" for kind in kinds for stride in (8, 16, 32)} == small.keys()
    assert (1, 8 * 12, 10) == small["kps_8"].shape
    assert (1, 16 * 12, 10) == large["kps_8"].shape


def test_a_graph_from_its_file_and_from_its_bytes_is_the_same(graph: Path) -> None:
    picture = np.random.default_rng(1).uniform(0, 255, (1, 3, 64, 64)).astype(np.float32)

    of_file = Network("file", graph).run(picture)
    of_bytes = Network("bytes", graph.read_bytes()).run(picture)

    for name, numbers in of_file.items():
        np.testing.assert_array_equal(numbers, of_bytes[name])


@pytest.mark.parametrize("shape", [(1, 4, 64, 64), (1, 1, 64, 64), (3, 64, 64), (1, 3, 0, 64)])
def test_an_input_that_does_not_fit_is_an_error_that_names_the_network(
    graph: Path, shape: tuple[int, ...]
) -> None:
    network = Network("little.onnx", graph)

    with pytest.raises(ModelRunError, match=r"little\.onnx"):
        network.run(np.zeros(shape, np.float32))


@pytest.mark.parametrize("data", [b"", b"no graph", bytes(1000)])
def test_bytes_that_are_no_graph_cannot_be_loaded(data: bytes) -> None:
    with pytest.raises(ModelAlteredError, match=r"broken\.onnx"):
        Network("broken.onnx", data)


def test_half_a_graph_or_none_cannot_be_loaded(graph: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.onnx"
    half.write_bytes(graph.read_bytes()[:-1000])

    for path in (half, tmp_path / "none.onnx"):
        with pytest.raises(ModelAlteredError, match="broken"):
            Network("broken", path)
